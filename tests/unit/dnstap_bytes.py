"""dnstap frames as bytes, written without any of the code under test: protobuf, DNS and Frame Streams by hand."""
import ipaddress
import json
import struct

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """An integer as a varint, a Fixed as fixed32, octets or text as they are."""
    if isinstance(value, Fixed):
        return varint(number << 3 | 5) + struct.pack("<I", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


class Fixed(int):
    pass


def message(fields):
    return b"".join(field(number, value) for number, value in fields if value is not None)


def name(labels):
    """`labels` is text with dots, or a list of octet strings."""
    if isinstance(labels, str):
        labels = [label.encode() for label in labels.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, rtype, rdata, ttl=300):
    return name(owner) + struct.pack("!HHIH", rtype, 1, ttl, len(rdata)) + rdata


def edns(*options):
    data = b"".join(struct.pack("!HH", code, len(octets)) + octets for code, octets in options)
    return b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(data)) + data


def dns(qname, qtype=1, rcode=0, answers=(), additional=(), response=True, authority=(), ident=4711):
    flags = (0x8180 if response else 0x0100) | rcode
    return struct.pack("!HHHHHH", ident, flags, 1, len(answers), len(authority), len(additional)) + \
        name(qname) + struct.pack("!HH", qtype, 1) + b"".join(answers) + b"".join(authority) + b"".join(additional)


def frame(kind=6, client="10.0.0.7", protocol=1, response=None, query=None, extra=None, policy=None,
          identity="resolver-1", query_time=1700000000, response_time=1700000000, ns=123456789, unknown=None, zone=None,
          port=5353, query_ns=None):
    if isinstance(extra, dict):
        extra = json.dumps(extra, separators=(",", ":"))
    body = message([
        (1, kind), (2, 2 if client and ":" in client else 1), (3, protocol),
        (4, ipaddress.ip_address(client).packed if client else None),
        (5, ipaddress.ip_address("192.0.2.53").packed), (6, port), (7, 53),
        (8, query_time), (9, Fixed(ns - 2100000 if query_ns is None else query_ns) if query_time is not None else None), (10, query),
        (11, None if zone is None else name(zone)),
        (12, response_time), (13, Fixed(ns) if response_time is not None else None), (14, response), (15, policy),
        (100, unknown),
    ])
    return message([(1, identity), (2, "unbound-verdict 0.1.0"), (3, extra), (14, body), (15, 1)])


def policy(kind="list", rule="malware:*.evil.example", action=1, match=1, value="www.evil.example"):
    return message([(1, kind), (2, rule), (3, action), (4, match), (5, value)])


def extra(verdict="nxdomain", path="resolved", **more):
    return {"v": 1, "boot": "3f2a9c1b7d40", "worker": 1, "seq": 17, "path": path, "verdict": verdict, **more}


def control(kind, content_type=CONTENT_TYPE):
    body = struct.pack("!I", kind)
    if content_type is not None:
        body += struct.pack("!II", 1, len(content_type)) + content_type
    return struct.pack("!II", 0, len(body)) + body


def data(octets):
    return struct.pack("!I", len(octets)) + octets


def stream(*frames, stop=True):
    return control(START) + b"".join(data(octets) for octets in frames) + (control(STOP, None) if stop else b"")
