/* Measures a list of networks: loading, memory, one lookup, and applying a policy to a flow.
 * networks_bench [FILE]: a networks_file; without it a synthetic table of about the size and shape of
 * today's Internet (a million prefixes, most of them /24 and /48, nested in blocks). */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "collector/flow/networks.h"

#define SYNTHETIC_V4 900000
#define SYNTHETIC_V6 160000
#define ADDRESSES    (1U << 18)
#define ROUNDS	     7

static uint64_t seed = 88172645463325252ULL;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
synthetic_write(FILE *out)
{
	for (unsigned i = 0; i < SYNTHETIC_V4; i++) {
		unsigned len = draw() % 10 < 6 ? 24 : 16 + (unsigned)(draw() % 8);
		uint32_t a = (uint32_t)(draw() >> 20) & ~(0xffffffffU >> len);
		fprintf(out, "%u,%u.%u.%u.%u/%u\n", i, 1 + (a >> 24) % 223, a >> 16 & 255, a >> 8 & 255,
			a & 255, len);
	}
	for (unsigned i = 0; i < SYNTHETIC_V6; i++) {
		uint64_t r = draw();
		bool site = r & 1;
		fprintf(out, "%u,2%03x:%x:%x::/%u\n", i, (unsigned)(r >> 8) & 0x3ff,
			(unsigned)(r >> 20) & 0x1fff, site ? (unsigned)(r >> 36) & 0xff : 0, site ? 48 : 32);
	}
}

/* Addresses within prefixes of the list, drawn evenly. */
static unsigned
addresses_read(const char *path, struct addr *out, bool v4)
{
	static char line[256];
	FILE *f = fopen(path, "r");
	unsigned n = 0, seen = 0;
	while (f && fgets(line, sizeof(line), f)) {
		struct prefix p;
		char *text = strrchr(line, ',') ? strrchr(line, ',') + 1 : line;
		text[strcspn(text, "\r\n")] = '\0';
		if (!prefix_parse(&p, text) || addr_is_v4(&p.addr) != v4)
			continue;
		unsigned at = n < ADDRESSES ? n++ : (unsigned)(draw() % ++seen);
		seen = seen < n ? n : seen;
		p.addr.b[15] |= (uint8_t)(draw() & 255);
		if (at < ADDRESSES)
			out[at] = p.addr;
	}
	if (f)
		fclose(f);
	for (unsigned i = n; i > 1; i--) {
		unsigned k = (unsigned)(draw() % i);
		struct addr t = out[i - 1];
		out[i - 1] = out[k];
		out[k] = t;
	}
	return n;
}

static void
lookup_measure(const struct networks *list, const char *path, bool v4)
{
	struct addr *a = calloc(ADDRESSES, sizeof(*a));
	unsigned n = a ? addresses_read(path, a, v4) : 0;
	double best = 1e9;
	uint64_t sum = 0;
	for (int round = 0; n && round < ROUNDS; round++) {
		double t = now();
		for (unsigned i = 0; i < n; i++) {
			const struct network *found = networks_find(list, &a[i]);
			sum += (uintptr_t)found & 1;
		}
		t = now() - t;
		best = t < best ? t : best;
	}
	if (n)
		printf("%s lookup  %6.1f ns (%u addresses, %" PRIu64 ")\n", v4 ? "IPv4" : "IPv6",
		       best / n * 1e9, n, sum);
	free(a);
}

static void
apply_measure(const struct networks *list, const char *path)
{
	struct addr *a = calloc(ADDRESSES, sizeof(*a));
	unsigned n = a ? addresses_read(path, a, true) : 0;
	struct flow_needs needs = {.extent = 0};
	struct network_policy p = {.net = NETWORK_FILE, .as = NETWORK_FILE, .file = list};
	double best = 1e9;
	uint64_t sum = 0;
	flow_need(&needs, 0, sizeof(struct flow));
	networks_policy_needs(&p, &needs);
	for (int round = 0; n > 1 && round < ROUNDS; round++) {
		struct flow f;
		memset(&f, 0, sizeof(f));
		double t = now();
		for (unsigned i = 1; i < n; i++) {
			f.src_host = a[i];
			f.dst_host = a[i - 1];
			networks_apply(&p, &f, NULL);
			sum += f.src_as;
		}
		t = now() - t;
		best = t < best ? t : best;
	}
	if (n > 1)
		printf("IPv4 flow    %6.1f ns, both sides, net and AS (%" PRIu64 ")\n", best / (n - 1) * 1e9,
		       sum);
	free(a);
}

int
main(int argc, char **argv)
{
	char made[] = "networks_bench.XXXXXX", err[256];
	const char *path = argc > 1 ? argv[1] : made;
	if (argc <= 1) {
		int fd = mkstemp(made);
		FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
		if (!out)
			return 1;
		synthetic_write(out);
		fclose(out);
	}
	double t = now();
	struct networks *list = networks_load(path, err, sizeof(err));
	t = now() - t;
	if (!list) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	printf("loaded %zu networks in %.3f s, %zu bytes\n", networks_count(list), t, networks_bytes(list));
	lookup_measure(list, path, true);
	lookup_measure(list, path, false);
	apply_measure(list, path);
	networks_free(list);
	if (argc <= 1)
		unlink(made);
	return 0;
}
