/* Messages of BGP but UPDATE. The first byte says what the rest is: the body of an OPEN, a whole message, the
 * body of a NOTIFICATION or of a ROUTE-REFRESH. Each stands in memory of its own length. */
#include "bgp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* What is told of a peer can be told to a peer: written and read again it says the same. */
static void
write_again(const struct bgp_open *o)
{
	uint8_t buf[BGP_MESSAGE_MAX], data[2];
	struct bgp_open again;
	enum bgp_message type;
	uint16_t notify;
	unsigned data_len;
	size_t len = bgp_open_write(buf, sizeof(buf), o);

	check(len >= 29);
	check(bgp_header_parse(buf, len, false, &type, &notify, data, &data_len) == (int)len &&
	      type == BGP_OPEN);
	check(bgp_open_parse(&again, buf + BGP_HEADER_BYTES, len - BGP_HEADER_BYTES, &notify));
	check(again.families == o->families || o->families == 0 || o->families == 1u << BGP_IPV4_UNICAST);
	check(again.others == o->others && again.id == o->id && again.hold_time == o->hold_time);
	check(again.as4 == o->as4 && (!o->as4 || again.as == o->as));
	check(again.add_path_receive == o->add_path_receive && again.add_path_send == o->add_path_send);
	check(again.ext_next_hop == o->ext_next_hop && again.graceful == o->graceful);
	check(again.graceful_any == o->graceful_any && again.restart_time == o->restart_time);
	check(again.long_lived == o->long_lived && again.role == o->role);
	check(strcmp(again.host, o->host) == 0);
	bgp_rules_of(o, &again);
}

static void
open_body(const uint8_t *data, size_t n)
{
	struct bgp_open o;
	uint16_t notify = 0;
	uint32_t all = (1u << BGP_FAMILIES) - 1;

	if (!bgp_open_parse(&o, data, n, &notify)) {
		check(notify >> 8 == BGP_ERR_OPEN);
		return;
	}
	check(notify == 0 && o.as != 0 && o.id != 0 && o.hold_time != 1 && o.hold_time != 2);
	check(((o.families | o.add_path_receive | o.add_path_send | o.graceful | o.long_lived |
		o.ext_next_hop) &
	       ~all) == 0);
	check((o.graceful_forwarding & ~o.graceful) == 0);
	check(o.others <= ARRAY_SIZE(o.other) && o.role >= -1 && o.role <= 4 && o.restart_time <= 4095);
	check(strnlen(o.host, sizeof(o.host)) < sizeof(o.host));
	check(strnlen(o.domain, sizeof(o.domain)) < sizeof(o.domain));
	write_again(&o);
}

static void
whole_message(const uint8_t *data, size_t n)
{
	enum bgp_message type = 0;
	uint16_t notify = 0;
	uint8_t bytes[2];
	unsigned bytes_len = 0;

	for (int longer = 0; longer < 2; longer++) {
		int len = bgp_header_parse(data, n, longer, &type, &notify, bytes, &bytes_len);
		check(len >= -1 && (len == 0) == (n < BGP_HEADER_BYTES));
		if (len < 0)
			check(notify >> 8 == BGP_ERR_HEADER && bytes_len <= 2);
		else if (len > 0)
			check(len >= BGP_HEADER_BYTES && type >= BGP_OPEN && type <= BGP_ROUTE_REFRESH);
		if (len > 0 && (size_t)len <= n && type == BGP_OPEN)
			open_body(data + BGP_HEADER_BYTES, (size_t)len - BGP_HEADER_BYTES);
	}
}

static void
notification(const uint8_t *data, size_t n)
{
	char text[700], small[20];

	memset(text, 'x', sizeof(text));
	bgp_notification_text(text, sizeof(text), data, n);
	check(strnlen(text, sizeof(text)) < sizeof(text));
	for (const char *p = text; *p; p++)
		check((unsigned char)*p >= 0x20 && *p != 0x7f);
	bgp_notification_text(small, sizeof(small), data, n);
	check(strncmp(small, text, sizeof(small) - 1) == 0);
}

static void
refresh(const uint8_t *data, size_t n)
{
	enum bgp_family family = BGP_FAMILY_NONE;
	uint8_t subtype;
	uint16_t notify;

	if (!bgp_refresh_parse(data, n, &family, &subtype, &notify))
		check(notify == BGP_NOTIFY(BGP_ERR_ROUTE_REFRESH, 1));
	else
		check(n >= 4 && family <= BGP_FAMILY_NONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const kinds[])(const uint8_t *, size_t) = {open_body, whole_message, notification,
								 refresh};

	if (n == 0)
		return 0;
	uint8_t *copy = malloc(n > 1 ? n - 1 : 1);
	memcpy(copy, data + 1, n - 1);
	kinds[data[0] % ARRAY_SIZE(kinds)](copy, n - 1);
	free(copy);
	return 0;
}
