# collector/decode: exporters' datagrams and packets to struct flow. Knows no socket, no configuration, no plugin.
noinst_LIBRARIES += libdecode.a
libdecode_a_SOURCES =
DECODE_LIBS = libdecode.a $(FLOW_LIBS) $(JANSSON_LIBS)

# exporters: NetFlow, IPFIX
libdecode_a_SOURCES += \
	collector/decode/counter.c collector/decode/counter.h \
	collector/decode/decode.h collector/decode/decoder.c \
	collector/decode/element.c collector/decode/element.h \
	collector/decode/exporter.c collector/decode/exporter.h \
	collector/decode/ipfix.c \
	collector/decode/names.c collector/decode/names.h \
	collector/decode/netflow5.c collector/decode/netflow9.c \
	collector/decode/options.c \
	collector/decode/plan.c collector/decode/plan.h collector/decode/plan_portable.c \
	collector/decode/plan_ssse3.c \
	collector/decode/record.c collector/decode/record.h \
	collector/decode/sampling.c collector/decode/sampling.h \
	collector/decode/sequence.c collector/decode/sequence.h \
	collector/decode/set.c \
	collector/decode/status.c collector/decode/store.c \
	collector/decode/setters.c collector/decode/setters.h \
	collector/decode/template.c \
	collector/decode/times.c collector/decode/times.h \
	collector/decode/waiting.c

# packets
libdecode_a_SOURCES += \
	collector/decode/packet.c collector/decode/packet.h collector/decode/packet_layer.h \
	collector/decode/packet_link.c collector/decode/packet_ip.c \
	collector/decode/packet_custom.c collector/decode/packet_custom.h \
	collector/decode/packet_tunnel.c

if HAVE_CMOCKA
decode_fixture = collector/decode/builder.h collector/decode/fixture.h
check_PROGRAMS += packet_test decode_test hostile_test ipfix_test options_test plan_test sequence_test template_test
decode_test_SOURCES = collector/decode/decode_test.c $(decode_fixture)
decode_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
hostile_test_SOURCES = collector/decode/hostile_test.c $(decode_fixture)
hostile_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
plan_test_SOURCES = collector/decode/plan_test.c $(decode_fixture)
plan_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
ipfix_test_SOURCES = collector/decode/ipfix_test.c $(decode_fixture)
ipfix_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
template_test_SOURCES = collector/decode/template_test.c $(decode_fixture)
template_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
options_test_SOURCES = collector/decode/options_test.c $(decode_fixture)
options_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
sequence_test_SOURCES = collector/decode/sequence_test.c
sequence_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += packet_custom_test
packet_custom_test_SOURCES = collector/decode/packet_custom_test.c
packet_custom_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
packet_test_SOURCES = collector/decode/packet_test.c
packet_test_LDADD = $(DECODE_LIBS) $(CMOCKA_LIBS)
endif

if FUZZERS
fuzz_programs += fuzz_packet
fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c
fuzz_packet_LDADD = $(DECODE_LIBS)
fuzz_packet_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_programs += fuzz_netflow fuzz_ipfix
fuzz_netflow_SOURCES = tests/fuzz/fuzz_netflow.c tests/fuzz/fuzz_flow.h
fuzz_netflow_LDADD = $(DECODE_LIBS)
fuzz_netflow_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_ipfix_SOURCES = tests/fuzz/fuzz_ipfix.c tests/fuzz/fuzz_flow.h
fuzz_ipfix_LDADD = $(DECODE_LIBS)
fuzz_ipfix_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += tests/fuzz/make_flow_corpus tests/fuzz/corpus/netflow tests/fuzz/corpus/ipfix tests/fuzz/corpus/packet

noinst_PROGRAMS += decode_bench
decode_bench_SOURCES = collector/decode/decode_bench.c collector/decode/builder.h
decode_bench_LDADD = $(DECODE_LIBS)

# Measures the packet decoder: packet_bench [MILLIONS].
noinst_PROGRAMS += packet_bench
packet_bench_SOURCES = collector/decode/packet_bench.c
packet_bench_LDADD = $(DECODE_LIBS)
