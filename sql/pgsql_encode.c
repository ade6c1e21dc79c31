/* See pgsql_encode.h. The forms are those of PostgreSQL's receive functions: numbers in network byte order,
 * times as microseconds since 2000, addresses behind a family and a length, numeric in digits of ten
 * thousand. */
#include "sql/pgsql_encode.h"

#include <endian.h>
#include <stdlib.h>
#include <time.h>

#include "collector/base/clock.h"

#define OID_INT8	20
#define OID_INT2	21
#define OID_INT4	23
#define OID_TEXT	25
#define OID_CIDR	650
#define OID_FLOAT4	700
#define OID_FLOAT8	701
#define OID_MACADDR8	774
#define OID_MACADDR	829
#define OID_INET	869
#define OID_INT4_ARRAY	1007
#define OID_TEXT_ARRAY	1009
#define OID_INT8_ARRAY	1016
#define OID_BPCHAR	1042
#define OID_VARCHAR	1043
#define OID_TIMESTAMP	1114
#define OID_TIMESTAMPTZ 1184
#define OID_NUMERIC	1700

#define EPOCH_2000_US	(946684800LL * US_PER_S)
#define QUARTER_US	(900LL * US_PER_S)
#define TYPMOD_HEAD	4 /* a length is kept with this added to it */
#define PGSQL_AF_INET	2 /* PostgreSQL's own, whatever the system's are */
#define PGSQL_AF_INET6	3
#define NUMERIC_DIGITS	5  /* of ten thousand, in 64 bits */
#define ROOM_FIXED	72 /* bytes of any value that is not text */
#define ROOM_PER_LETTER 8  /* an array's element takes 12 bytes and stands for two letters at least */

/* --- pieces --- */

static char *
put_be16(char *p, uint16_t v)
{
	v = htobe16(v);
	return put_bytes(p, &v, sizeof(v));
}

static char *
put_be32(char *p, uint32_t v)
{
	v = htobe32(v);
	return put_bytes(p, &v, sizeof(v));
}

static char *
put_be64(char *p, uint64_t v)
{
	v = htobe64(v);
	return put_bytes(p, &v, sizeof(v));
}

/* --- whole numbers --- */

static char *
put_int2(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	(void)e, (void)c;
	if (v->integer > INT16_MAX || v->integer < INT16_MIN)
		return NULL;
	return put_be16(put_be32(p, 2), (uint16_t)v->integer);
}

static char *
put_int4(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	(void)e, (void)c;
	if (v->integer > INT32_MAX || v->integer < INT32_MIN)
		return NULL;
	return put_be32(put_be32(p, 4), (uint32_t)v->integer);
}

static char *
put_int8(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	(void)e, (void)c;
	return put_be64(put_be32(p, 8), (uint64_t)v->integer);
}

/* Values are never negative. Digits stand most significant first, and zeros at the end may stay. */
static char *
put_numeric(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	uint16_t digit[NUMERIC_DIGITS];
	unsigned n = 0;
	(void)e, (void)c;
	for (uint64_t left = (uint64_t)v->integer; left; left /= 10000)
		digit[n++] = (uint16_t)(left % 10000);
	p = put_be32(p, 8 + 2 * n);
	p = put_be16(p, (uint16_t)n);
	p = put_be16(p, (uint16_t)(n ? n - 1 : 0)); /* weight of the first */
	p = put_be16(p, 0);			    /* positive */
	p = put_be16(p, 0);			    /* nothing behind the point */
	while (n)
		p = put_be16(p, digit[--n]);
	return p;
}

/* --- numbers with a fraction --- */

static double
real_of(const struct sql_value *v)
{
	return v->kind == SQL_KIND_REAL ? v->real : (double)v->integer;
}

static char *
put_float4(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	float f = (float)real_of(v);
	uint32_t bits;
	(void)e, (void)c;
	memcpy(&bits, &f, sizeof(bits));
	return put_be32(put_be32(p, 4), bits);
}

