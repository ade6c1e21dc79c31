/* UDP and TCP over loopback: batches, steering by exporter address, messages cut out of a stream at any
 * place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/input/tcp.h"

#define THREADS 4

struct seen {
	unsigned n, bytes, opened, closed;
	uint32_t session;
	bool refuse;
};

static void
remember(void *ctx, const struct datagram *d)
{
	struct seen *s = ctx;
	s->n++;
	s->bytes += (unsigned)d->len;
	s->session = d->session;
}

static bool
allow(void *ctx, const struct addr *from)
{
	(void)from;
	return !((struct seen *)ctx)->refuse;
}

static void
opened(void *ctx, uint32_t id, const struct addr *from)
{
	(void)id, (void)from;
	((struct seen *)ctx)->opened++;
}

static void
closed(void *ctx, uint32_t id, const struct addr *from)
{
	(void)id, (void)from;
	((struct seen *)ctx)->closed++;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a;
	uint16_t port;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_true(addr_from_sockaddr(&a, &port, (struct sockaddr *)&ss));
	return port;
}

static void
send_from(const char *source, uint16_t port, unsigned times)
{
	struct sockaddr_storage ss;
	struct addr from, to;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(addr_parse(&from, source) && addr_parse(&to, "127.0.0.1"));
	socklen_t len = addr_to_sockaddr(&from, 0, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	len = addr_to_sockaddr(&to, port, &ss);
	for (unsigned i = 0; i < times; i++)
		assert_int_equal(sendto(fd, "12345", 5, 0, (struct sockaddr *)&ss, len), 5);
	close(fd);
}

static struct udp_receiver *
receiver(int fd, struct counter_block **c)
{
	assert_true(counters_init());
	*c = counters_add(udp_counter_desc, UDP_COUNTERS, NULL);
	return udp_receiver_new(fd, *c);
}

static void
receives_in_batches(void **state)
{
	(void)state;
	char err[256];
	struct udp_options o = {.threads = 1, .receive_buffer = 1 << 20};
	struct seen s = {0};
	struct counter_block *c;
	assert_true(addr_parse(&o.address, "127.0.0.1"));
	int fd = udp_open(&o, err, sizeof(err));
	assert_true(fd >= 0);
	struct udp_receiver *r = receiver(fd, &c);
	send_from("127.0.0.1", port_of(fd), 100);
	assert_int_equal(udp_receive(r, remember, &s), UDP_BATCH);
	assert_int_equal(udp_receive(r, remember, &s), 100 - UDP_BATCH);
	assert_int_equal(udp_receive(r, remember, &s), 0);
	assert_int_equal(s.n, 100);
	assert_int_equal(s.bytes, 500);
	assert_int_equal(counter_read(c, UDP_DATAGRAMS), 100);
	assert_int_equal(counter_read(c, UDP_OCTETS), 500);
	udp_receiver_free(r);
	close(fd);
}

/* Whatever port an exporter sends from, all of it arrives at one socket; several exporters use several
 * sockets. */
static void
an_exporter_keeps_its_thread(void **state)
{
	(void)state;
	char err[256], source[20];
	int fd[THREADS];
	unsigned used = 0;
	struct counter_block *c;
	struct udp_receiver *r[THREADS];
	struct udp_options o = {.threads = THREADS};
	for (unsigned i = 0; i < THREADS; i++) {
		fd[i] = udp_open(&o, err, sizeof(err)); /* both families, IPv4 as mapped */
		assert_true(fd[i] >= 0);
		o.port = port_of(fd[i]);
		r[i] = receiver(fd[i], &c);
	}
	assert_true(udp_steer(fd[0], THREADS, err, sizeof(err)));
	for (unsigned exporter = 1; exporter <= 16; exporter++) {
		snprintf(source, sizeof(source), "127.0.7.%u", exporter);
		for (unsigned again = 0; again < 5; again++)
			send_from(source, o.port, 1);
		unsigned places = 0;
		for (unsigned i = 0; i < THREADS; i++) {
			struct seen s = {0};
			udp_receive(r[i], remember, &s);
			assert_true(s.n == 0 || s.n == 5);
			places += s.n == 5;
			used |= s.n ? 1u << i : 0;
		}
		assert_int_equal(places, 1);
	}
	assert_true(__builtin_popcount(used) >= 2);
	for (unsigned i = 0; i < THREADS; i++) {
		udp_receiver_free(r[i]);
		close(fd[i]);
	}
}

