# collector/flow: struct flow, primitives, plans, cache, formatters. Knows no wire format, no plugin.
noinst_LIBRARIES += libflow.a
libflow_a_SOURCES = \
	collector/flow/flow.c collector/flow/flow.h \
	collector/flow/primitive.h collector/flow/layout.h collector/flow/cache.h \
	collector/flow/format.h collector/flow/value.h

FLOW_LIBS = libflow.a $(BASE_LIBS)
