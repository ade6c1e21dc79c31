# tools: the generator of flow records and the sender of captures; the runners are scripts.
noinst_PROGRAMS += flowgen replay
flowgen_SOURCES = \
	tools/flowgen/main.c \
	tools/flowgen/element.c tools/flowgen/element.h \
	tools/flowgen/message.c tools/flowgen/message.h \
	tools/flowgen/population.c tools/flowgen/population.h \
	tools/flowgen/preset.c tools/flowgen/put.h \
	tools/flowgen/sink.c tools/flowgen/sink.h

replay_SOURCES = tools/replay.c
replay_LDADD = $(PCAP_LIBS)