static void
says_when_the_port_is_taken(void **state)
{
	(void)state;
	char err[256];
	struct udp_options o = {.threads = 1};
	int fd = udp_open(&o, err, sizeof(err));
	assert_true(fd >= 0);
	o.port = port_of(fd);
	assert_int_equal(udp_open(&o, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "in use"));
	close(fd);
}

struct stream {
	struct seen seen;
	struct tcp_source *source;
	struct counter_block *counters;
	uint16_t port;
	int client;
};

static void
turn(struct stream *t)
{
	struct pollfd p = {.fd = tcp_source_fd(t->source), .events = POLLIN};
	poll(&p, 1, 200);
	tcp_source_run(t->source);
}

static void
stream_open(struct stream *t, uint16_t port)
{
	char err[256];
	struct tcp_options o = {.port = port, .sessions_max = 1};
	struct tcp_handlers h = {allow, remember, opened, closed, &t->seen};
	assert_true(addr_parse(&o.address, "127.0.0.1"));
	assert_true(counters_init());
	t->counters = counters_add(tcp_counter_desc, TCP_COUNTERS, NULL);
	t->source = tcp_source_new(&o, &h, t->counters, err, sizeof(err));
	if (!t->source)
		fail_msg("%s", err);
	t->port = port;
}

static int
stream_connect(struct stream *t)
{
	struct sockaddr_storage ss;
	struct addr to;
	assert_true(addr_parse(&to, "127.0.0.1"));
	socklen_t len = addr_to_sockaddr(&to, t->port, &ss);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	turn(t);
	return fd;
}

/* A free port: asked of the kernel, then given back. */
static uint16_t
free_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	uint16_t port = port_of(fd);
	close(fd);
	return port;
}

static void
cuts_messages_out_of_a_stream(void **state)
{
	(void)state;
	static const uint8_t two[] = {0, 10, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10,
				      0, 20, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9};
	struct stream t = {0};
	stream_open(&t, free_port());
	int fd = stream_connect(&t);
	assert_int_equal(t.seen.opened, 1);
	for (size_t i = 0; i < sizeof(two); i++) { /* a byte at a time */
		assert_int_equal(send(fd, two + i, 1, 0), 1);
		turn(&t);
		assert_int_equal(t.seen.n, i < 15 ? 0 : i < 35 ? 1 : 2);
	}
	assert_int_equal(t.seen.bytes, 36);
	assert_true(t.seen.session != 0);
	assert_int_equal(send(fd, two, sizeof(two), 0), sizeof(two)); /* and at once */
	turn(&t);
	assert_int_equal(t.seen.n, 4);
	close(fd);
	turn(&t);
	assert_int_equal(t.seen.closed, 1);
	tcp_source_free(t.source);
}

static void
closes_what_is_not_ipfix(void **state)
{
	(void)state;
	static const uint8_t bad[][4] = {{0, 9, 0, 20}, {0, 10, 0, 15}, {'G', 'E', 'T', ' '}};
	struct stream t = {0};
	char byte;
	stream_open(&t, free_port());
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		int fd = stream_connect(&t);
		assert_int_equal(send(fd, bad[i], 4, 0), 4);
		turn(&t);
		assert_true(recv(fd, &byte, 1, 0) <= 0);
		assert_int_equal(counter_read(t.counters, TCP_CLOSED_FRAMING), i + 1);
		close(fd);
	}
	assert_int_equal(t.seen.n, 0);
	tcp_source_free(t.source);
}

static void
refuses_by_list_and_by_number(void **state)
{
	(void)state;
	struct stream t = {0};
	stream_open(&t, free_port());
	int first = stream_connect(&t), second = stream_connect(&t);
	assert_int_equal(counter_read(t.counters, TCP_REFUSED_FULL), 1);
	close(first);
	turn(&t);
	t.seen.refuse = true;
	int third = stream_connect(&t);
	assert_int_equal(counter_read(t.counters, TCP_REFUSED_DENIED), 1);
	assert_int_equal(counter_read(t.counters, TCP_ACCEPTED), 1);
	close(second);
	close(third);
	tcp_source_free(t.source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(receives_in_batches),	   cmocka_unit_test(an_exporter_keeps_its_thread),
	    cmocka_unit_test(says_when_the_port_is_taken), cmocka_unit_test(cuts_messages_out_of_a_stream),
	    cmocka_unit_test(closes_what_is_not_ipfix),	   cmocka_unit_test(refuses_by_list_and_by_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
