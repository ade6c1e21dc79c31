/* libcap-ng does the order of things right (capabilities, groups, user, in the way the kernel wants them). As
 * root without a `user`, the capabilities about files stay, because outputs go where the operator said; none
 * about network, processes or the system does. */
#include "collector/core/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "collector/base/log.h"

/* Names only: a number that belongs to no user has no home in the group database either. */
static bool
find_ids(const char *user, const char *group, uid_t *uid, gid_t *gid, char *err, size_t errlen)
{
	struct passwd *p = getpwnam(user);
	if (!p) {
		snprintf(err, errlen, "user: there is no user '%s'; create it (useradd --system %s)", user,
			 user);
		return false;
	}
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	struct group *g = group ? getgrnam(group) : NULL;
	if (group && !g) {
		snprintf(err, errlen, "group: there is no group '%s'", group);
		return false;
	}
	if (g)
		*gid = g->gr_gid;
	return true;
}

/* Supplementary groups first, while root may still set them; capng_change_id then does user, group and
 * bounding set in the one order that leaves nothing behind. */
static bool
become(const char *user, const char *group, char *err, size_t errlen)
{
	uid_t uid;
	gid_t gid;
	if (!find_ids(user, group, &uid, &gid, err, errlen))
		return false;
	if (geteuid() == uid)
		return true;
	if (initgroups(user, gid) < 0) {
		snprintf(err, errlen, "user: cannot become '%s': %s (start as root)", user, strerror(errno));
		return false;
	}
	/* while still root: afterwards the log could not be opened anew on SIGHUP */
	log_give(uid, gid);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_change_id((int)uid, (int)gid, CAPNG_CLEAR_BOUNDING) != 0) {
		snprintf(err, errlen, "user: cannot become '%s'", user);
		return false;
	}
	return true;
}

/* No new privileges, for whatever a plugin's trigger starts: a set-uid program run from here gains nothing.
 */
bool
privileges_drop(const struct conf *conf, char *err, size_t errlen)
{
	const char *user = conf_string(conf, CONF_CORE, CONF_user);
	if (user && !become(user, conf_string(conf, CONF_CORE, CONF_group), err, errlen))
		return false;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bool root = geteuid() == 0;
	capng_clear(CAPNG_SELECT_BOTH);
	if (root)
		capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_OVERRIDE, CAP_CHOWN,
			      CAP_FOWNER, -1);
	/* only root may empty the bounding set; what a service manager granted goes in any case */
	if (capng_apply(root ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0) {
		snprintf(err, errlen, "cannot drop capabilities");
		return false;
	}
	return true;
}
