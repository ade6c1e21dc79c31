/* Values as text, read back. See value.h for the binary forms. */
#include "collector/flow/value.h"

/* Whole AS path segments within max bytes. The longest segment (255 AS numbers) has 1022 bytes. */
static size_t
cut_as_path(const uint8_t *p, size_t max)
{
	size_t at = 0;

	while (at + 2 <= max && at + 2 + 4u * p[at + 1] <= max)
		at += 2 + 4u * p[at + 1];
	return at;
}

/* Steps back from the inside of a UTF-8 letter to its first byte. */
static size_t
cut_text(const uint8_t *p, size_t max)
{
	size_t at = max;

	while (at && max - at < 4 && (p[at] & 0xc0) == 0x80)
		at--;
	return (p[at] & 0xc0) == 0x80 ? max : at;
}

size_t
value_cut(enum value_type type, const uint8_t *p, size_t len, size_t max)
{
	if (len <= max)
		return len;
	switch (type) {
	case VALUE_AS_PATH:
		return cut_as_path(p, max);
	case VALUE_TEXT:
	case VALUE_LABEL:
		return cut_text(p, max);
	case VALUE_STD_COMM:
	case VALUE_MPLS_STACK:
		return max - max % 4;
	case VALUE_EXT_COMM:
		return max - max % 8;
	case VALUE_LRG_COMM:
		return max - max % 12;
	case VALUE_SEGMENTS:
		return max - max % 16;
	default:
		return max;
	}
}
