# bgp: sessions, attributes, the shared RIB, what is told of them. Knows no flows, no primitives, no plugins.
# A block per part, so that each lists its own sources, tests and fuzz targets.
noinst_LIBRARIES += libbgp.a
libbgp_a_SOURCES = bgp/proto.c
BGP_LIBS = libbgp.a $(CONF_LIBS) $(JANSSON_LIBS) $(ZMQ_LIBS) $(XXHASH_LIBS)

# the thread and its sessions
libbgp_a_SOURCES += \
	bgp/apply.c bgp/bgp.c bgp/bgp.h \
	bgp/config.c bgp/config.h \
	bgp/listen.c bgp/listen.h \
	bgp/md5.c bgp/md5.h \
	bgp/peer.c bgp/peer.h bgp/proto.h \
	bgp/report.c bgp/report.h \
	bgp/restore.c bgp/restore.h \
	bgp/roster.c bgp/roster.h \
	bgp/session.c bgp/session.h \
	bgp/speaker.c bgp/speaker.h \
	bgp/world.c bgp/world.h
if HAVE_CMOCKA
check_PROGRAMS += bgp_config_test bgp_peer_test roster_test session_test speaker_test
bgp_config_test_SOURCES = bgp/config_test.c
bgp_config_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
bgp_peer_test_SOURCES = bgp/peer_test.c
bgp_peer_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
roster_test_SOURCES = bgp/roster_test.c bgp/testpeer.c bgp/testpeer.h
roster_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
session_test_SOURCES = bgp/session_test.c bgp/testpeer.c bgp/testpeer.h
session_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
speaker_test_SOURCES = bgp/speaker_test.c
speaker_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += tests/fuzz/corpus/bgp_session
if FUZZERS
fuzz_programs += fuzz_bgp_session
fuzz_bgp_session_SOURCES = tests/fuzz/fuzz_bgp_session.c
fuzz_bgp_session_LDADD = $(BGP_LIBS)
fuzz_bgp_session_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# messages and attributes
libbgp_a_SOURCES += bgp/attr.h bgp/message.h bgp/nlri.h \
	bgp/as_path.c bgp/attr.c bgp/attr_list.c bgp/capability.c bgp/capability.h bgp/message.c \
	bgp/nlri.c bgp/nlri_flowspec.c bgp/nlri_item.h bgp/nlri_ls.c bgp/nlri_text.c bgp/update.c bgp/walk.h

# Measures reading: update_bench [MILLIONS].
noinst_PROGRAMS += update_bench
update_bench_SOURCES = bgp/update_bench.c
update_bench_LDADD = $(BGP_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += message_test nlri_test update_test
nlri_test_SOURCES = bgp/nlri_test.c bgp/octets.h
nlri_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
message_test_SOURCES = bgp/message_test.c
message_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
update_test_SOURCES = bgp/update_test.c bgp/octets.h
update_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += tests/fuzz/make_bgp_corpus tests/fuzz/corpus/bgp_open tests/fuzz/corpus/bgp_update
if FUZZERS
fuzz_programs += fuzz_bgp_open fuzz_bgp_update
fuzz_bgp_open_SOURCES = tests/fuzz/fuzz_bgp_open.c
fuzz_bgp_open_LDADD = $(BGP_LIBS)
fuzz_bgp_open_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_bgp_update_SOURCES = tests/fuzz/fuzz_bgp_update.c
fuzz_bgp_update_LDADD = $(BGP_LIBS)
fuzz_bgp_update_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# attributes at rest
libbgp_a_SOURCES += bgp/store.c bgp/store.h
if HAVE_CMOCKA
check_PROGRAMS += bgp_store_test
bgp_store_test_SOURCES = bgp/store_test.c
bgp_store_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
endif

# the RIB
libbgp_a_SOURCES += \
	bgp/group.c bgp/group.h \
	bgp/lookup.c \
	bgp/pathlist.c bgp/pathlist.h \
	bgp/rib.c bgp/rib.h bgp/rib_parts.h \
	bgp/rib_tidy.c bgp/rib_update.c bgp/rib_walk.c \
	bgp/trie.c bgp/trie.h
# Measures loads, changes, lookups, memory and stalls: rib_bench [-d] [-p PEERS] [FILE].
noinst_PROGRAMS += rib_bench
rib_bench_SOURCES = bgp/rib_bench.c
rib_bench_LDADD = $(BGP_LIBS)
if HAVE_CMOCKA
check_PROGRAMS += rib_test
rib_test_SOURCES = bgp/rib_test.c
rib_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=slab_alloc -Wl,--wrap=region_grow
rib_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += rib_readers_test
rib_readers_test_SOURCES = bgp/rib_readers_test.c
rib_readers_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
endif

# what leaves: message log, dumps, looking glass, snapshot
libbgp_a_SOURCES += bgp/answer.c bgp/answer.h \
	bgp/events.c bgp/eventring.h bgp/events.h \
	bgp/dump.c \
	bgp/lgquery.c bgp/lgquery.h \
	bgp/msglog.c \
	bgp/output.h bgp/outputs.c bgp/outputs.h \
	bgp/query.c \
	bgp/render.c bgp/render.h \
	bgp/snapfile.h bgp/snapread.c bgp/snapshot.c bgp/snapwrite.c \
	bgp/tour.c bgp/tour.h

# Measures snapshots, dumps and the message log: outputs_bench [-d] [-p PEERS] [FOLDER].
noinst_PROGRAMS += outputs_bench
outputs_bench_SOURCES = bgp/outputs_bench.c
outputs_bench_LDADD = $(BGP_LIBS)

if HAVE_ZMQ
libbgp_a_SOURCES += bgp/lg.c
else
libbgp_a_SOURCES += bgp/lg_none.c
endif
EXTRA_DIST += bgp/lg.c bgp/lg_none.c
if FUZZERS
fuzz_programs += fuzz_bgp_query fuzz_bgp_snapshot
fuzz_bgp_query_SOURCES = tests/fuzz/fuzz_bgp_query.c
fuzz_bgp_query_LDADD = $(BGP_LIBS)
fuzz_bgp_query_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_bgp_snapshot_SOURCES = tests/fuzz/fuzz_bgp_snapshot.c
fuzz_bgp_snapshot_LDADD = $(BGP_LIBS)
fuzz_bgp_snapshot_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
if HAVE_CMOCKA
if HAVE_ZMQ
check_PROGRAMS += bgp_lg_test
bgp_lg_test_SOURCES = bgp/lg_test.c bgp/ribbed.h
bgp_lg_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
endif
check_PROGRAMS += bgp_answer_test bgp_dump_test bgp_events_test bgp_msglog_test bgp_render_test bgp_snapshot_test
bgp_answer_test_SOURCES = bgp/answer_test.c bgp/ribbed.h
bgp_answer_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
bgp_dump_test_SOURCES = bgp/dump_test.c bgp/ribbed.h
bgp_dump_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
bgp_snapshot_test_SOURCES = bgp/snapshot_test.c bgp/ribbed.h
bgp_snapshot_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
bgp_events_test_SOURCES = bgp/events_test.c
bgp_events_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
bgp_msglog_test_SOURCES = bgp/msglog_test.c
bgp_msglog_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
bgp_render_test_SOURCES = bgp/render_test.c
bgp_render_test_LDADD = $(BGP_LIBS) $(CMOCKA_LIBS)
endif
