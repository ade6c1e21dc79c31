"""A small BGP speaker for tests: it connects, announces what it is told, and answers nothing else.

It makes the corners that full speakers will not make on request (paths that end in sets, confederations, several paths
under one next hop, route distinguishers), and both collectors of a differential test get the same bytes from it.
"""
import ipaddress
import socket
import struct
import threading
import time

MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
SET, SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4

# (AFI, SAFI) by name
FAMILIES = {"ipv4": (1, 1), "ipv6": (2, 1), "ipv4 labeled": (1, 4), "ipv6 labeled": (2, 4), "vpnv4": (1, 128), "vpnv6": (2, 128)}


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def attribute(flags, code, value):
    if len(value) > 255:
        return struct.pack("!BBH", flags | 0x10, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def as_path(path):
    """A list of AS numbers, or of (segment type, [AS numbers])."""
    segments = path if path and isinstance(path[0], tuple) else [(SEQUENCE, path)] if path else []
    return b"".join(struct.pack("!BB", kind, len(asns)) + b"".join(struct.pack("!I", asn) for asn in asns) for kind, asns in segments)


def standard(text):
    high, low = (int(word) for word in text.split(":"))
    return struct.pack("!HH", high, low)


def route_target(text):
    high, low = (int(word) for word in text.split(":"))
    return struct.pack("!BBHI", 0, 2, high, low)


def large(text):
    return struct.pack("!III", *(int(word) for word in text.split(":")))


def rd(text):
    kind, admin, value = text.split(":")
    if kind == "0":
        return struct.pack("!HHI", 0, int(admin), int(value))
    if kind == "1":
        return struct.pack("!H", 1) + socket.inet_aton(admin) + struct.pack("!H", int(value))
    return struct.pack("!HIH", 2, int(admin), int(value))


def nlri(prefix, family, path_id=None, label=None, distinguisher=None):
    net = ipaddress.ip_network(prefix)
    before, bits = b"", net.prefixlen
    if label is not None:
        before, bits = struct.pack("!I", label << 4 | 1)[1:], bits + 24
    if distinguisher:
        before, bits = before + rd(distinguisher), bits + 64
    octets = net.network_address.packed[:(net.prefixlen + 7) // 8]
    return (b"" if path_id is None else struct.pack("!I", path_id)) + bytes([bits]) + before + octets


def update(prefix, next_hop, path=(), family=None, origin=0, local_pref=None, med=None, comms=(), ecomms=(), lcomms=(), path_id=None,
           label=None, distinguisher=None):
    """The UPDATE that announces one prefix."""
    family = family or ("ipv6" if ":" in prefix else "ipv4")
    hop = ipaddress.ip_address(next_hop).packed
    attrs = attribute(0x40, 1, bytes([origin])) + attribute(0x40, 2, as_path(list(path)))
    item = nlri(prefix, family, path_id, label, distinguisher)
    if family == "ipv4":
        attrs += attribute(0x40, 3, hop)
    if med is not None:
        attrs += attribute(0x80, 4, struct.pack("!I", med))
    if local_pref is not None:
        attrs += attribute(0x40, 5, struct.pack("!I", local_pref))
    for code, lists, one in ((8, comms, standard), (16, ecomms, route_target), (32, lcomms, large)):
        if lists:
            attrs += attribute(0xc0, code, b"".join(one(text) for text in lists))
    if family != "ipv4":
        hop = bytes(8) + hop if family.startswith("vpn") else hop
        attrs += attribute(0x80, 14, struct.pack("!HBB", *FAMILIES[family], len(hop)) + hop + b"\0" + item)
        item = b""
    return message(UPDATE, struct.pack("!HH", 0, len(attrs)) + attrs + item)


def withdrawal(prefix):
    """Takes an IPv4 unicast prefix back."""
    item = nlri(prefix, "ipv4")
    return message(UPDATE, struct.pack("!H", len(item)) + item + b"\0\0")


class Speaker:
    """A session from `source` to a collector's `port`. Use as a context manager."""

    def __init__(self, port, source="127.0.0.1", asn=64500, router_id=None, families=("ipv4", "ipv6"), add_path=(), to="127.0.0.1",
                 hold=180):
        self.asn, self.families, self.add_path = asn, families, add_path
        self.router_id = router_id or source
        self.lock, self.closed, self.error = threading.Lock(), False, None
        self.socket = self._connect(to, port, source)
        self.socket.sendall(self._open(hold))
        self.established = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @staticmethod
    def _connect(to, port, source, seconds=15):
        deadline = time.monotonic() + seconds
        while True:
            try:
                return socket.create_connection((to, port), 5, (source, 0))
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _open(self, hold):
        def capability(code, value):
            return struct.pack("!BB", code, len(value)) + value
        caps = b"".join(capability(1, struct.pack("!HBB", afi, 0, safi)) for afi, safi in (FAMILIES[f] for f in self.families))
        caps += capability(65, struct.pack("!I", self.asn))
        if self.add_path:
            caps += capability(69, b"".join(struct.pack("!HBB", *FAMILIES[f], 3) for f in self.add_path))
        options = struct.pack("!BB", 2, len(caps)) + caps
        asn2 = self.asn if self.asn < 65536 else 23456
        return message(OPEN, struct.pack("!BHH4sB", 4, asn2, hold, socket.inet_aton(self.router_id), len(options)) + options)

    def _exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.socket.recv(n - len(got))
            if not more:
                raise OSError("the collector closed the session")
            got += more
        return got

    def _read(self):
        try:
            self.socket.settimeout(1)
            last = time.monotonic()
            while not self.closed:
                try:
                    head = self._exactly(19)
                except socket.timeout:
                    head = None
                if time.monotonic() - last > 5 and self.established.is_set():
                    last = time.monotonic()
                    self.send(message(KEEPALIVE))
                if not head:
                    continue
                length, kind = struct.unpack("!HB", head[16:])
                body = self._exactly(length - 19)
                if kind == OPEN:
                    self.send(message(KEEPALIVE))
                elif kind == KEEPALIVE:
                    self.established.set()
                elif kind == NOTIFICATION:
                    raise OSError(f"NOTIFICATION {body[0]}/{body[1]}")
        except OSError as error:
            self.error = error

    def send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def announce(self, prefix, next_hop, path=(), **more):
        self.send(update(prefix, next_hop, path, **more))

    def withdraw(self, prefix):
        self.send(withdrawal(prefix))

    def end_of_rib(self):
        for family in self.families:
            body = bytes(4) if family == "ipv4" else b"\0\0" + struct.pack("!H", 6) + attribute(0x80, 15, struct.pack("!HB", *FAMILIES[family]))
            self.send(message(UPDATE, body))

    def __enter__(self):
        if not self.established.wait(10):
            raise AssertionError(f"no session: {self.error}")
        return self

    def __exit__(self, *_):
        self.closed = True
        self.socket.close()
        self.reader.join(5)
