/* Allow lists: the longest-prefix structure with one value. It is asked once a datagram at most. */
#include "collector/conf/allow.h"

#include "collector/base/lines.h"
#include "collector/base/lpm.h"

struct allow {
	struct lpm *lpm;
};

/* Doubling, as lists come from scripts and may be long. */
static bool
entry_add(struct lpm_entry **list, size_t *n, size_t *room, const struct prefix *p)
{
	if (*n == *room) {
		size_t more = *room ? 2 * *room : 64;
		struct lpm_entry *grown = realloc(*list, more * sizeof(*grown));
		if (!grown)
			return false;
		*list = grown;
		*room = more;
	}
	/* one value for all: being found is the answer */
	(*list)[(*n)++] = (struct lpm_entry){*p, 0};
	return true;
}

/* All faulty lines are told of; one of them refuses the file, since a list that is half right lets in the
 * wrong half. */
static bool
entries_read(const char *path, struct lpm_entry **list, size_t *n, char *err, size_t errlen)
{
	struct lines in;
	struct prefix p;
	size_t room = 0;
	/* an absent file is a fault, not an empty list: a typing error must not lock everybody out */
	if (!lines_open(&in, path, err, errlen))
		return false;
	for (char *s; (s = lines_next(&in));) {
		if (!prefix_parse(&p, s))
			lines_fail(
			    &in, "'%.60s' is no address or prefix (such as 192.0.2.0/24 or 2001:db8::1)", s);
		else if (!entry_add(list, n, &room, &p))
			lines_fail(&in, "out of memory");
	}
	return lines_close(&in);
}

/* An empty file is a list that allows nobody, as in pmacct: an operator who empties it means that. */
struct allow *
allow_load(const char *path, char *err, size_t errlen)
{
	struct lpm_entry *list = NULL;
	size_t n = 0;
	struct allow *a = NULL;
	if (entries_read(path, &list, &n, err, errlen)) {
		a = calloc(1, sizeof(*a));
		if (a)
			a->lpm = lpm_new(list, n);
		if (!a || !a->lpm) {
			snprintf(err, errlen, "%s: out of memory", path);
			allow_free(a);
			a = NULL;
		}
	}
	free(list);
	return a;
}

/* NULL is allowed. */
void
allow_free(struct allow *a)
{
	if (a)
		lpm_free(a->lpm);
	free(a);
}

/* A list is never changed, so any thread may ask. */
bool
allow_check(const struct allow *a, const struct addr *addr)
{
	return !a || lpm_find(a->lpm, addr) != LPM_NONE;
}
