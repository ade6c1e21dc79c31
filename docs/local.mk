# Manual pages are made from their templates and the program's own tables, so they cannot grow stale.
EXTRA_DIST += docs/man/flowribd.8.in docs/man/flowrib.conf.5.in docs/systemd/flowribd.service.in docs/man/fill
nodist_man_MANS = docs/man/flowribd.8 docs/man/flowrib.conf.5
CLEANFILES += docs/man/flowribd.8 docs/man/flowrib.conf.5 docs/systemd/flowribd.service

docs/man/flowribd.8: docs/man/flowribd.8.in docs/man/fill flowribd$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs/man && $(srcdir)/docs/man/fill ./flowribd$(EXEEXT) $(srcdir)/docs/man/flowribd.8.in $@
docs/man/flowrib.conf.5: docs/man/flowrib.conf.5.in docs/man/fill flowribd$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs/man && $(srcdir)/docs/man/fill ./flowribd$(EXEEXT) $(srcdir)/docs/man/flowrib.conf.5.in $@

docs/systemd/flowribd.service: docs/systemd/flowribd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) docs/systemd && sed -e 's|@sbindir[@]|$(sbindir)|; s|@sysconfdir[@]|$(sysconfdir)|' \
		$(srcdir)/docs/systemd/flowribd.service.in > $@
systemdunitdir = $(prefix)/lib/systemd/system
nodist_systemdunit_DATA = docs/systemd/flowribd.service
