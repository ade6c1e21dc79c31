# sql: from packed records to rows in a database, once. Knows no plugins and no configuration.
noinst_LIBRARIES += libsql.a
libsql_a_SOURCES =
SQL_LIBS = libsql.a $(FLOW_LIBS) $(XXHASH_LIBS) $(SQLITE_LIBS) $(PQ_LIBS)

# the spool
libsql_a_SOURCES += sql/spool.c sql/spool.h
if HAVE_CMOCKA
check_PROGRAMS += spool_test
spool_test_SOURCES = sql/spool_test.c
spool_test_LDADD = $(SQL_LIBS) $(CMOCKA_LIBS)
endif

# tables and the writer
libsql_a_SOURCES += sql/driver.c sql/driver.h sql/drivers.h sql/table.c sql/table.h sql/writer.c sql/writer.h

# databases: a build without one has the file that says so
if HAVE_SQLITE
libsql_a_SOURCES += sql/sqlite.c
if HAVE_CMOCKA
check_PROGRAMS += sqlite_test
sqlite_test_SOURCES = sql/sqlite_test.c
sqlite_test_LDADD = $(SQL_LIBS) $(CMOCKA_LIBS)
endif
else
libsql_a_SOURCES += sql/sqlite_none.c
endif
if HAVE_PQ
libsql_a_SOURCES += sql/pgsql.c sql/pgsql_encode.c sql/pgsql_encode.h sql/pgsql_fault.c sql/pgsql_fault.h \
	sql/pgsql_table.c sql/pgsql_table.h
if HAVE_CMOCKA
check_PROGRAMS += pgsql_test
pgsql_test_SOURCES = sql/pgsql_test.c sql/pgsql_cluster.c sql/pgsql_cluster.h
pgsql_test_LDADD = $(SQL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += pgsql_break_test
pgsql_break_test_SOURCES = sql/pgsql_break_test.c sql/pgsql_cluster.c sql/pgsql_cluster.h
pgsql_break_test_LDADD = $(SQL_LIBS) $(CMOCKA_LIBS)
if HAVE_SQLITE
check_PROGRAMS += roundtrip_test
roundtrip_test_SOURCES = sql/roundtrip_test.c sql/pgsql_cluster.c sql/pgsql_cluster.h
roundtrip_test_LDADD = $(SQL_LIBS) $(CMOCKA_LIBS) -lm
endif
endif
else
libsql_a_SOURCES += sql/pgsql_none.c
endif

# rows a second; both databases, whichever this build has
if HAVE_PQ
noinst_PROGRAMS += sql_bench
sql_bench_SOURCES = sql/sql_bench.c sql/pgsql_cluster.c sql/pgsql_cluster.h
sql_bench_LDADD = $(SQL_LIBS)
endif
EXTRA_DIST += sql/sqlite.c sql/sqlite_none.c sql/pgsql.c sql/pgsql_none.c

# for operators
sqlviewdir = $(pkgdatadir)/sql
dist_sqlview_DATA = sql/views-pgsql.sql sql/views-sqlite.sql
