/* A build without PostgreSQL: configure --with-pq. */
#include "sql/drivers.h"

const struct sql_driver sql_driver_pgsql = {.name = "pgsql"};