static char *
put_float8(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	double d = real_of(v);
	uint64_t bits;
	(void)e, (void)c;
	memcpy(&bits, &d, sizeof(bits));
	return put_be64(put_be32(p, 8), bits);
}

/* --- addresses --- */

/* "No address" is 0.0.0.0, as the columns' default is. */
static char *
put_inet(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	bool v4 = addr_is_v4(&v->addr) || addr_is_none(&v->addr);
	struct addr six = addr_to_v6(&v->addr);
	unsigned len = v4 ? 4 : 16;
	(void)e;
	p = put_be32(p, 4 + len);
	*p++ = v4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	*p++ = (char)(8 * len);
	*p++ = c->oid == OID_CIDR;
	*p++ = (char)len;
	return put_bytes(p, six.b + 16 - len, len);
}

static char *
put_macaddr(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	(void)e, (void)c;
	return put_bytes(put_be32(p, 6), v->mac, 6);
}

/* As PostgreSQL itself widens one: ff:fe in the middle. */
static char *
put_macaddr8(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	(void)e, (void)c;
	p = put_bytes(put_be32(p, 8), v->mac, 3);
	*p++ = (char)0xff;
	*p++ = (char)0xfe;
	return put_bytes(p, v->mac + 3, 3);
}

/* --- times --- */

/* Local time less UTC; it changes at quarters of an hour at the most. */
static int64_t
zone_offset(struct pg_encoder *e, int64_t us)
{
	int64_t quarter = us / QUARTER_US + 1;
	unsigned at = (unsigned)quarter % PG_QUARTERS;
	if (e->zone[at].quarter != quarter) {
		time_t s = (time_t)(us / US_PER_S);
		struct tm tm;
		localtime_r(&s, &tm);
		e->zone[at].offset = (int64_t)tm.tm_gmtoff * US_PER_S;
		e->zone[at].quarter = quarter;
	}
	return e->zone[at].offset;
}

static char *
put_timestamp(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	int64_t us = v->integer;
	if (!e->utc && c->oid == OID_TIMESTAMP)
		us += zone_offset(e, us);
	return put_be64(put_be32(p, 8), (uint64_t)(us - EPOCH_2000_US));
}

static char *
put_epoch(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	struct sql_value s = {.kind = SQL_KIND_INT, .integer = v->integer / US_PER_S};
	return c->oid == OID_INT4   ? put_int4(e, c, &s, p)
	       : c->oid == OID_INT8 ? put_int8(e, c, &s, p)
				    : put_numeric(e, c, &s, p);
}

/* --- texts --- */

