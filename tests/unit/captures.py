"""Captures of packets (pcap, pcapng) read by hand: the DNS messages in them, and what is in those, in Python alone."""
import base64
import ipaddress
import lzma
import struct
import time
import tarfile
import io

LAYERS = {0: 4, 1: 14, 101: 0, 113: 16, 228: 0, 229: 0}
# Names in the data of types that may be compressed: octets before them, how many, octets behind them.
FORMS = {2: (0, 1, 0), 3: (0, 1, 0), 4: (0, 1, 0), 5: (0, 1, 0), 6: (0, 2, 20), 7: (0, 1, 0), 8: (0, 1, 0), 9: (0, 1, 0),
         12: (0, 1, 0), 14: (0, 2, 0), 15: (2, 1, 0), 17: (0, 2, 0), 18: (2, 1, 0), 21: (2, 1, 0), 26: (2, 2, 0), 33: (6, 1, 0),
         36: (2, 1, 0), 39: (0, 1, 0)}


def pcap(octets):
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1000 if octets[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1
    layer, at = struct.unpack_from(order + "I", octets, 20)[0] & 0xffff, 24
    while at + 16 <= len(octets):
        seconds, fraction, count = struct.unpack_from(order + "III", octets, at)
        yield seconds * 1000000 + fraction // unit, layer, octets[at + 16:at + 16 + count]
        at += 16 + count


def resolution(options, order):
    """Of an interface's clock: units in a second."""
    at = 0
    while at + 4 <= len(options):
        code, count = struct.unpack_from(order + "HH", options, at)
        if code == 9:
            value = options[at + 4]
            return 2 ** (value & 127) if value & 128 else 10 ** value
        at += 4 + (count + 3) // 4 * 4
    return 1000000


def pcapng(octets):
    order, at, interfaces = "<", 0, []
    while at + 12 <= len(octets):
        kind = struct.unpack_from(order + "I", octets, at)[0]
        if kind == 0x0a0d0d0a:
            order, interfaces = "<" if octets[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">", []
        length = struct.unpack_from(order + "I", octets, at + 4)[0]
        body = octets[at + 8:at + length - 4]
        if kind == 1:
            interfaces.append((struct.unpack_from(order + "H", body)[0], resolution(body[8:], order)))
        elif kind == 6:
            number, high, low, count = struct.unpack_from(order + "IIII", body)
            layer, units = interfaces[number]
            yield (high << 32 | low) * 1000000 // units, layer, body[20:20 + count]
        at += length


def packets(octets):
    return pcapng(octets) if octets[:4] == b"\x0a\x0d\x0d\x0a" else pcap(octets)


def of_packet(layer, packet):
    """(source, port, destination, port, payload) of UDP at port 53."""
    at = LAYERS.get(layer)
    if at is None:
        return None
    if layer == 1:
        while packet[at - 2:at] == b"\x81\x00":
            at += 4
    if len(packet) < at + 20:
        return None
    if packet[at] >> 4 == 4:
        head, proto, size = (packet[at] & 15) * 4, packet[at + 9], 4
        source, broken = at + 12, struct.unpack_from("!H", packet, at + 6)[0] & 0x3fff
    else:
        head, proto, size, source, broken = 40, packet[at + 6], 16, at + 8, 0
    if packet[at] >> 4 not in (4, 6) or proto != 17 or broken or len(packet) < at + head + 8:
        return None
    ports = struct.unpack_from("!HHH", packet, at + head)
    addresses = [str(ipaddress.ip_address(packet[source + n * size:source + (n + 1) * size])) for n in (0, 1)]
    if 53 not in ports[:2] or ports[2] < 8:
        return None
    return addresses[0], ports[0], addresses[1], ports[1], packet[at + head + 8:at + head + ports[2]]


def messages(path):
    """(microseconds, client, its port, is it an answer, message) of all packets of a file, in its order."""
    if path.name.endswith(".tar.xz"):
        with tarfile.open(path) as archive:
            files = [archive.extractfile(one).read() for one in archive if one.isfile()]
    else:
        files = [lzma.open(path).read()]
    for octets in files:
        for at_us, layer, packet in packets(io.BytesIO(octets).getvalue()):
            found = of_packet(layer, packet)
            if found and len(found[4]) >= 12:
                answer = found[4][2] >> 7
                yield (at_us, found[2] if answer else found[0], found[3] if answer else found[1], answer == 1, found[4])


# --- messages

class Broken(Exception):
    pass


def name(octets, at, end=None):
    """Labels in small letters, and where the name ends; Broken: it is none."""
    labels, used, behind, end = [], 1, None, len(octets) if end is None else end
    while True:
        if at >= end:
            raise Broken
        count = octets[at]
        if count >= 192:
            if end - at < 2 or ((count & 63) << 8 | octets[at + 1]) >= at:
                raise Broken
            behind = at + 2 if behind is None else behind
            at = (count & 63) << 8 | octets[at + 1]
            continue
        if count == 0:
            return labels, at + 1 if behind is None else behind
        if count > 63 or at + 1 + count > end or used + 1 + count > 255:
            raise Broken
        labels.append(octets[at + 1:at + 1 + count].lower())
        used += 1 + count
        at += 1 + count


def behind_name(octets, at):
    """Without a look at what it points to."""
    while at < len(octets) and 0 < octets[at] < 64:
        at += 1 + octets[at]
    if at >= len(octets) or 63 < octets[at] < 192 or (octets[at] >= 192 and at + 2 > len(octets)):
        raise Broken
    return at + (2 if octets[at] >= 192 else 1)


def wire(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Message:
    """error: what is in it cannot be read, or only the question."""
    def __init__(self, octets):
        self.id, self.flags, questions, *counts = struct.unpack_from("!HHHHHH", octets)
        self.rcode, self.error, self.question, self.sections = self.flags & 15, False, None, [[], [], []]
        at, edns = 12, False
        try:
            for number in range(questions):
                end = behind_name(octets, at)
                if end + 4 > len(octets):
                    raise Broken
                if number == 0:
                    self.question = (name(octets, at)[0], *struct.unpack_from("!HH", octets, end))
                at = end + 4
            for section, count in zip(self.sections, counts):
                for _ in range(count):
                    end = behind_name(octets, at)
                    if end + 10 > len(octets):
                        raise Broken
                    rtype, rclass, ttl, size = struct.unpack_from("!HHIH", octets, end)
                    if end + 10 + size > len(octets):
                        raise Broken
                    if rtype == 41 and not edns:
                        self.rcode, edns = self.rcode | ttl >> 24 << 4, True
                    if rclass == 1 and rtype != 41:
                        section += self.record(octets, at, rtype, ttl, end + 10, size)
                    at = end + 10 + size
        except Broken:
            self.error = True

    @staticmethod
    def record(octets, at, rtype, ttl, data, size):
        """[(owner, type, ttl, data)], names in the data whole; [] of what has not the form of its type."""
        try:
            owner, _ = name(octets, at)
            if rtype in FORMS:
                before, names, behind = FORMS[rtype]
                whole, end = octets[data:data + before], data + before
                for _ in range(names if size >= before else 99):
                    labels, end = name(octets, end, data + size)
                    whole += wire(labels)
                if end + behind != data + size:
                    return []
                return [(owner, rtype, ttl, whole + octets[end:data + size])]
        except Broken:
            return []
        if size != {1: 4, 28: 16}.get(rtype, size):
            return []
        return [(owner, rtype, ttl, octets[data:data + size])]


# --- data as text (RFC 1035 section 5.1)

def label_text(label):
    return "".join(chr(o) if 32 < o < 127 and chr(o) not in ".\\();" else "\\" + chr(o) if 32 < o < 127 else "\\%03d" % o
                   for o in label)


def name_text(labels):
    return ".".join(map(label_text, labels)) or "."


def unknown(data):
    """RFC 3597."""
    return "\\# %d %s" % (len(data), data.hex())


def strings_text(data):
    texts, at = [], 0
    while at < len(data):
        label = data[at + 1:at + 1 + data[at]]
        if len(label) < data[at]:
            return unknown(data)
        texts.append('"%s"' % "".join("\\" + chr(o) if o in b'"\\' else chr(o) if 32 <= o < 127 else "\\%03d" % o for o in label))
        at += 1 + data[at]
    return " ".join(texts)


def absolute(labels):
    return name_text(labels) + ("." if labels else "")


def soa_text(data):
    server, at = name(data, 0)
    mailbox, at = name(data, at)
    return "%s %s %d %d %d %d %d" % (absolute(server), absolute(mailbox), *struct.unpack_from("!IIIII", data, at))


def type_text(number):
    return MNEMONICS.get(number, "TYPE%d" % number)


def rrsig_text(data):
    covered, algorithm, labels, ttl, end, begin, tag = struct.unpack_from("!HBBIIIH", data)
    signer, at = name(data, 18)
    moments = [time.strftime("%Y%m%d%H%M%S", time.gmtime(moment)) for moment in (end, begin)]
    return "%s %d %d %d %s %d %s %s" % (type_text(covered), algorithm, labels, ttl, " ".join(moments), tag, absolute(signer),
                                        base64.b64encode(data[at:]).decode())


def nsec_text(data):
    """Each type has a blank behind it; a bitmap that is not whole, or not in order, has no text."""
    labels, at = name(data, 0)
    types, window = [], -1
    while at < len(data):
        if at + 2 > len(data) or data[at] <= window or not 1 <= data[at + 1] <= min(32, len(data) - at - 2):
            return None
        window = data[at]
        bits = data[at + 2:at + 2 + data[at + 1]]
        types += [data[at] * 256 + n for n in range(8 * len(bits)) if bits[n // 8] & 128 >> n % 8]
        at += 2 + len(bits)
    return "%s %s" % (absolute(labels), "".join(type_text(one) + " " for one in types))


def caa_text(data):
    return '%d %s "%s"' % (data[0], data[2:2 + data[1]].decode(), data[2 + data[1]:].decode())


def ds_text(data):
    return ("%d %d %d %s" % (*struct.unpack_from("!HBB", data), data[4:].hex())).rstrip()


def https_text(data):
    """Of its parameters alpn and hints of addresses."""
    labels, at = name(data, 2)
    words = ["%d %s" % (struct.unpack_from("!H", data)[0], absolute(labels) if labels else ".")]
    while at < len(data):
        key, count = struct.unpack_from("!HH", data, at)
        value, at = data[at + 4:at + 4 + count], at + 4 + count
        if key == 1:
            parts, from_ = [], 0
            while from_ < count:
                parts.append(value[from_ + 1:from_ + 1 + value[from_]].decode())
                from_ += 1 + value[from_]
            words.append("alpn=" + ",".join(parts))
        else:
            size = {4: 4, 6: 16}[key]
            words.append("ipv%dhint=%s" % (key, ",".join(str(ipaddress.ip_address(value[n:n + size]))
                                           for n in range(0, count, size))))
    return " ".join(words)


MNEMONICS = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 43: "DS", 46: "RRSIG", 47: "NSEC",
             257: "CAA"}
WRITERS = {6: soa_text, 43: ds_text, 46: rrsig_text, 47: nsec_text, 65: https_text, 257: caa_text}


def data_text(rtype, data):
    """None: of a type that is not written here."""
    if rtype in (1, 28):
        return str(ipaddress.ip_address(data))
    if rtype in (2, 5, 12, 39):
        return name_text(name(data, 0)[0])
    if rtype == 15:
        labels = name(data, 2)[0]
        return "%d %s" % (struct.unpack_from("!H", data)[0], name_text(labels) + ("." if labels else ""))
    if rtype == 16:
        return strings_text(data)
    try:
        return WRITERS[rtype](data) if rtype in WRITERS else None
    except (struct.error, IndexError, KeyError, Broken):
        return None


# --- registrable domains (publicsuffix.org/list)

class Suffixes:
    def __init__(self, path):
        self.rules = set()
        for line in path.read_text(encoding="utf-8").splitlines():
            rule = line.split("//")[0].strip().split(" ")[0]
            if rule:
                self.rules.add(rule if rule.isascii() else rule.encode("idna").decode())

    def domain(self, text):
        labels = text.split(".")
        best = 1
        for at in range(len(labels)):
            rest = ".".join(labels[at:])
            if "!" + rest in self.rules:
                best = len(labels) - at - 1
                break
            if rest in self.rules or (at + 1 < len(labels) and "*." + ".".join(labels[at + 1:]) in self.rules):
                best = max(best, len(labels) - at)
        return ".".join(labels[-best - 1:]) if len(labels) > best else None
