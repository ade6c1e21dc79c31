/* flowrib, the client: asks the memory table, and the daemon how it is.
 *
 * Called as pmacct, or with an option first, it takes pmacct's options (legacy.c); else the first word is a
 * command (commands.c). */
#include "tools/client/client.h"

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
	int status = command_main(argc - 1, argv + 1);
	if (status >= 0)
		return status;
	fprintf(stderr, "ERROR: no command '%s'; 'flowrib help' lists them\n", argv[1]);
	return 1;
}
