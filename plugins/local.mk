# plugins: the host that runs a plugin instance, and the plugins.
noinst_LIBRARIES += libplugins.a
libplugins_a_SOURCES = \
	plugins/plugin.h plugins/table.c \
	plugins/host.c \
	plugins/intake.c plugins/intake_zmq.c plugins/intake.h \
	plugins/template.c

PLUGINS_LIBS = libplugins.a $(CONF_LIBS) $(FLOW_LIBS) $(ZMQ_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += host_test
host_test_SOURCES = plugins/host_test.c plugins/testbed.c plugins/testbed.h
host_test_LDADD = $(PLUGINS_LIBS) $(CMOCKA_LIBS)
endif
