"""Where flowrib and pmacct 1.7.7 may differ, and why. docs/migration.md tells operators the same.

`for_row` brings a row of either side into the form in which rows are compared. What is not named here must be equal.
"""

# keys that say when and by which process a row was written
VOLATILE = {"stamp_inserted", "stamp_updated", "timestamp_arrival", "writer_id", "TIMESTAMP_ARRIVAL"}

# name: (keys that are not compared, why)
REASONS = {
    "fractions": ({"timestamp_start", "timestamp_end", "timestamp_export"},
                  "1.7.7 cuts the times of v5 and v9 to whole seconds; flowrib keeps milliseconds"),
    "reduced": ({"packets", "bytes", "iface_in", "iface_out", "as_src", "as_dst"},
                "1.7.7 reads integers of 1, 3, 5, 6 or 7 bytes as 0 (RFC 7011, 6.2 allows them)"),
    "times": ({"timestamp_start", "timestamp_end"},
              "1.7.7 ignores the 8-byte microsecond form, nanoseconds and durations"),
    "biflow": ({"packets", "bytes", "flows"}, "1.7.7 ignores the reverse direction (RFC 5103); flowrib counts it as a record of its own"),
    "selector": ({"sampling_rate", "packets", "bytes"}, "1.7.7 looks up a 4-byte selectorId wrongly"),
    "missing": ({"timestamp_end"}, "1.7.7 writes a zero time when a record has no end; flowrib takes the export time"),
    "rd-origin": ({"mpls_vpn_rd_origin"}, "later versions say where the route distinguisher came from"),
    "utc": ({"timestamp_start", "timestamp_end"}, "1.7.7 writes Z where later versions write the offset"),
    "wrapped": ({"tag2"}, "1.7.7 writes numbers above 2^63 as negative ones"),
    "egress-vlan": ({"vlan"}, "1.7.7 does not take the egress VLAN when the ingress one is 0"),
    "class": ({"class"}, "1.7.7 does not join application names of options data in this form"),
    "icmp-frame": ({"port_dst"}, "1.7.7 leaves type and code of ICMP out when it decodes frames"),
}


def ignored(reasons):
    return set().union(*(REASONS[r][0] for r in reasons)) | VOLATILE


def for_row(row, reasons):
    """The row as a sorted tuple; tcp_flags is text in 1.7.7 and a number later, so it is compared as text."""
    skip = ignored(reasons)
    shown = {k: v for k, v in row.items() if k not in skip}
    for key in ("tcp_flags", "tunnel_tcp_flags"):
        if key in shown:
            shown[key] = str(shown[key])
    return tuple(sorted((k, str(v)) for k, v in shown.items()))
