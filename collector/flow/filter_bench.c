/* Measures a filter: filter_bench [EXPRESSION...]; nanoseconds a flow over flows that differ. */
#include <time.h>

#include "collector/flow/filter.h"

#define FLOWS  1024
#define PASSES 4000

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool
measure(const char *expression, const struct flow *flow)
{
	char err[256];
	struct filter *f = filter_new(expression, err, sizeof(err));
	if (!f) {
		fprintf(stderr, "%s\n", err);
		return false;
	}
	unsigned long passed = 0;
	double t = now();
	for (unsigned i = 0; i < PASSES; i++)
		for (unsigned k = 0; k < FLOWS; k++)
			passed += filter_match(f, &flow[k]);
	t = now() - t;
	printf("%6.1f ns  %5.1f %%  %s\n", t / PASSES / FLOWS * 1e9, 100.0 * (double)passed / PASSES / FLOWS,
	       expression);
	filter_free(f);
	return true;
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = {
	    "dst net 192.168.0.0/16", "tcp port 80", "vlan 100 and host 10.0.0.1",
	    "src net 10.0.0.0/9 and (port 53 or port 80 or port 443)", "tcp[tcpflags] & tcp-syn != 0"};
	struct flow *flow = calloc(FLOWS, sizeof(*flow));
	if (!flow)
		return 1;
	for (unsigned k = 0; k < FLOWS; k++) {
		uint32_t r = k * 2654435761U;
		uint8_t src[4] = {10, (uint8_t)(r >> 24), (uint8_t)(r >> 16), 1},
			dst[4] = {192, 168, (uint8_t)(r >> 8), 1};
		flow[k].src_host = addr_from_v4(src);
		flow[k].dst_host = addr_from_v4(dst);
		flow[k].proto = r & 1 << 20 ? 6 : 17;
		flow[k].src_port = (uint16_t)(r >> 9);
		flow[k].dst_port = r & 1 << 21 ? 80 : 53;
		flow[k].tcp_flags = r >> 27;
		flow[k].vlan = r & 1 << 22 ? 100 : 0;
	}
	bool ok = true;
	for (int i = 1; i < argc; i++)
		ok = measure(argv[i], flow) && ok;
	for (size_t i = 0; argc <= 1 && i < ARRAY_SIZE(usual); i++)
		ok = measure(usual[i], flow) && ok;
	free(flow);
	return ok ? 0 : 1;
}
