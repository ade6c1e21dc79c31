"""NetFlow v9 datagrams made of a list of flows, for tests that need exactly these addresses and fields."""
import ipaddress
import socket
import struct
import time

# name: (information element, bytes); addresses take their element from their family
FIELDS = {
    "src": {4: (8, 4), 6: (27, 16)}, "dst": {4: (12, 4), 6: (28, 16)},
    "bgp_next_hop": {4: (18, 4), 6: (63, 16)}, "ip_next_hop": {4: (15, 4), 6: (62, 16)},
    "bytes": (1, 4), "packets": (2, 4), "proto": (4, 1), "src_port": (7, 2), "dst_port": (11, 2), "in_iface": (10, 4), "out_iface": (14, 4),
    "src_as": (16, 4), "dst_as": (17, 4), "src_mask": (9, 1), "dst_mask": (13, 1), "peer_dst_as": (128, 4), "peer_src_as": (129, 4),
    "rd": (90, 8), "in_vrf": (234, 4), "out_vrf": (235, 4),
}


def _value(name, value, width):
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return ipaddress.ip_address(value).packed
    return value.to_bytes(width, "big")


def _element(name, value):
    row = FIELDS[name]
    return row[ipaddress.ip_address(value).version] if isinstance(row, dict) else row


def datagrams(flows, source_id=0):
    """Per flow one template and one record, so that each may have its own fields; times are left out."""
    for number, flow in enumerate(flows):
        flow = {"bytes": 1000, "packets": 1, "proto": 17, **flow}
        fields = [(*_element(name, value), name, value) for name, value in flow.items()]
        template = struct.pack("!HH", 256 + number, len(fields)) + b"".join(struct.pack("!HH", ie, width) for ie, width, _, _ in fields)
        record = b"".join(_value(name, value, width) for _, width, name, value in fields)
        record += bytes(-len(record) % 4)
        sets = struct.pack("!HH", 0, 4 + len(template)) + template + struct.pack("!HH", 256 + number, 4 + len(record)) + record
        yield struct.pack("!HHIIII", 9, 2, 60000, int(time.time()), number, source_id) + sets


def send(port, flows, source="127.0.0.1", to="127.0.0.1", source_id=0):
    """Sends the flows to a collector, from an address of the exporter's."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        out.bind((source, 0))
        for one in datagrams(flows, source_id):
            out.sendto(one, (to, port))
            time.sleep(0.001)
