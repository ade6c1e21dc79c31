# collector/core: the program. Sees every public header; nobody includes it.
noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	collector/core/control.c collector/core/control.h \
	collector/core/correlate.c collector/core/correlate.h \
	collector/core/correlate_list.c collector/core/correlate_list.h \
	collector/core/customs.c collector/core/customs.h \
	collector/core/exporters.c collector/core/exporters.h \
	collector/core/fanout.c collector/core/fanout.h \
	collector/core/folding.c collector/core/folding.h \
	collector/core/instance.c collector/core/instance.h \
	collector/core/metrics.h collector/core/notify.h collector/core/privileges.h collector/core/sandbox.h \
	collector/core/netfiles.c collector/core/netfiles.h \
	collector/core/progress.c collector/core/progress.h \
	collector/core/runtime.c collector/core/runtime.h \
	collector/core/source.c collector/core/source.h \
	collector/core/status.c collector/core/status.h \
	collector/core/supervisor.c collector/core/supervisor.h

# A library that is missing selects the file that says so.
if HAVE_MICROHTTPD
libcore_a_SOURCES += collector/core/metrics.c
else
libcore_a_SOURCES += collector/core/metrics_none.c
endif
if HAVE_SYSTEMD
libcore_a_SOURCES += collector/core/notify_systemd.c
else
libcore_a_SOURCES += collector/core/notify_none.c
endif
if HAVE_CAPNG
libcore_a_SOURCES += collector/core/privileges.c
else
libcore_a_SOURCES += collector/core/privileges_none.c
endif
if HAVE_SECCOMP
libcore_a_SOURCES += collector/core/sandbox.c
else
libcore_a_SOURCES += collector/core/sandbox_none.c
endif
EXTRA_DIST += collector/core/metrics.c collector/core/metrics_none.c collector/core/notify_systemd.c \
	collector/core/notify_none.c collector/core/privileges.c collector/core/privileges_none.c \
	collector/core/sandbox.c collector/core/sandbox_none.c

CORE_LIBS = libcore.a $(PLUGINS_LIBS) $(INPUT_LIBS) $(BGP_LIBS) $(CONF_LIBS) $(FLOW_LIBS) $(JANSSON_LIBS) $(MICROHTTPD_LIBS) \
	$(SYSTEMD_LIBS) $(CAPNG_LIBS) $(SECCOMP_LIBS)

sbin_PROGRAMS += flowribd
flowribd_SOURCES = collector/core/main.c
flowribd_LDADD = $(CORE_LIBS)

# Measures what correlation adds to a record: correlate_bench [-d] [-p PEERS] [FILE].
noinst_PROGRAMS += correlate_bench
correlate_bench_SOURCES = collector/core/correlate_bench.c
correlate_bench_LDADD = $(CORE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += control_test correlate_test correlate_list_test fanout_test status_test supervisor_test
control_test_SOURCES = collector/core/control_test.c
control_test_LDADD = libcore.a $(BASE_LIBS) $(CMOCKA_LIBS)
correlate_test_SOURCES = collector/core/correlate_test.c
correlate_test_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
correlate_list_test_SOURCES = collector/core/correlate_list_test.c
correlate_list_test_LDADD = libcore.a $(BASE_LIBS) $(XXHASH_LIBS) $(CMOCKA_LIBS)
fanout_test_SOURCES = collector/core/fanout_test.c
fanout_test_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
status_test_SOURCES = collector/core/status_test.c
status_test_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
supervisor_test_SOURCES = collector/core/supervisor_test.c plugins/testbed.c plugins/testbed.h
supervisor_test_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
if HAVE_SECCOMP
check_PROGRAMS += sandbox_test
sandbox_test_SOURCES = collector/core/sandbox_test.c
sandbox_test_LDADD = libcore.a $(CONF_LIBS) $(SECCOMP_LIBS) $(CMOCKA_LIBS)
endif
endif
