# collector/flow: struct flow, primitives, plans, cache, formatters. Knows no wire format, no plugin.
noinst_LIBRARIES += libflow.a
libflow_a_SOURCES = \
	collector/flow/cache.c collector/flow/cache.h collector/flow/tags.h \
	collector/flow/custom.c collector/flow/custom.h \
	collector/flow/flow.c collector/flow/flow.h \
	collector/flow/format.c collector/flow/format.h collector/flow/format_column.h \
	collector/flow/format_list.c collector/flow/format_value.c \
	collector/flow/layout.c collector/flow/layout.h \
	collector/flow/layout_text.c collector/flow/layout_text.h \
	collector/flow/primitive.c collector/flow/primitive.h \
	collector/flow/primitives.c collector/flow/primitives.h \
	collector/flow/protonames.c \
	collector/flow/value.c collector/flow/value.h \
	collector/flow/timebin.c collector/flow/timebin.h

FLOW_LIBS = libflow.a $(BASE_LIBS)

# Measures absorbing, memory an entry and the longest stall: cache_bench [RECORDS].
noinst_PROGRAMS += cache_bench
cache_bench_SOURCES = collector/flow/cache_bench.c
cache_bench_LDADD = $(FLOW_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += cache_test
cache_test_SOURCES = collector/flow/cache_test.c
cache_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += timebin_test
timebin_test_SOURCES = collector/flow/timebin_test.c
timebin_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += layout_test
layout_test_SOURCES = collector/flow/layout_test.c
layout_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

# Measures packing: layout_bench [MILLIONS].
noinst_PROGRAMS += layout_bench
layout_bench_SOURCES = collector/flow/layout_bench.c
layout_bench_LDADD = $(FLOW_LIBS)

# Measures a row of text: format_bench [ROWS].
noinst_PROGRAMS += format_bench
format_bench_SOURCES = collector/flow/format_bench.c
format_bench_LDADD = $(FLOW_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += format_test
format_test_SOURCES = collector/flow/format_test.c
format_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS) $(JANSSON_LIBS)
endif

# networks. networks_bench [FILE] measures loading and lookups.
libflow_a_SOURCES += collector/flow/networks.c collector/flow/networks.h
noinst_PROGRAMS += networks_bench
networks_bench_SOURCES = collector/flow/networks_bench.c
networks_bench_LDADD = $(FLOW_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += networks_test
networks_test_SOURCES = collector/flow/networks_test.c
networks_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

# filters. filter_bench [EXPRESSION...] measures one.
libflow_a_SOURCES += collector/flow/filter.c collector/flow/filter.h
noinst_PROGRAMS += filter_bench
filter_bench_SOURCES = collector/flow/filter_bench.c
filter_bench_LDADD = $(FLOW_LIBS) $(PCAP_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += filter_test
filter_test_SOURCES = collector/flow/filter_test.c
filter_test_LDADD = $(FLOW_LIBS) $(PCAP_LIBS) $(CMOCKA_LIBS)
endif

# lists of numbers and what they do to a flow
libflow_a_SOURCES += \
	collector/flow/lists.c collector/flow/lists.h \
	collector/flow/transform.c collector/flow/transform.h

if HAVE_CMOCKA
check_PROGRAMS += transform_test
transform_test_SOURCES = collector/flow/transform_test.c
transform_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += primitive_test
primitive_test_SOURCES = collector/flow/primitive_test.c
primitive_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += custom_test
custom_test_SOURCES = collector/flow/custom_test.c
custom_test_LDADD = $(FLOW_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += tests/fuzz/corpus/primitives

if FUZZERS
fuzz_programs += fuzz_primitives
fuzz_primitives_SOURCES = tests/fuzz/fuzz_primitives.c
fuzz_primitives_LDADD = $(FLOW_LIBS)
fuzz_primitives_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
