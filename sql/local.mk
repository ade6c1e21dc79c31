# sql: from packed records to rows in a database, once. Knows no plugins and no configuration.
noinst_LIBRARIES += libsql.a
libsql_a_SOURCES =
SQL_LIBS = libsql.a $(FLOW_LIBS) $(XXHASH_LIBS)

# the spool
libsql_a_SOURCES += sql/spool.c sql/spool.h
if HAVE_CMOCKA
check_PROGRAMS += spool_test
spool_test_SOURCES = sql/spool_test.c
spool_test_LDADD = $(SQL_LIBS) $(CMOCKA_LIBS)
endif

# tables, drivers, the writer
libsql_a_SOURCES += sql/driver.h sql/table.h sql/writer.h
