# collector/base: what any C program could use.
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	collector/base/addr.c collector/base/addr.h \
	collector/base/clock.h \
	collector/base/counters.c collector/base/counters.h \
	collector/base/file.c collector/base/file.h \
	collector/base/log.c collector/base/log.h \
	collector/base/nearest.c collector/base/nearest.h \
	collector/base/outfile.c collector/base/outfile.h \
	collector/base/outname.c collector/base/outname.h \
	collector/base/queue.h collector/base/ring.c \
	collector/base/readers.c collector/base/readers.h \
	collector/base/region.c collector/base/region.h \
	collector/base/routetext.c collector/base/routetext.h \
	collector/base/rundir.c collector/base/rundir.h \
	collector/base/scan.h \
	collector/base/slab.c collector/base/slab.h \
	collector/base/text.c collector/base/text.h \
	collector/base/textlist.h \
	collector/base/timetext.c collector/base/timetext.h \
	collector/base/queue_zmq.h \
	collector/base/wire.h
if HAVE_ZMQ
libbase_a_SOURCES += collector/base/queue_zmq.c
else
libbase_a_SOURCES += collector/base/queue_zmq_none.c
endif
EXTRA_DIST += collector/base/queue_zmq.c collector/base/queue_zmq_none.c

BASE_LIBS = libbase.a $(URCU_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += slab_test
slab_test_SOURCES = collector/base/slab_test.c
slab_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += addr_test text_test ring_test
addr_test_SOURCES = collector/base/addr_test.c
addr_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
text_test_SOURCES = collector/base/text_test.c
text_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
ring_test_SOURCES = collector/base/ring_test.c
ring_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
if HAVE_ZMQ
check_PROGRAMS += queue_zmq_test
queue_zmq_test_SOURCES = collector/base/queue_zmq_test.c
queue_zmq_test_LDADD = $(BASE_LIBS) $(ZMQ_LIBS) $(CMOCKA_LIBS)
endif
endif

# lists
libbase_a_SOURCES += \
	collector/base/lines.c collector/base/lines.h \
	collector/base/lpm.c collector/base/lpm.h

if HAVE_CMOCKA
check_PROGRAMS += lines_test lpm_test
lines_test_SOURCES = collector/base/lines_test.c
lines_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
lpm_test_SOURCES = collector/base/lpm_test.c
lpm_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += region_test
region_test_SOURCES = collector/base/region_test.c
region_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += routetext_test
routetext_test_SOURCES = collector/base/routetext_test.c
routetext_test_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif
