/* NetFlow v1, v5, v7 and v9: a byte that chooses options, then datagrams, each behind its length in two
 * bytes. */
#include "tests/fuzz/fuzz_flow.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire w = wire_over(data, size);
	struct decoder *d = fuzz_decoder(wire_u8(&w) % VARIANTS);

	while (wire_left(&w) >= 2) {
		size_t len = wire_u16(&w);
		if (len > wire_left(&w))
			len = wire_left(&w);
		fuzz_datagram(d, wire_bytes(&w, len), len);
	}
	fuzz_end(d);
	return 0;
}
