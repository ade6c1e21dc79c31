"""A BGP speaker of a hundred lines: it says what a test tells it, byte by byte, and hears nothing but OPEN and KEEPALIVE.

Real speakers stand in other tests; this one is for what the collector writes about a route, which needs exact attributes.
"""
import ipaddress
import socket
import struct
import threading

MARKER = b"\xff" * 16
ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, COMMUNITIES, EXT, LARGE = 1, 2, 3, 4, 5, 8, 16, 32
REACH, UNREACH, AIGP, OTC = 14, 15, 26, 35


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def attribute(code, value):
    flags = 0x80 if code in (MED, REACH, UNREACH, AIGP) else 0xc0 if code in (COMMUNITIES, EXT, LARGE, OTC) else 0x40
    return struct.pack("!BBH", flags | 0x10, code, len(value)) + value


def prefix(text, path_id=None):
    net = ipaddress.ip_network(text)
    bits = net.network_address.packed[:(net.prefixlen + 7) // 8]
    return (b"" if path_id is None else struct.pack("!I", path_id)) + bytes([net.prefixlen]) + bits


def vpn_prefix(text, rd, label, path_id=None):
    """rd: eight bytes; the label is the bottom of its stack."""
    net = ipaddress.ip_network(text)
    bits = net.network_address.packed[:(net.prefixlen + 7) // 8]
    head = struct.pack("!I", label << 4 | 1)[1:]
    return (b"" if path_id is None else struct.pack("!I", path_id)) + bytes([net.prefixlen + 88]) + head + rd + bits


def as_path(*segments):
    """Each a list (a sequence) or a set of AS numbers, four octets each."""
    out = b""
    for segment in segments:
        out += bytes([1 if isinstance(segment, set) else 2, len(segment)]) + b"".join(struct.pack("!I", a) for a in sorted(segment)
                                                                                        if isinstance(segment, set))
        if not isinstance(segment, set):
            out += b"".join(struct.pack("!I", a) for a in segment)
    return attribute(AS_PATH, out)


def numbers(code, *values):
    return attribute(code, b"".join(struct.pack("!I", v) for v in values))


def origin(value):
    return attribute(ORIGIN, bytes([value]))


def next_hop(text):
    return attribute(NEXT_HOP, ipaddress.ip_address(text).packed)


def reach(afi, safi, hop, nlri):
    return attribute(REACH, struct.pack("!HBB", afi, safi, len(hop)) + hop + b"\0" + nlri)


def unreach(afi, safi, nlri):
    return attribute(UNREACH, struct.pack("!HB", afi, safi) + nlri)


def update(attributes=b"", nlri=b"", withdrawn=b""):
    return message(2, struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes)) + attributes + nlri)


class Speaker:
    """A session from `source`, established when the constructor returns. families: pairs of AFI and SAFI; add_path: those of
    them whose prefixes carry a path identifier."""

    def __init__(self, port, source="127.0.0.5", asn=65001, router_id="10.0.0.9", families=((1, 1),), add_path=()):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
        self.port = self.socket.getsockname()[1]
        caps = b"".join(bytes([1, 4]) + struct.pack("!HBB", afi, 0, safi) for afi, safi in families)
        caps += bytes([65, 4]) + struct.pack("!I", asn)
        if add_path:
            caps += bytes([69, 4 * len(add_path)]) + b"".join(struct.pack("!HBB", afi, safi, 3) for afi, safi in add_path)
        body = struct.pack("!BHH", 4, min(asn, 23456) if asn > 65535 else asn, 180) + ipaddress.ip_address(router_id).packed
        self.socket.sendall(message(1, body + bytes([len(caps) + 2, 2, len(caps)]) + caps))
        assert self._hear() == 1, "no OPEN"
        self.socket.sendall(message(4))
        assert self._hear() == 4, "no KEEPALIVE"
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def _take(self, n):
        out = b""
        while len(out) < n:
            more = self.socket.recv(n - len(out))
            if not more:
                raise ConnectionError("the collector hung up")
            out += more
        return out

    def _hear(self):
        head = self._take(19)
        length, kind = struct.unpack("!HB", head[16:])
        self._take(length - 19)
        return kind

    def _drain(self):
        self.socket.settimeout(None)
        try:
            while True:
                self._hear()
        except OSError:
            pass

    def say(self, *messages):
        self.socket.sendall(b"".join(messages))

    def close(self):
        """As a speaker that ends in good order: CEASE."""
        try:
            self.socket.sendall(message(3, bytes([6, 2])))
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
