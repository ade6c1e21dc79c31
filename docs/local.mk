# Manual pages of the daemon are made from templates and the program's own tables, so they cannot grow stale.
EXTRA_DIST += docs/man/flowribd.8.in docs/man/flowrib.conf.5.in docs/systemd/flowribd.service.in docs/man/fill
dist_man_MANS += docs/man/flowrib.1
nodist_man_MANS = docs/man/flowribd.8 docs/man/flowrib.conf.5
CLEANFILES += docs/man/flowribd.8 docs/man/flowrib.conf.5 docs/systemd/flowribd.service

docs/man/flowribd.8: docs/man/flowribd.8.in docs/man/fill flowribd$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs/man && $(srcdir)/docs/man/fill ./flowribd$(EXEEXT) $(srcdir)/docs/man/flowribd.8.in $@
docs/man/flowrib.conf.5: docs/man/flowrib.conf.5.in docs/man/fill flowribd$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs/man && $(srcdir)/docs/man/fill ./flowribd$(EXEEXT) $(srcdir)/docs/man/flowrib.conf.5.in $@

docs/systemd/flowribd.service: docs/systemd/flowribd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) docs/systemd && sed -e 's|@sbindir[@]|$(sbindir)|; s|@sysconfdir[@]|$(sysconfdir)|' \
		$(srcdir)/docs/systemd/flowribd.service.in > $@
nodist_systemdunit_DATA = docs/systemd/flowribd.service

dist_doc_DATA = docs/architecture.md docs/migration.md
exampledir = $(docdir)/examples
dist_example_DATA = docs/examples/flowrib.conf

# With --enable-pmacct-names the programs also answer to the names that pmacct's users have in scripts and units.
if PMACCT_NAMES
install-exec-hook:
	for name in nfacctd sfacctd pmacctd uacctd; do $(LN_S) -f flowribd$(EXEEXT) "$(DESTDIR)$(sbindir)/$$name" || exit 1; done
	$(LN_S) -f flowrib$(EXEEXT) "$(DESTDIR)$(bindir)/pmacct"
uninstall-hook:
	cd "$(DESTDIR)$(sbindir)" && rm -f nfacctd sfacctd pmacctd uacctd
	rm -f "$(DESTDIR)$(bindir)/pmacct"
endif
