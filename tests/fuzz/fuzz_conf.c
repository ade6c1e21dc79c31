/* Any bytes as a configuration file. The first byte chooses the name the program is called by. What loads
 * must print as a configuration that loads again; every line said must name a place. */
#include "collector/conf/conf.h"
#include "collector/conf/mapfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_messages(struct text *messages)
{
	const char *p = text_cstr(messages);
	while (*p) {
		size_t line = strcspn(p, "\n");
		const char *error = strstr(p, ": error: "), *warning = strstr(p, ": warning: ");
		check((error && error < p + line) || (warning && warning < p + line));
		p += line + (p[line] == '\n');
	}
}

static void
read_again(const struct conf *c, const struct conf_args *args, struct text *messages)
{
	struct text dump = {0};
	conf_dump(c, &dump);
	struct conf *again = conf_load_text("dump", dump.data, dump.len, args, messages);
	check(again != NULL);
	check(conf_plugins(again) == conf_plugins(c));
	conf_free(again);
	text_free(&dump);
}

static void
read_as_map(const uint8_t *data, size_t n, struct text *messages)
{
	struct mapfile_pair pairs[8];
	struct mapfile m;
	char *line;
	mapfile_memory(&m, "map", data, n, 256, 100, messages);
	while ((line = mapfile_next(&m)) != NULL)
		mapfile_pairs(&m, line, pairs, ARRAY_SIZE(pairs));
	mapfile_close(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text messages = {0};
	if (n == 0)
		return 0;
	struct conf_args args = {.personality = data[0] % 2 ? CONF_AS_NFACCTD : CONF_AS_FLOWRIBD};
	struct conf *c = conf_load_text("fuzz", (const char *)data + 1, n - 1, &args, &messages);
	check_messages(&messages);
	if (c)
		read_again(c, &args, &messages);
	conf_free(c);
	read_as_map(data, n, &messages);
	text_free(&messages);
	return 0;
}
