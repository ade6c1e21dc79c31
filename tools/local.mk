# tools: the generator of flow records and the sender of captures; the runners are scripts.
noinst_PROGRAMS += flowgen replay
flowgen_SOURCES = \
	tools/flowgen/main.c \
	tools/flowgen/element.c tools/flowgen/element.h \
	tools/flowgen/message.c tools/flowgen/message.h \
	tools/flowgen/places.c tools/flowgen/places.h \
	tools/flowgen/population.c tools/flowgen/population.h \
	tools/flowgen/preset.c tools/flowgen/put.h \
	tools/flowgen/sink.c tools/flowgen/sink.h \
	tools/prefixes.c tools/prefixes.h

flowgen_LDADD = $(BASE_LIBS)

replay_SOURCES = tools/replay.c
replay_LDADD = $(PCAP_LIBS)

# the feeder of BGP sessions
noinst_PROGRAMS += bgpfeed
bgpfeed_SOURCES = \
	tools/bgpfeed/main.c \
	tools/bgpfeed/message.c tools/bgpfeed/message.h \
	tools/bgpfeed/routes.c tools/bgpfeed/routes.h \
	tools/bgpfeed/session.c tools/bgpfeed/session.h \
	tools/bgpfeed/table.c tools/bgpfeed/table.h \
	tools/prefixes.c tools/prefixes.h
bgpfeed_LDADD = $(BASE_LIBS)

# flowrib, the client of the memory table. Of the plugins it needs the protocol only.
bin_PROGRAMS += flowrib
flowrib_SOURCES = \
	tools/client/main.c tools/client/client.h \
	tools/client/commands.c \
	tools/client/connection.c tools/client/connection.h \
	tools/client/control.c \
	tools/client/legacy.c \
	tools/client/question.c tools/client/question.h \
	tools/client/rows.c tools/client/rows.h \
	tools/client/session.c \
	tools/client/table.c tools/client/table.h \
	tools/client/top.c
flowrib_LDFLAGS = $(AM_LDFLAGS) $(CLIENT_LDFLAGS)
flowrib_LDADD = libplugins.a $(FLOW_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += connection_test question_test table_test
connection_test_SOURCES = tools/client/connection_test.c tools/client/connection.c
connection_test_LDADD = libplugins.a $(FLOW_LIBS) $(CMOCKA_LIBS)
question_test_SOURCES = tools/client/question_test.c tools/client/question.c tools/client/connection.c
question_test_LDADD = libplugins.a $(FLOW_LIBS) $(CMOCKA_LIBS)
table_test_SOURCES = tools/client/table_test.c tools/client/table.c
table_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += \
	tools/bench tools/bench_bgp.py tools/check tools/demo tools/install-packages tools/lint \
	tools/demo.d/flowrib.conf tools/demo.d/services \
	tools/demo.d/edge1.routes tools/demo.d/edge2.routes tools/demo.d/as-paths.sql
