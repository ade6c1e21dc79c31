/* The file's grammar, and the choice between sources. The table of cases was observed: six NetFlow v9 records
 * sent to Debian's nfacctd 1.7.7 under each of the configurations, and what its print plugin wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "collector/flow/networks.h"

static char path[] = "networks_test.list";

static struct networks *
load(const char *text, char *err, size_t errlen)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	struct networks *n = networks_load(path, err, errlen);
	unlink(path);
	return n;
}

static struct addr
address(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static const char file[] = "7.7.7.7,65001_65100,10.1.0.0/16\n"
			   "65200,192.168.5.32/28\n"
			   "172.16.0.0/12\n"
			   "6.6.6.6,65300,11.0.0.0/8\n"
			   "65301,11.2.3.0/25\n";

/* What the exporter said. */
static const struct {
	const char *src, *dst;
	uint8_t src_mask, dst_mask;
	uint32_t src_as, dst_as;
	const char *ip_next_hop, *bgp_next_hop;
} record[6] = {
    {"10.1.2.3", "192.168.5.47", 24, 27, 100, 200, "9.9.9.9", "8.8.8.8"},
    {"10.1.2.3", "172.16.1.1", 0, 0, 0, 0, "9.9.9.9", "0.0.0.0"},
    {"203.0.113.7", "198.51.100.9", 24, 25, 300, 400, "9.9.9.9", "8.8.8.8"},
    {"10.1.2.130", "10.1.9.9", 16, 16, 300, 400, "9.9.9.9", "8.8.8.8"},
    {"203.0.113.7", "198.51.100.9", 0, 0, 300, 400, "0.0.0.0", "0.0.0.0"},
    {"11.1.2.3", "11.2.3.4", 24, 24, 300, 400, "9.9.9.9", "8.8.8.8"},
};

