# collector/input: how export datagrams come in. Knows no aggregation, no plugin.
noinst_LIBRARIES += libinput.a
libinput_a_SOURCES = \
	collector/input/plainpcap.c collector/input/plainpcap.h \
	collector/input/savefile.c collector/input/savefile.h \
	collector/input/tcp.c collector/input/tcp.h \
	collector/input/udp.c collector/input/udp.h

INPUT_LIBS = libinput.a $(DECODE_LIBS) $(PCAP_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += savefile_test socket_test
savefile_test_SOURCES = collector/input/savefile_test.c
savefile_test_LDADD = libinput.a $(BASE_LIBS) $(PCAP_LIBS) $(CMOCKA_LIBS)
socket_test_SOURCES = collector/input/socket_test.c
socket_test_LDADD = libinput.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif
