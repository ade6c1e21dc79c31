/* IPFIX: a byte that chooses options, then bodies of messages, each behind its length in two bytes. The
 * header is put in front here, so that the fuzzer need not learn lengths. */
#include "tests/fuzz/fuzz_flow.h"

#define HEADER 16
#define BODY   4096

static void
message(struct decoder *d, const uint8_t *body, size_t len, uint8_t sequence)
{
	uint8_t m[HEADER + BODY] = {0, 10, [4] = 0x65, [5] = 0x53, [6] = 0xf1, [11] = sequence, [15] = 1};

	m[2] = (uint8_t)((HEADER + len) >> 8);
	m[3] = (uint8_t)(HEADER + len);
	memcpy(m + HEADER, body, len);
	fuzz_datagram(d, m, HEADER + len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire w = wire_over(data, size);
	struct decoder *d = fuzz_decoder(wire_u8(&w) % VARIANTS);

	for (uint8_t i = 0; wire_left(&w) >= 2; i++) {
		size_t len = wire_u16(&w);
		if (len > wire_left(&w))
			len = wire_left(&w);
		if (len > BODY)
			break;
		message(d, wire_bytes(&w, len), len, i);
	}
	fuzz_end(d);
	return 0;
}
