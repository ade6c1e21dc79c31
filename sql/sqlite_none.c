/* A build without SQLite: configure --with-sqlite. */
#include "sql/drivers.h"

const struct sql_driver sql_driver_sqlite3 = {.name = "sqlite3"};
