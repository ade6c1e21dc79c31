# tests: captures of real exporters, and integration tests (run by tools/check, not by `make check`).
EXTRA_DIST += \
	tests/captures/README.md tests/captures/make \
	tests/captures/edge-ipfix.pcap tests/captures/edge-v9.pcap \
	tests/captures/nfprobe-ipfix.pcap tests/captures/nfprobe-v5.pcap tests/captures/nfprobe-v9.pcap \
	tests/captures/softflowd-biflow.pcap tests/captures/softflowd-ether-micro.pcap \
	tests/captures/softflowd-ipfix.pcap tests/captures/softflowd-nano.pcap \
	tests/captures/softflowd-v5.pcap tests/captures/softflowd-v9.pcap
EXTRA_DIST += tests/systemd/boot tests/integration tests/fuzz/corpus tests/tsan.supp tests/tsan/run

# Whole folders are packed, but not what running them leaves behind.
dist-hook:
	find "$(distdir)/tests" -name __pycache__ -exec rm -rf {} +
