/* An unknown name is refused before anything starts: a file that quietly keeps the wrong owner is found out
 * by the program that cannot read it, days later.
 *
 * Both keys have one reader, so that all plugins agree on what is a name and what a number. */
#include "plugins/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "collector/conf/conf.h"

/* A number is taken as it is: it need not have a name. False when text is none; the highest one means "no
 * change" to chown() and is not for use. */
static bool
parse_number(const char *text, uint32_t *id)
{
	char *end;

	/* strtoul() takes signs and blanks, too: the first character must be a digit */
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	*id = (uint32_t)n;
	return *text >= '0' && *text <= '9' && !errno && !*end && n < UINT32_MAX;
}

/* Names are looked up here, before privileges and the view of the file system are given up. */
static bool
find_user(const char *text, uid_t *uid)
{
	const struct passwd *p = NULL;

	if (!text || parse_number(text, uid))
		return true;
	if ((p = getpwnam(text)))
		*uid = p->pw_uid;
	return p != NULL;
}

static bool
find_group(const char *text, gid_t *gid)
{
	const struct group *g = NULL;

	if (!text || parse_number(text, gid))
		return true;
	if ((g = getgrnam(text)))
		*gid = g->gr_gid;
	return g != NULL;
}

bool
owner_configured(const struct plugin_setup *s, uid_t *uid, gid_t *gid, char *err, size_t errlen)
{
	const char *user = conf_string(s->conf, s->index, CONF_files_uid);
	const char *group = conf_string(s->conf, s->index, CONF_files_gid);

	/* what chown() takes for "leave it" */
	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (!find_user(user, uid)) {
		snprintf(err, errlen, "files_uid: there is no user '%s'", user);
		return false;
	}
	if (!find_group(group, gid)) {
		snprintf(err, errlen, "files_gid: there is no group '%s'", group);
		return false;
	}
	return true;
}
