/* See md5.h. A dual-stack socket is given the key of an IPv4 peer under its IPv4-mapped address: the kernel
 * files it as IPv4. Sessions inherit the key that was valid when they came. */
#include "bgp/md5.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "collector/base/lines.h"

/* As pmacct: more is a mistake in a script that makes the file. */
#define KEYS_MAX 8192

/* Reads one line into k. */
static bool
parse_line(struct lines *in, char *s, struct md5_key *k)
{
	char *comma = strchr(s, ',');
	if (!comma)
		return lines_fail(in, "expected 'address, key', found no comma");
	*comma = '\0';
	char *address = lines_trim(s), *key = lines_trim(comma + 1);
	if (!addr_parse(&k->address, address))
		return lines_fail(in, "'%.60s' is no address of a peer", address);
	size_t n = strlen(key);
	if (n == 0 || n > MD5_KEY_MAX)
		return lines_fail(in, "a key has 1 to %d characters, this one has %zu", MD5_KEY_MAX, n);
	memcpy(k->key, key, n);
	k->len = (unsigned)n;
	return true;
}

static bool
has_key(const struct md5_keys *k, const struct addr *a)
{
	for (size_t i = 0; k && i < k->n; i++)
		if (addr_equal(&k->list[i].address, a))
			return true;
	return false;
}

static bool
grow(struct md5_keys *k, size_t *room)
{
	if (k->n < *room)
		return true;
	size_t more = *room ? 2 * *room : 64;
	struct md5_key *list = calloc(more, sizeof(*list));
	if (!list)
		return false;
	if (k->n) {
		memcpy(list, k->list, k->n * sizeof(*list));
		explicit_bzero(k->list, k->n * sizeof(*list));
	}
	free(k->list);
	k->list = list;
	*room = more;
	return true;
}

static void
parse_all(struct md5_keys *k, struct lines *in)
{
	size_t room = 0;
	for (char *s; (s = lines_next(in));) {
		if (k->n == KEYS_MAX)
			lines_fail(in, "more than %d keys", KEYS_MAX);
		else if (!grow(k, &room))
			lines_fail(in, "out of memory");
		else if (parse_line(in, s, &k->list[k->n])) {
			if (has_key(k, &k->list[k->n].address))
				lines_fail(in, "this peer has a key already, in a line above");
			else
				k->n++;
		}
	}
}

struct md5_keys *
md5_load(const char *path, char *err, size_t errlen)
{
	struct lines in;
	struct md5_keys *k = calloc(1, sizeof(*k));
	if (!k) {
		snprintf(err, errlen, "%s: out of memory", path);
		return NULL;
	}
	if (!lines_open(&in, path, err, errlen)) {
		md5_free(k);
		return NULL;
	}
	parse_all(k, &in);
	if (lines_close(&in))
		return k;
	md5_free(k);
	return NULL;
}

void
md5_free(struct md5_keys *k)
{
	if (!k)
		return;
	if (k->list)
		explicit_bzero(k->list, k->n * sizeof(*k->list));
	free(k->list);
	free(k);
}

/* A key of no length takes the old one away. Peers that cannot reach the socket are passed over. */
static bool
set_key(int fd, int family, bool only, const struct addr *a, const char *key, unsigned len)
{
	struct tcp_md5sig sig = {.tcpm_keylen = (uint16_t)len};
	struct sockaddr_storage ss;
	bool v4 = addr_is_v4(a);
	if (family == AF_INET ? !v4 : (v4 && only))
		return true;
	addr_to_sockaddr(a, 0, &ss);
	if (family == AF_INET6 && v4) {
		struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
		memcpy(&mapped.sin6_addr, a->b, 16);
		memcpy(&ss, &mapped, sizeof(mapped));
	}
	memcpy(&sig.tcpm_addr, &ss, sizeof(sig.tcpm_addr));
	if (len)
		memcpy(sig.tcpm_key, key, len);
	bool done = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)) == 0;
	explicit_bzero(&sig, sizeof(sig));
	return done;
}

bool
md5_apply(int fd, int family, bool only, const struct md5_keys *old, const struct md5_keys *keys, char *err,
	  size_t errlen)
{
	for (size_t i = 0; old && i < old->n; i++)
		if (!has_key(keys, &old->list[i].address))
			(void)set_key(fd, family, only, &old->list[i].address, NULL, 0);
	for (size_t i = 0; keys && i < keys->n; i++) {
		const struct md5_key *k = &keys->list[i];
		if (set_key(fd, family, only, &k->address, k->key, k->len))
			continue;
		char text[ADDR_TEXT_MAX];
		addr_format(text, &k->address);
		snprintf(err, errlen, "bgp_daemon_md5_file: the system does not take the key of %s: %s%s",
			 text, strerror(errno),
			 errno == ENOMEM || errno == ENOBUFS
			     ? "; raise net.core.optmem_max (sysctl), its default holds some 150 keys"
			     : "");
		return false;
	}
	return true;
}
