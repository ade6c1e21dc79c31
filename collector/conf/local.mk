# collector/conf: the table of keys, the file grammar, the command line, checks across keys, the readers of maps and
# of allow lists.
noinst_LIBRARIES += libconf.a
libconf_a_SOURCES = \
	collector/conf/allow.c collector/conf/allow.h \
	collector/conf/args.c \
	collector/conf/conf.c collector/conf/conf.h \
	collector/conf/dump.c collector/conf/instances.c collector/conf/list.c collector/conf/load.c \
	collector/conf/mapfile.c collector/conf/mapfile.h \
	collector/conf/rules.c collector/conf/settings.h collector/conf/value.c \
	collector/conf/keys.def collector/conf/keys_core.def collector/conf/keys_input.def \
	collector/conf/keys_output.def collector/conf/keys_bgp.def collector/conf/keys_stream.def \
	collector/conf/standing.h \
	collector/conf/table.c collector/conf/table.h

CONF_LIBS = libconf.a $(BASE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += allow_test conf_test conf_table_test mapfile_test
allow_test_SOURCES = collector/conf/allow_test.c
allow_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
conf_test_SOURCES = collector/conf/conf_test.c
conf_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
conf_table_test_SOURCES = collector/conf/table_test.c
conf_table_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
mapfile_test_SOURCES = collector/conf/mapfile_test.c
mapfile_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += tests/fuzz/corpus/conf

if FUZZERS
fuzz_programs += fuzz_conf
fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c
fuzz_conf_LDADD = $(CONF_LIBS)
fuzz_conf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
