/* The list of plugins. A new one is a file of its own, which defines `const struct plugin_ops NAME_plugin`,
 * and a word here. */
#include "plugins/plugin.h"

#include <strings.h>

/* clang-format off */
#define PLUGINS(X) \
	X(memory) \
	X(pgsql) \
	X(print) \
	X(sqlite3) \
	X(template)
/* clang-format on */

#define PLUGIN_DECLARE(name) extern const struct plugin_ops name##_plugin;
PLUGINS(PLUGIN_DECLARE)

#define PLUGIN_ROW(name) &name##_plugin,
const struct plugin_ops *const plugin_table[] = {PLUGINS(PLUGIN_ROW) NULL};

/* Types are written by hand in configuration files, so their case does not matter. */
const struct plugin_ops *
plugin_find(const char *type)
{
	for (const struct plugin_ops *const *p = plugin_table; *p; p++) {
		if (strcasecmp((*p)->type, type) == 0)
			return *p;
	}
	return NULL;
}
