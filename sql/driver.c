/* The databases of this build. */
#include "sql/drivers.h"

static const struct sql_driver *const drivers[] = {
    &sql_driver_sqlite3,
    &sql_driver_pgsql,
};

const struct sql_driver *
sql_driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i]->open ? drivers[i] : NULL;
	return NULL;
}