/* source, its network, AS, peer AS | the same of the destination | next hop */
static const struct {
	const char *net, *as;
	uint8_t mask;
	bool file, filter, no_lpm, no_mask_if_zero, use_ip_next_hop;
	const char *want[6];
} observed[] = {
    {"netflow",
     "netflow",
     0,
     false,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 0 0 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 8.8.8.8",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 400 0 | 8.8.8.8"}},
    {"netflow",
     "netflow",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 0 0 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 8.8.8.8",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 400 0 | 8.8.8.8"}},
    {"file",
     "file",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.0.0/16 65100 65001 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 0.0.0.0/0 0 0 | 198.51.100.9 0.0.0.0/0 0 0 | -",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 0 0 | 198.51.100.9 0.0.0.0/0 0 0 | -",
      "11.1.2.3 11.0.0.0/8 65300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"longest",
     "longest",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 0 0 | 198.51.100.9 0.0.0.0/0 0 0 | -",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"longest",
     "longest",
     0,
     true,
     false,
     true,
     false,
     false,
     {"10.1.2.3 10.1.0.0/16 65100 65001 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.0.0.0/8 65300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"mask",
     "netflow",
     20,
     false,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.0.0/20 100 0 | 192.168.5.47 192.168.0.0/20 200 0 | -",
      "10.1.2.3 10.1.0.0/20 0 0 | 172.16.1.1 172.16.0.0/20 0 0 | -",
      "203.0.113.7 203.0.112.0/20 300 0 | 198.51.100.9 198.51.96.0/20 400 0 | -",
      "10.1.2.130 10.1.0.0/20 300 0 | 10.1.9.9 10.1.0.0/20 400 0 | -",
      "203.0.113.7 203.0.112.0/20 300 0 | 198.51.100.9 198.51.96.0/20 400 0 | -",
      "11.1.2.3 11.1.0.0/20 300 0 | 11.2.3.4 11.2.0.0/20 400 0 | -"}},
    {"mask",
     "netflow",
     20,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.0.0/20 100 0 | 192.168.5.47 192.168.0.0/20 200 0 | -",
      "10.1.2.3 10.1.0.0/20 0 0 | 172.16.1.1 172.16.0.0/20 0 0 | -",
      "203.0.113.7 203.0.112.0/20 300 0 | 198.51.100.9 198.51.96.0/20 400 0 | -",
      "10.1.2.130 10.1.0.0/20 300 0 | 10.1.9.9 10.1.0.0/20 400 0 | -",
      "203.0.113.7 203.0.112.0/20 300 0 | 198.51.100.9 198.51.96.0/20 400 0 | -",
      "11.1.2.3 11.1.0.0/20 300 0 | 11.2.3.4 11.2.0.0/20 400 0 | -"}},
    {"file",
     "file",
     0,
     true,
     true,
     false,
     false,
     false,
     {"10.1.2.3 10.1.0.0/16 65100 65001 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "0.0.0.0 0.0.0.0/0 0 0 | 0.0.0.0 0.0.0.0/0 0 0 | -",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "0.0.0.0 0.0.0.0/0 0 0 | 0.0.0.0 0.0.0.0/0 0 0 | -",
      "11.1.2.3 11.0.0.0/8 65300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"file",
     "file",
     0,
     true,
     false,
     false,
     true,
     false,
     {"10.1.2.3 10.1.0.0/16 65100 65001 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 203.0.113.7/0 0 0 | 198.51.100.9 198.51.100.9/0 0 0 | -",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "203.0.113.7 203.0.113.7/0 0 0 | 198.51.100.9 198.51.100.9/0 0 0 | -",
      "11.1.2.3 11.0.0.0/8 65300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"longest",
     "longest",
     0,
     true,
     true,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "0.0.0.0 0.0.0.0/0 0 0 | 0.0.0.0 0.0.0.0/0 0 0 | -",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "0.0.0.0 0.0.0.0/0 0 0 | 0.0.0.0 0.0.0.0/0 0 0 | -",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"netflow",
     "netflow",
     20,
     false,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 0 0 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 8.8.8.8",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 400 0 | 8.8.8.8"}},
    {"netflow",
     "file",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 65100 65001 | 192.168.5.47 192.168.5.32/27 65200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 65100 65001 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 0 0 | 198.51.100.9 198.51.100.0/25 0 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 8.8.8.8",
      "203.0.113.7 0.0.0.0/0 0 0 | 198.51.100.9 0.0.0.0/0 0 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 65300 0 | 11.2.3.4 11.2.3.0/24 65301 0 | 8.8.8.8"}},
    {"longest",
     "netflow",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/28 200 0 | -",
      "10.1.2.3 10.1.0.0/16 0 0 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | -",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/25 400 0 | -"}},
    {"netflow",
     "longest",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 65200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 65100 65001 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 8.8.8.8",
      "203.0.113.7 0.0.0.0/0 0 0 | 198.51.100.9 0.0.0.0/0 0 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 65301 0 | 8.8.8.8"}},
    {"file",
     "netflow",
     0,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.0.0/16 100 0 | 192.168.5.47 192.168.5.32/28 200 0 | -",
      "10.1.2.3 10.1.0.0/16 0 0 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | -",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | -",
      "11.1.2.3 11.0.0.0/8 300 0 | 11.2.3.4 11.2.3.0/25 400 0 | -"}},
    {"longest",
     "longest",
     0,
     true,
     false,
     false,
     true,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "203.0.113.7 203.0.113.7/0 0 0 | 198.51.100.9 198.51.100.9/0 0 0 | -",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"netflow",
     "netflow",
     0,
     true,
     true,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 0 0 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "0.0.0.0 0.0.0.0/24 300 0 | 0.0.0.0 0.0.0.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 8.8.8.8",
      "0.0.0.0 0.0.0.0/0 300 0 | 0.0.0.0 0.0.0.0/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 400 0 | 8.8.8.8"}},
    {"longest",
     "longest",
     0,
     false,
     false,
     false,
     false,
     true,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 200 0 | 8.8.8.8",
      "10.1.2.3 0.0.0.0/0 0 0 | 172.16.1.1 0.0.0.0/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 8.8.8.8",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 400 0 | 8.8.8.8"}},
    {"netflow",
     "netflow",
     0,
     false,
     false,
     false,
     true,
     true,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/27 200 0 | 8.8.8.8",
      "10.1.2.3 10.1.2.3/0 0 0 | 172.16.1.1 172.16.1.1/0 0 0 | 0.0.0.0",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 8.8.8.8",
      "203.0.113.7 203.0.113.7/0 300 0 | 198.51.100.9 198.51.100.9/0 400 0 | 0.0.0.0",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/24 400 0 | 8.8.8.8"}},
    {"file",
     "netflow",
     20,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.0.0/16 100 0 | 192.168.5.47 192.168.5.32/28 200 0 | -",
      "10.1.2.3 10.1.0.0/16 0 0 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | -",
      "10.1.2.130 10.1.0.0/16 300 0 | 10.1.9.9 10.1.0.0/16 400 0 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 300 0 | 198.51.100.9 0.0.0.0/0 400 0 | -",
      "11.1.2.3 11.0.0.0/8 300 0 | 11.2.3.4 11.2.3.0/25 400 0 | -"}},
    {"longest",
     "longest",
     20,
     true,
     false,
     false,
     false,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "203.0.113.7 203.0.113.0/24 300 0 | 198.51.100.9 198.51.100.0/25 400 0 | 8.8.8.8",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "203.0.113.7 0.0.0.0/0 0 0 | 198.51.100.9 0.0.0.0/0 0 0 | -",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
    {"longest",
     "longest",
     0,
     true,
     true,
     false,
     true,
     false,
     {"10.1.2.3 10.1.2.0/24 100 0 | 192.168.5.47 192.168.5.32/28 65200 0 | -",
      "10.1.2.3 10.1.0.0/16 65100 65001 | 172.16.1.1 172.16.0.0/12 0 0 | -",
      "0.0.0.0 0.0.0.0/0 0 0 | 0.0.0.0 0.0.0.0/0 0 0 | -",
      "10.1.2.130 10.1.0.0/16 65100 65001 | 10.1.9.9 10.1.0.0/16 65100 65001 | 7.7.7.7",
      "0.0.0.0 0.0.0.0/0 0 0 | 0.0.0.0 0.0.0.0/0 0 0 | -",
      "11.1.2.3 11.1.2.0/24 300 0 | 11.2.3.4 11.2.3.0/25 65301 0 | -"}},
};

/* The flow a decoder would make of record i: the exporter's masks, AS numbers and next hops. */
static void
flow_fill(struct flow *f, unsigned i)
{
	memset(f, 0, sizeof(*f));
	f->src_host = address(record[i].src);
	f->dst_host = address(record[i].dst);
	f->src_mask = record[i].src_mask;
	f->dst_mask = record[i].dst_mask;
	f->src_as = record[i].src_as;
	f->dst_as = record[i].dst_as;
	f->ip_next_hop = address(record[i].ip_next_hop);
	f->peer_dst_ip = address(record[i].bgp_next_hop);
}

/* All that networks_apply may change, in one line to compare. */
static void
flow_text(const struct flow *f, char *out, size_t room)
{
	char src[ADDR_TEXT_MAX], src_net[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], dst_net[ADDR_TEXT_MAX],
	    hop[ADDR_TEXT_MAX] = "-";
	addr_format(src, &f->src_host);
	addr_format(src_net, &f->src_net);
	addr_format(dst, &f->dst_host);
	addr_format(dst_net, &f->dst_net);
	if (!addr_is_none(&f->peer_dst_ip))
		addr_format(hop, &f->peer_dst_ip);
	snprintf(out, room, "%s %s/%u %u %u | %s %s/%u %u %u | %s", src, src_net, f->src_mask, f->src_as,
		 f->peer_src_as, dst, dst_net, f->dst_mask, f->dst_as, f->peer_dst_as, hop);
}

/* Configurations and records of the table above, compared with what nfacctd printed for them. */
static void
as_nfacctd(void **state)
{
	(void)state;
	char err[200], text[600];
	struct flow_needs needs = {.extent = 0};
	struct networks *n = load(file, err, sizeof(err));
	assert_non_null(n);
	flow_need(&needs, 0, sizeof(struct flow));
	for (size_t i = 0; i < ARRAY_SIZE(observed); i++) {
		struct network_policy p = {.mask = observed[i].mask,
					   .file = observed[i].file ? n : NULL,
					   .file_filter = observed[i].filter,
					   .file_no_lpm = observed[i].no_lpm,
					   .no_mask_if_zero = observed[i].no_mask_if_zero,
					   .use_ip_next_hop = observed[i].use_ip_next_hop};
		assert_true(network_sources_parse(&p.net, observed[i].net, err, sizeof(err)));
		assert_true(network_sources_parse(&p.as, observed[i].as, err, sizeof(err)));
		networks_policy_needs(&p, &needs);
		for (unsigned r = 0; r < 6; r++) {
			struct flow f;
			flow_fill(&f, r);
			networks_apply(&p, &f, NULL);
			flow_text(&f, text, sizeof(text));
			print_message("  net %s as %s record %u\n", observed[i].net, observed[i].as, r + 1);
			assert_string_equal(text, observed[i].want[r]);
		}
	}
	networks_free(n);
}

/* IPv6, an exporter's absurd mask, and a record without addresses. */
static void
corners(void **state)
{
	(void)state;
	char err[200];
	struct flow_needs needs = {.extent = 0};
	struct networks *n = load("2001:db8::1,64500,2001:db8:8000::/33\n", err, sizeof(err));
	struct network_policy p = {.net = NETWORK_FILE, .as = NETWORK_FILE, .file = n};
	struct flow f;
	struct addr net = address("2001:db8:8000::"), hop = address("2001:db8::1"), any = addr_v6_any();
	flow_need(&needs, 0, sizeof(struct flow));
	networks_policy_needs(&p, &needs);
	memset(&f, 0, sizeof(f));
	f.src_host = address("2001:db8:7fff::1");
	f.dst_host = address("2001:db8:8001:2::1");
	networks_apply(&p, &f, NULL);
	assert_true(addr_equal(&f.src_net, &any));
	assert_true(addr_equal(&f.dst_net, &net));
	assert_true(addr_equal(&f.peer_dst_ip, &hop));
	assert_int_equal(f.dst_mask, 33);
	assert_int_equal(f.dst_as, 64500);
	p.net = p.as = NETWORK_FLOW;
	memset(&f, 0, sizeof(f));
	f.src_host = address("192.0.2.1");
	f.src_mask = 200;
	networks_apply(&p, &f, NULL);
	assert_int_equal(f.src_mask, 32);
	assert_true(addr_equal(&f.src_net, &f.src_host));
	assert_true(addr_is_none(&f.dst_net));
	networks_free(n);
}

/* A routing source takes part under its own name and under longest, where it wins ties. */
static void
routes(void **state)
{
	(void)state;
	char err[200];
	struct flow_needs needs = {.extent = 0};
	struct networks *n = load(file, err, sizeof(err));
	struct network_policy p = {.net = NETWORK_ROUTES, .as = NETWORK_ROUTES, .file = n};
	struct network route = {.origin_as = 64502, .peer_as = 64510, .len = 28};
	struct network_routes to = {{NULL, &route}};
	struct flow f;
	flow_need(&needs, 0, sizeof(struct flow));
	networks_policy_needs(&p, &needs);
	flow_fill(&f, 0);
	networks_apply(&p, &f, &to);
	assert_int_equal(f.src_mask, 0);
	assert_int_equal(f.src_as, 0);
	assert_int_equal(f.dst_mask, 28);
	assert_int_equal(f.dst_as, 64502);
	assert_true(network_sources_parse(&p.as, "longest", err, sizeof(err)));
	assert_true(network_sources_parse(&p.net, "longest", err, sizeof(err)));
	flow_fill(&f, 0);
	networks_apply(&p, &f, &to);
	assert_int_equal(f.src_as, 100);
	assert_int_equal(f.dst_as, 64502);
	assert_int_equal(f.peer_dst_as, 64510);
	route.len = 27;
	flow_fill(&f, 0);
	networks_apply(&p, &f, &to);
	assert_int_equal(f.dst_as, 65200);
	networks_free(n);
}

/* Every form of a line, by the header: words left out, blanks, comments, a prefix that stands twice (the
 * later one counts), an address without length. */
static void
grammar(void **state)
{
	(void)state;
	char err[200];
	struct networks *n = load("! prefixes\n\n10.0.0.0/8\n 192.0.2.1 , 10.1.0.0/16\n,64500,10.2.0.0/16\n"
				  "4294967295,10.3.0.0/16\n10.3.0.0/16\n,10.4.0.1\n",
				  err, sizeof(err));
	assert_non_null(n);
	assert_int_equal(networks_count(n), 6);
	struct addr a = address("10.1.2.3"), hop = address("192.0.2.1");
	assert_true(addr_equal(&networks_find(n, &a)->next_hop, &hop));
	a = address("10.2.2.3");
	assert_int_equal(networks_find(n, &a)->origin_as, 64500);
	a = address("10.3.2.3");
	assert_int_equal(networks_find(n, &a)->origin_as, 0);
	a = address("10.4.0.1");
	assert_int_equal(networks_find(n, &a)->len, 32);
	a = address("11.0.0.1");
	assert_null(networks_find(n, &a));
	networks_free(n);
	n = load("", err, sizeof(err));
	assert_non_null(n);
	assert_null(networks_find(n, &a));
	networks_free(n);
}

/* Each kind of wrong word is named, with file and line. */
static void
faults(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} bad[] = {
	    {"10.0.0.0/8\n10.0.0.0/33\n", "networks_test.list:2: '10.0.0.0/33' is no prefix"},
	    {"a,b,c,10.0.0.0/8\n", ":1: too many commas"},
	    {"x,10.0.0.0/8\n", "'x' is neither an AS number nor an address"},
	    {"4294967296,10.0.0.0/8\n", "'4294967296' is neither"},
	    {"192.0.2.1,6_x,10.0.0.0/8\n", "'6_x' is no AS number"},
	    {"192.0.2.256,65,10.0.0.0/8\n", "'192.0.2.256' is no next-hop"},
	    {"65,\n", "'' is no prefix"},
	};
	char err[200];
	uint8_t bits;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(load(bad[i].text, err, sizeof(err)));
		if (!strstr(err, bad[i].says))
			fail_msg("'%s' lacks '%s'", err, bad[i].says);
	}
	assert_null(networks_load("no-such-file", err, sizeof(err)));
	assert_false(network_sources_parse(&bits, "file, netflo", err, sizeof(err)));
	assert_non_null(strstr(err, "'netflo'"));
	assert_false(network_sources_parse(&bits, "", err, sizeof(err)));
	assert_true(network_sources_parse(&bits, "mask,file", err, sizeof(err)));
	assert_int_equal(bits, NETWORK_MASK | NETWORK_FILE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_nfacctd), cmocka_unit_test(corners), cmocka_unit_test(routes),
	    cmocka_unit_test(grammar),	  cmocka_unit_test(faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
