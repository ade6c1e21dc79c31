# plugins: the host that runs a plugin instance, and the plugins.
noinst_LIBRARIES += libplugins.a
libplugins_a_SOURCES = \
	plugins/plugin.h plugins/table.c \
	plugins/host.c \
	plugins/intake.c plugins/intake_zmq.c plugins/intake.h \
	plugins/memory.c \
	plugins/memory_job.c plugins/memory_job.h \
	plugins/memory_match.c plugins/memory_match.h \
	plugins/memory_protocol.c plugins/memory_protocol.h \
	plugins/memory_server.c plugins/memory_server.h \
	plugins/owner.c plugins/owner.h \
	plugins/preprocess.c plugins/preprocess.h \
	plugins/print.c plugins/print_write.c plugins/print_write.h \
	plugins/purge.c plugins/purge.h \
	plugins/rowname.c plugins/rowname.h \
	plugins/sql.c \
	plugins/trigger.c plugins/trigger.h \
	plugins/template.c

PLUGINS_LIBS = libplugins.a $(SQL_LIBS) $(CONF_LIBS) $(FLOW_LIBS) $(ZMQ_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += host_test outfile_test print_test
host_test_SOURCES = plugins/host_test.c plugins/testbed.c plugins/testbed.h
host_test_LDADD = $(PLUGINS_LIBS) $(CMOCKA_LIBS)
outfile_test_SOURCES = plugins/outfile_test.c
outfile_test_LDADD = $(PLUGINS_LIBS) $(CMOCKA_LIBS)
print_test_SOURCES = plugins/print_test.c plugins/testbed.c plugins/testbed.h
print_test_LDADD = $(PLUGINS_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += memory_job_test memory_server_test
memory_job_test_SOURCES = plugins/memory_job_test.c plugins/memory_fixture.h
memory_job_test_LDADD = $(PLUGINS_LIBS) $(CMOCKA_LIBS)
memory_server_test_SOURCES = plugins/memory_server_test.c plugins/memory_fixture.h \
	plugins/testbed.c plugins/testbed.h
memory_server_test_LDADD = $(PLUGINS_LIBS) $(CMOCKA_LIBS)
endif

# Measures the memory table in its own process, and gives the client one of any size: memory_bench.
noinst_PROGRAMS += memory_bench
memory_bench_SOURCES = plugins/memory_bench.c plugins/memory_fixture.h plugins/testbed.c plugins/testbed.h
memory_bench_LDADD = $(PLUGINS_LIBS)

if FUZZERS
fuzz_programs += fuzz_client_protocol
fuzz_client_protocol_SOURCES = tests/fuzz/fuzz_client_protocol.c
fuzz_client_protocol_LDADD = libplugins.a $(FLOW_LIBS)
fuzz_client_protocol_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += tests/fuzz/corpus/client_protocol

# Measures the print plugin in its own process: print_bench RECORDS KEYS OUTPUT DIRECTORY.
noinst_PROGRAMS += print_bench
print_bench_SOURCES = plugins/print_bench.c plugins/testbed.c plugins/testbed.h
print_bench_LDADD = $(PLUGINS_LIBS)
