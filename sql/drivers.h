/* What driver.c lists: a line for each database. One that is not in this build has no open function. */
#ifndef FLOWRIB_SQL_DRIVERS_H
#define FLOWRIB_SQL_DRIVERS_H

#include "sql/driver.h"

extern const struct sql_driver sql_driver_sqlite3;
extern const struct sql_driver sql_driver_pgsql;

#endif
