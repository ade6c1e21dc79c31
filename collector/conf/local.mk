# collector/conf: the table of keys, the file grammar, the command line, checks across keys, the reader of map files.
noinst_LIBRARIES += libconf.a
libconf_a_SOURCES = \
	collector/conf/args.c \
	collector/conf/conf.c collector/conf/conf.h \
	collector/conf/dump.c collector/conf/instances.c collector/conf/list.c collector/conf/load.c \
	collector/conf/mapfile.c collector/conf/mapfile.h \
	collector/conf/rules.c collector/conf/settings.h collector/conf/value.c \
	collector/conf/keys.def collector/conf/keys_core.def collector/conf/keys_input.def \
	collector/conf/keys_output.def collector/conf/keys_bgp.def collector/conf/keys_stream.def \
	collector/conf/standing.h \
	collector/conf/table.c collector/conf/table.h

CONF_LIBS = libconf.a $(BASE_LIBS)
