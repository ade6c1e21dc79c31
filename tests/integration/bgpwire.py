"""A BGP speaker made of bytes, to say what no other speaker can be made to say: broken attributes, silence, one byte a second.

Written from RFC 4271 and its followers; it shares nothing with the daemon.
"""
import socket
import struct
import time
from ipaddress import ip_address, ip_network

MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
OPTIONAL, TRANSITIVE, EXTENDED = 0x80, 0x40, 0x10
IPV4, IPV6 = (1, 1), (2, 1)


def message(kind, body=b""):
    return MARKER + struct.pack(">HB", 19 + len(body), kind) + body


def capability(code, value=b""):
    return bytes([code, len(value)]) + value


def open_body(asn, identifier, hold=90, families=(IPV4, IPV6), extra=b"", as4=True):
    caps = b"".join(capability(1, struct.pack(">HBB", afi, 0, safi)) for afi, safi in families)
    caps += (capability(65, struct.pack(">I", asn)) if as4 else b"") + extra
    options = bytes([2, len(caps)]) + caps if caps else b""
    return struct.pack(">BHH4sB", 4, asn if asn < 65536 else 23456, hold, ip_address(identifier).packed, len(options)) + options


def nlri(*prefixes):
    out = b""
    for prefix in prefixes:
        net = ip_network(prefix)
        out += bytes([net.prefixlen]) + net.network_address.packed[:(net.prefixlen + 7) // 8]
    return out


def attr(flags, code, value):
    if len(value) > 255:
        return struct.pack(">BBH", flags | EXTENDED, code, len(value)) + value
    return struct.pack(">BBB", flags, code, len(value)) + value


def origin(value=0):
    return attr(TRANSITIVE, 1, bytes([value]))


def as_path(*asns, kind=2, width=">I"):
    return attr(TRANSITIVE, 2, bytes([kind, len(asns)]) + b"".join(struct.pack(width, a) for a in asns) if asns else b"")


def next_hop(address):
    return attr(TRANSITIVE, 3, ip_address(address).packed)


def reach(family, hop, prefixes):
    return attr(OPTIONAL, 14, struct.pack(">HBB", *family, len(hop)) + hop + b"\0" + prefixes)


def unreach(family, prefixes):
    return attr(OPTIONAL, 15, struct.pack(">HB", *family) + prefixes)


def update(attrs=b"", announced=b"", withdrawn=b""):
    return message(UPDATE, struct.pack(">H", len(withdrawn)) + withdrawn + struct.pack(">H", len(attrs)) + attrs + announced)


class Wire:
    """One session, driven by the test."""

    def __init__(self, collector, port, local, asn=65001, hold=90, establish=True, **options):
        self.socket = socket.socket(socket.AF_INET6 if ":" in collector else socket.AF_INET)
        self.socket.settimeout(20)
        self.socket.bind((local, 0))
        self.socket.connect((collector, port))
        self.asn, self.local, self.hold, self.options, self.buffer = asn, local, hold, options, b""
        self.mandatory = origin() + as_path(asn, 65010) + next_hop("192.0.2.1")
        if establish:
            self.establish()

    def establish(self):
        identifier = self.local if ":" not in self.local else "10.255.0.9"
        self.send(message(OPEN, open_body(self.asn, identifier, self.hold, **self.options)))
        self.their_open = self.expect(OPEN)
        self.send(message(KEEPALIVE))
        self.expect(KEEPALIVE)

    def send(self, data):
        self.socket.sendall(data)

    def announce(self, *prefixes, attrs=None):
        self.send(update(self.mandatory if attrs is None else attrs, nlri(*prefixes)))

    def withdraw(self, *prefixes):
        self.send(update(withdrawn=nlri(*prefixes)))

    def receive(self, seconds=10):
        """The next message as (type, body); None when the other side has closed."""
        self.socket.settimeout(seconds)
        while True:
            if len(self.buffer) >= 19:
                length = struct.unpack_from(">H", self.buffer, 16)[0]
                if len(self.buffer) >= length:
                    whole, self.buffer = self.buffer[:length], self.buffer[length:]
                    return whole[18], whole[19:]
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.buffer += more

    def expect(self, kind, seconds=10):
        """The body of the next message of that type; others but NOTIFICATION are passed over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            got = self.receive(max(0.1, deadline - time.monotonic()))
            assert got is not None, "closed by the other side"
            if got[0] == kind:
                return got[1]
            assert got[0] != NOTIFICATION, f"NOTIFICATION {got[1][0]}/{got[1][1]} {got[1][2:]}"
        raise AssertionError(f"no message of type {kind}")

    def expect_end(self, code, subcode=None, seconds=10):
        """A NOTIFICATION and the end of the connection."""
        body = self.expect(NOTIFICATION, seconds)
        assert body[0] == code and subcode in (None, body[1]), f"NOTIFICATION {body[0]}/{body[1]}"
        assert self.receive(seconds) is None
        return body

    def close(self):
        self.socket.close()
