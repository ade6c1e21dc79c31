/* flowrib, the client: asks the memory table, and the daemon how it is.
 *
 * Called as pmacct, or with an option first, it takes pmacct's options (legacy.c); else the first word is a
 * command (commands.c). */
#include <libgen.h>
#include <limits.h>
#include <unistd.h>

#include "tools/client/client.h"

/* The configuration is the daemon's to understand: its own program is run, from beside this one or from where
 * an installation has it. Returns only when there is none. */
static int
run_daemon(const char *option, int argc, char **argv)
{
	static const char *const places[] = {"flowribd", "../sbin/flowribd"};
	char self[PATH_MAX] = "", path[PATH_MAX + 32], first[32], *words[16] = {path, first};
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || argc > 12) {
		fprintf(stderr, "ERROR: run flowribd %s instead\n", option);
		return 1;
	}
	const char *folder = dirname(self);
	snprintf(first, sizeof(first), "%s", option);
	for (int i = 0; i < argc; i++)
		words[2 + i] = argv[i];
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, places[i]);
		execv(path, words);
	}
	fprintf(stderr, "ERROR: there is no flowribd beside %s/flowrib; run flowribd %s instead\n", folder,
		option);
	return 1;
}

/* A first argument with one dash is an option of pmacct's; --help and --version belong to the commands. */
int
main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc ? argv[0] : "flowrib";
	bool as_pmacct = strcmp(name, "pmacct") == 0;
	if (as_pmacct || (argc > 1 && argv[1][0] == '-' && argv[1][1] != '-'))
		return legacy_main(argc, argv, as_pmacct);
	if (argc < 2) {
		command_help(stderr);
		return 1;
	}
	if (strcmp(argv[1], "sql-schema") == 0)
		return run_daemon("--sql-schema", argc - 2, argv + 2);
	int status = command_main(argc - 1, argv + 1);
	if (status >= 0)
		return status;
	fprintf(stderr, "ERROR: no command '%s'; 'flowrib help' lists them\n", argv[1]);
	return 1;
}