/* Bytes of the letter at s, of which there are n; 0 when it is no UTF-8. */
static unsigned
letter_size(const uint8_t *s, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned size = s[0] < 0x80		? 1
			: (s[0] & 0xe0) == 0xc0 ? 2
			: (s[0] & 0xf0) == 0xe0 ? 3
			: (s[0] & 0xf8) == 0xf0 ? 4
						: 0;
	if (size <= 1 || size > n)
		return size <= 1 ? size : 0;
	uint32_t code = s[0] & (0x7fu >> size);
	for (unsigned i = 1; i < size; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	bool fine = code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
	return fine ? size : 0;
}

/* Text up to the column's length. Exporters send what they like: bytes that are no UTF-8 become "?", since
 * the database would refuse the whole purge for one of them. */
static char *
put_letters(struct pg_encoder *e, const struct pg_column *c, const char *s, size_t n, char *p)
{
	char *len = p, *begin = p + 4;
	unsigned letters = 0, limit = c->letters ? c->letters : UINT32_MAX;
	size_t i = 0;
	p = begin;
	for (; i < n && letters < limit; letters++) {
		unsigned size = letter_size((const uint8_t *)s + i, n - i);
		if (size)
			p = put_bytes(p, s + i, size);
		else
			*p++ = '?';
		i += size ? size : 1;
	}
	e->cut |= i < n;
	put_be32(len, (uint32_t)(p - begin));
	return p;
}

static char *
put_text(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	return put_letters(e, c, v->text.p, v->text.len, p);
}

/* What is not text, in a column that is. */
static char *
put_as_text(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	char text[ROOM_FIXED];
	char *end = text;
	switch (v->kind) {
	case SQL_KIND_INT:
		end = put_u64(text, (uint64_t)v->integer);
		break;
	case SQL_KIND_REAL:
		end += snprintf(text, sizeof(text), "%.15g", v->real);
		break;
	case SQL_KIND_ADDR:
		end = addr_is_none(&v->addr) ? put_str(text, "0.0.0.0") : addr_format(text, &v->addr);
		break;
	case SQL_KIND_MAC:
		end = put_mac(text, v->mac);
		break;
	case SQL_KIND_TIME:
		e->times.o.utc = e->utc;
		end = put_time_s(&e->times, text, (uint64_t)(v->integer / US_PER_S));
		break;
	default:
		break;
	}
	return put_letters(e, c, text, (size_t)(end - text), p);
}

/* A text that is a number, as custom primitives are. */
static char *
put_parsed(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	char *end;
	struct sql_value n = {.kind = SQL_KIND_INT, .integer = strtoll(v->text.p, &end, 10)};
	if (*end || n.integer < 0)
		return NULL;
	return c->oid == OID_INT2   ? put_int2(e, c, &n, p)
	       : c->oid == OID_INT4 ? put_int4(e, c, &n, p)
	       : c->oid == OID_INT8 ? put_int8(e, c, &n, p)
				    : put_numeric(e, c, &n, p);
}

/* --- arrays --- */

/* The next word of s, which ends at end; NULL when there is none. */
static const char *
next_word(const char **s, const char *end, const char *between, size_t *len)
{
	const char *p = *s, *begin;
	while (p < end && strchr(between, *p))
		p++;
	begin = p;
	while (p < end && !strchr(between, *p))
		p++;
	*s = p;
	*len = (size_t)(p - begin);
	return p > begin ? begin : NULL;
}

/* The head of an array of one dimension; an empty array has none. */
static char *
put_array_head(char *p, unsigned element, unsigned n)
{
	p = put_be32(p, n ? 1 : 0);
	p = put_be32(p, 0); /* no NULL in it */
	p = put_be32(p, element);
	if (n) {
		p = put_be32(p, n);
		p = put_be32(p, 1); /* counted from */
	}
	return p;
}

/* AS sets, which a path has in braces, are flat here: an array of numbers has no place for them. */
static char *
put_numbers(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	const char *s = v->text.p, *end = s + v->text.len, *word;
	bool wide = c->oid == OID_INT8_ARRAY;
	char *len = p, *head = p + 4;
	unsigned n = 0;
	size_t size;
	(void)e;
	for (p = head + 20; (word = next_word(&s, end, " _{},()", &size)); n++) {
		char *stop;
		unsigned long long number = strtoull(word, &stop, 10);
		if (stop != word + size || (!wide && number > INT32_MAX))
			return NULL;
		p = wide ? put_be64(put_be32(p, 8), number) : put_be32(put_be32(p, 4), (uint32_t)number);
	}
	char *body = put_array_head(head, wide ? OID_INT8 : OID_INT4, n);
	p = n ? p : body;
	put_be32(len, (uint32_t)(p - head));
	return p;
}

static char *
put_words(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, char *p)
{
	static const struct pg_column whole = {.letters = 0};
	const char *s = v->text.p, *end = s + v->text.len, *word;
	char *len = p, *head = p + 4;
	unsigned n = 0;
	size_t size;
	(void)c;
	for (p = head + 20; (word = next_word(&s, end, " _", &size)); n++)
		p = put_letters(e, &whole, word, size, p);
	char *body = put_array_head(head, OID_TEXT, n);
	p = n ? p : body;
	put_be32(len, (uint32_t)(p - head));
	return p;
}

/* --- choosing --- */

static const struct {
	enum sql_kind kind;
	unsigned oid;
	pg_put *put;
} puts_of[] = {
    {SQL_KIND_INT, OID_INT2, put_int2},
    {SQL_KIND_INT, OID_INT4, put_int4},
    {SQL_KIND_INT, OID_INT8, put_int8},
    {SQL_KIND_INT, OID_NUMERIC, put_numeric},
    {SQL_KIND_INT, OID_FLOAT4, put_float4},
    {SQL_KIND_INT, OID_FLOAT8, put_float8},
    {SQL_KIND_REAL, OID_FLOAT4, put_float4},
    {SQL_KIND_REAL, OID_FLOAT8, put_float8},
    {SQL_KIND_ADDR, OID_INET, put_inet},
    {SQL_KIND_ADDR, OID_CIDR, put_inet},
    {SQL_KIND_MAC, OID_MACADDR, put_macaddr},
    {SQL_KIND_MAC, OID_MACADDR8, put_macaddr8},
    {SQL_KIND_TIME, OID_TIMESTAMP, put_timestamp},
    {SQL_KIND_TIME, OID_TIMESTAMPTZ, put_timestamp},
    {SQL_KIND_TIME, OID_INT4, put_epoch},
    {SQL_KIND_TIME, OID_INT8, put_epoch},
    {SQL_KIND_TIME, OID_NUMERIC, put_epoch},
    {SQL_KIND_TEXT, OID_INT2, put_parsed},
    {SQL_KIND_TEXT, OID_INT4, put_parsed},
    {SQL_KIND_TEXT, OID_INT8, put_parsed},
    {SQL_KIND_TEXT, OID_NUMERIC, put_parsed},
    {SQL_KIND_LIST, OID_INT4_ARRAY, put_numbers},
    {SQL_KIND_LIST, OID_INT8_ARRAY, put_numbers},
    {SQL_KIND_LIST, OID_TEXT_ARRAY, put_words},
};

void
pg_column_choose(struct pg_column *c, enum sql_kind kind, int typmod)
{
	bool texts = kind == SQL_KIND_TEXT || kind == SQL_KIND_LIST;
	for (size_t i = 0; i < ARRAY_SIZE(puts_of); i++)
		if (puts_of[i].kind == kind && puts_of[i].oid == c->oid) {
			c->put = puts_of[i].put;
			return;
		}
	c->put = texts ? put_text : put_as_text;
	c->cast = c->oid != OID_TEXT && c->oid != OID_VARCHAR && c->oid != OID_BPCHAR;
	if ((c->oid == OID_VARCHAR || c->oid == OID_BPCHAR) && typmod > TYPMOD_HEAD)
		c->letters = (unsigned)typmod - TYPMOD_HEAD;
}

bool
pg_column_narrow(const struct pg_column *c)
{
	return c->oid == OID_INT2 || c->oid == OID_INT4;
}

/* --- rows --- */

void
pg_put_head(struct text *out)
{
	static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and the literal's own NUL */
	text_add(out, head, sizeof(head));
}

void
pg_put_end(struct text *out)
{
	text_add(out, "\377\377", 2);
}

int
pg_put_row(struct pg_encoder *e, const struct pg_column *c, const struct sql_value *v, unsigned n,
	   struct text *out)
{
	size_t room = 2 + (size_t)ROOM_FIXED * n;
	for (unsigned i = 0; i < n; i++)
		if (v[i].kind == SQL_KIND_TEXT || v[i].kind == SQL_KIND_LIST)
			room += (size_t)ROOM_PER_LETTER * v[i].text.len;
	char *p = put_be16(text_reserve(out, room), (uint16_t)n);
	for (unsigned i = 0; i < n; i++) {
		p = c[i].put(e, &c[i], &v[i], p);
		if (!p)
			return (int)i;
	}
	text_commit(out, p);
	return -1;
}
