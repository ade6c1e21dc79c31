/* zcat is a process of its own and not a library, so that generators need none. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/prefixes.h"

/* A stream of the file's text; *child is the process that unpacks it, or 0. */
static FILE *
open_text(const char *path, pid_t *child)
{
	size_t n = strlen(path);
	int ends[2];
	*child = 0;
	if (n < 3 || strcmp(path + n - 3, ".gz") != 0)
		return fopen(path, "r");
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	*child = fork();
	if (*child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("zcat", "zcat", "--", path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static bool
read_lines(FILE *in, const char *path, uint32_t max, prefixes_take *take, void *ctx, char *err, size_t errlen)
{
	char line[128];
	uint32_t taken = 0;
	/* to the end in any case: what unpacks it would complain of a closed pipe */
	for (unsigned number = 1; fgets(line, sizeof(line), in); number++) {
		struct prefix prefix;
		line[strcspn(line, " \t\r\n")] = 0;
		if (taken == max || !*line || *line == '#')
			continue;
		if (!prefix_parse(&prefix, line)) {
			snprintf(err, errlen, "%s:%u: '%.60s' is not a prefix", path, number, line);
			return false;
		}
		if (!take(ctx, &prefix)) {
			snprintf(err, errlen, "out of memory");
			return false;
		}
		taken++;
	}
	if (!taken)
		snprintf(err, errlen, "%s: no prefixes", path);
	return taken != 0;
}

bool
prefixes_read(const char *path, uint32_t max, prefixes_take *take, void *ctx, char *err, size_t errlen)
{
	pid_t child;
	FILE *in = open_text(path, &child);
	if (!in) {
		snprintf(err, errlen, "cannot read %s", path);
		return false;
	}
	bool good = read_lines(in, path, max, take, ctx, err, errlen);
	fclose(in);
	if (child)
		waitpid(child, NULL, 0);
	return good;
}
