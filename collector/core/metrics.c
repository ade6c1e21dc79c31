/* Metrics over HTTP for Prometheus. libmicrohttpd parses the requests in a thread of its own, made before
 * the system call filter is set; nothing but GET /metrics is answered, and no byte of a request goes
 * further than two comparisons. */
#include "collector/core/metrics.h"

#include <microhttpd.h>

#include "collector/base/readers.h"

struct metrics {
	struct MHD_Daemon *daemon;
	const struct status *status;
};

/* The library copies the body: the text is freed before the answer is on the wire. */
static enum MHD_Result
reply(struct MHD_Connection *c, unsigned code, const char *type, const void *body, size_t n)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(n, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	enum MHD_Result rc = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return rc;
}

/* Runs on the server's thread. It asks the source threads for figures as the control thread does, one
 * request at a time, so a scraper cannot pile work up. */
static enum MHD_Result
answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version,
       const char *upload, size_t *upload_size, void **request)
{
	static const char hint[] = "GET /metrics\n";
	struct metrics *m = ctx;
	(void)version, (void)upload, (void)upload_size, (void)request;
	if (strcmp(method, "GET") != 0)
		return reply(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", hint, sizeof(hint) - 1);
	if (strcmp(url, "/metrics") != 0)
		return reply(c, MHD_HTTP_NOT_FOUND, "text/plain", hint, sizeof(hint) - 1);
	struct text out = {0};
	/* the library makes its threads, so each request says for itself that it reads */
	readers_join();
	status_prometheus(m->status, &out);
	readers_leave();
	enum MHD_Result rc =
	    reply(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
	text_free(&out);
	return rc;
}

/* Few connections and a short timeout: scrapers come every few seconds and leave, whoever stays is not one.
 */
struct metrics *
metrics_open(const struct addr *address, uint16_t port, const struct status *s, char *err, size_t errlen)
{
	struct sockaddr_storage ss;
	addr_to_sockaddr(address, port, &ss);
	struct metrics *m = calloc(1, sizeof(*m));
	if (m) {
		/* epoll inside the library: one thread, whatever the number of connections */
		unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL;
		m->status = s;
		m->daemon =
		    MHD_start_daemon(flags | (ss.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL,
				     answer, m, MHD_OPTION_SOCK_ADDR, &ss, MHD_OPTION_CONNECTION_LIMIT, 16u,
				     MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
	}
	if (!m || !m->daemon) {
		char text[ADDR_TEXT_MAX];
		addr_format(text, address);
		snprintf(err, errlen, "metrics_listen: cannot listen at %s port %u; is it in use?", text,
			 port);
		free(m);
		return NULL;
	}
	return m;
}

/* Waits for a request in progress, so it comes before what such a request reads is freed. */
void
metrics_close(struct metrics *m)
{
	if (m)
		MHD_stop_daemon(m->daemon);
	free(m);
}
