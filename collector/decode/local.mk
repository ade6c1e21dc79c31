# collector/decode: exporters' datagrams and packets to struct flow. Knows no socket, no configuration, no plugin.
noinst_LIBRARIES += libdecode.a
libdecode_a_SOURCES =
DECODE_LIBS = libdecode.a $(FLOW_LIBS)

# packets
libdecode_a_SOURCES += \
	collector/decode/packet.c collector/decode/packet.h collector/decode/packet_layer.h \
	collector/decode/packet_link.c collector/decode/packet_ip.c

if HAVE_CMOCKA
check_PROGRAMS += packet_test
packet_test_SOURCES = collector/decode/packet_test.c
packet_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
endif

if FUZZERS
fuzz_programs += fuzz_packet
fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c
fuzz_packet_LDADD = $(DECODE_LIBS)
fuzz_packet_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
