/* The looking glass over its sockets: clients of all kinds, passwords, malformed messages, many at once. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "bgp/ribbed.h"
#include "collector/base/counters.h"

struct bed {
	struct ribbed r;
	struct conf *conf;
	struct bgp_outputs *outputs;
	void *context;
	char endpoint[64];
};

/* A port that was free a moment ago. */
static unsigned
free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static struct conf *
conf_of(const char *lines)
{
	struct text messages = {0};
	struct conf *c = conf_load_text("f", lines, strlen(lines), NULL, &messages);
	assert_string_equal(text_cstr(&messages), "");
	text_free(&messages);
	return c;
}

static void
begin(struct bed *b, const char *more)
{
	char lines[512], err[512];
	unsigned port = free_port();
	*b = (struct bed){.context = zmq_ctx_new()};
	ribbed_begin(&b->r);
	struct bgp_peer *p = ribbed_peer(&b->r, "127.0.0.5", 179, 1);
	struct bgp_attrs a = {.present = BGP_HAS_ORIGIN};
	struct bgp_nlri n = ribbed_nlri("10.1.0.0/16", 0, NULL);
	ribbed_announce(&b->r, p, BGP_IPV4_UNICAST, &n, &a);
	snprintf(lines, sizeof(lines),
		 "bgp_daemon_lg: true\nbgp_daemon_lg_port: %u\nbgp_daemon_lg_threads: 3\n%s", port, more);
	snprintf(b->endpoint, sizeof(b->endpoint), "tcp://127.0.0.1:%u", port);
	b->conf = conf_of(lines);
	if (!bgp_outputs_prepare(&b->outputs, b->conf, b->r.sources, b->r.store, err, sizeof(err)) ||
	    !bgp_outputs_open(b->outputs, err, sizeof(err)) ||
	    !bgp_outputs_start(b->outputs, err, sizeof(err)))
		fail_msg("%s", err);
}

static void
end(struct bed *b)
{
	zmq_ctx_term(b->context);
	bgp_outputs_stop(b->outputs);
	bgp_outputs_free(b->outputs);
	conf_free(b->conf);
	ribbed_end(&b->r);
}

static void *
dial(struct bed *b, int type, const char *user, const char *password, int patience_ms)
{
	void *s = zmq_socket(b->context, type);
	int zero = 0;
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms));
	zmq_setsockopt(s, ZMQ_SNDTIMEO, &patience_ms, sizeof(patience_ms));
	if (user) {
		zmq_setsockopt(s, ZMQ_PLAIN_USERNAME, user, strlen(user));
		zmq_setsockopt(s, ZMQ_PLAIN_PASSWORD, password, strlen(password));
	}
	assert_int_equal(zmq_connect(s, b->endpoint), 0);
	return s;
}

static void
say(void *s, const char *first, const char *second)
{
	assert_true(zmq_send(s, first, strlen(first), second ? ZMQ_SNDMORE : 0) >= 0);
	if (second)
		assert_true(zmq_send(s, second, strlen(second), 0) >= 0);
}

/* Parts of a reply, one a line; "" when none came in time. */
static const char *
hear(void *s)
{
	static char buf[4096];
	size_t at = 0;
	int more = 1;
	while (more) {
		size_t len = sizeof(more);
		int n = zmq_recv(s, buf + at, sizeof(buf) - at - 2, 0);
		if (n < 0)
			return "";
		at += (size_t)n;
		buf[at++] = '\n';
		zmq_getsockopt(s, ZMQ_RCVMORE, &more, &len);
	}
	buf[at] = '\0';
	return buf;
}

#define LOOKUP	 "{\"query_type\":1,\"queries\":1}"
#define QUESTION "{\"ip_prefix\":\"10.1.2.3\",\"peer_ip_src\":\"127.0.0.5\"}"
#define ANSWER                                                                                               \
	"{\"results\": 1, \"query_type\": 1}\n{\"peer_ip_src\": \"127.0.0.5\", \"peer_tcp_port\": 179, "     \
	"\"event_type\": \"lglass\", \"afi\": 1, \"safi\": 1, \"ip_prefix\": \"10.1.0.0/16\", \"origin\": "  \
	"\"i\"}\n"

static void
questions_and_answers(void **state)
{
	(void)state;
	struct bed b;
	begin(&b, "");
	void *s = dial(&b, ZMQ_REQ, NULL, NULL, 10000);
	for (unsigned i = 0; i < 50; i++) {
		say(s, LOOKUP, QUESTION);
		assert_string_equal(hear(s), ANSWER);
		say(s, "nonsense", NULL);
		assert_string_equal(
		    hear(s), "{\"results\": 0, \"query_type\": 0, \"text\": \"unsupported query_type\"}\n");
	}
	zmq_close(s);
	end(&b);
}

/* More clients than workers, each with more questions than may be at hand; all get their own answers. */
static void
many_clients(void **state)
{
	(void)state;
	struct bed b;
	void *s[20];
	begin(&b, "");
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = dial(&b, ZMQ_DEALER, NULL, NULL, 10000);
	for (unsigned k = 0; k < 10; k++)
		for (unsigned i = 0; i < ARRAY_SIZE(s); i++) {
			assert_int_equal(zmq_send(s[i], "", 0, ZMQ_SNDMORE), 0);
			say(s[i], LOOKUP, QUESTION);
		}
	for (unsigned k = 0; k < 10; k++)
		for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
			assert_string_equal(hear(s[i]), "\n" ANSWER);
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		zmq_close(s[i]);
	end(&b);
}

/* Messages without the empty part, with too many parts or too long ones get no answer, and others still do.
 */
static void
malformed(void **state)
{
	(void)state;
	struct bed b;
	begin(&b, "");
	void *bad = dial(&b, ZMQ_DEALER, NULL, NULL, 300), *good = dial(&b, ZMQ_REQ, NULL, NULL, 10000);
	for (unsigned i = 0; i < 100; i++)
		say(bad, LOOKUP, i % 2 ? QUESTION : NULL);
	for (unsigned i = 0; i < 1000; i++)
		zmq_send(bad, "", 0, ZMQ_SNDMORE);
	say(bad, "", NULL);
	assert_string_equal(hear(bad), "");
	void *huge = dial(&b, ZMQ_REQ, NULL, NULL, 300);
	char *text = calloc(1, 200000);
	memset(text, '[', 199999);
	say(huge, text, NULL);
	assert_string_equal(hear(huge), "");
	text[60000] = '\0'; /* deep, but not too long */
	say(good, text, NULL);
	assert_non_null(strstr(hear(good), "unsupported"));
	say(good, LOOKUP, QUESTION);
	assert_string_equal(hear(good), ANSWER);
	free(text);
	zmq_close(bad);
	zmq_close(huge);
	zmq_close(good);
	end(&b);
}

static void
passwords(void **state)
{
	(void)state;
	struct bed b;
	begin(&b, "bgp_daemon_lg_user: ann\nbgp_daemon_lg_passwd: secret\n");
	void *s[] = {
	    dial(&b, ZMQ_REQ, "ann", "secret", 10000), dial(&b, ZMQ_REQ, "ann", "secreu", 300),
	    dial(&b, ZMQ_REQ, "bob", "secret", 300),   dial(&b, ZMQ_REQ, "", "", 300),
	    dial(&b, ZMQ_REQ, NULL, NULL, 300),
	};
	/* who was refused meanwhile has nobody to send to */
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		if (zmq_send(s[i], LOOKUP, strlen(LOOKUP), ZMQ_SNDMORE) >= 0)
			zmq_send(s[i], QUESTION, strlen(QUESTION), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++) {
		assert_string_equal(hear(s[i]), i ? "" : ANSWER);
		zmq_close(s[i]);
	}
	end(&b);
}

static void
refused(void **state)
{
	(void)state;
	static const struct {
		const char *lines, *why;
	} cases[] = {
	    {"bgp_daemon_lg: true\nbgp_daemon_lg_user: ann\n",
	     "bgp_daemon_lg_user and bgp_daemon_lg_passwd belong together, and have up to 255 bytes each"},
	    {"bgp_daemon_lg: true\nbgp_daemon_lg_ip: 192.0.2.77\n",
	     "bgp_daemon_lg: cannot listen at tcp://192.0.2.77:17900: Cannot assign requested address"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_outputs *o;
		struct bgp_sources none = {0};
		struct conf *c = conf_of(cases[i].lines);
		char err[512];
		assert_false(bgp_outputs_prepare(&o, c, none, NULL, err, sizeof(err)) &&
			     bgp_outputs_open(o, err, sizeof(err)));
		assert_string_equal(err, cases[i].why);
		bgp_outputs_free(o);
		conf_free(c);
	}
}

static int
setup(void **state)
{
	(void)state;
	return counters_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(questions_and_answers),
	    cmocka_unit_test(many_clients),
	    cmocka_unit_test(malformed),
	    cmocka_unit_test(passwords),
	    cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
