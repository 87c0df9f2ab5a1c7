#!/usr/bin/python3
"""What `verdictctl replay` says of recordings in each form. TAP."""
import json
import os
import random
import socket
import struct
import subprocess
import tempfile

import live
from live import COMMAND, equal

POLICY = """client-group:
 name: branch
 network: 10.0.0.0/8
policy-list:
 name: good
 file: good.txt
 action: pass
policy-list:
 name: names
 file: names.txt
 action: refuse
policy-list:
 name: addresses
 file: addresses.txt
 format: cidr
policy-list:
 name: staff
 file: staff.txt
 group: branch
policy-list:
 name: watched
 file: watched.txt
 action: observe
"""
FILES = {
    "v.conf": POLICY, "good.txt": "fine.evil.example\n", "names.txt": "evil.example\ncdn.bad.example\n",
    "addresses.txt": "198.51.100.0/24\n2001:db8:bad::/48\n", "staff.txt": "games.example\n", "watched.txt": "odd.example\n",
}
# client, name, type, records as text, what is decided and by which list
ROWS = (
    ("192.0.2.1", "www.example", "A", "A 60 192.0.2.80", "allow", ""),
    ("192.0.2.1", "a.evil.example", "A", "A 60 192.0.2.80", "refuse", "names"),
    ("192.0.2.1", "fine.evil.example", "A", "A 60 192.0.2.80", "pass", "good"),
    ("192.0.2.2", "www.shop.example", "A", "CNAME 60 x.cdn.bad.example; A 60 192.0.2.80", "refuse", "names"),
    ("192.0.2.2", "pictures.example", "A", "A 60 192.0.2.80; A 60 198.51.100.7", "nxdomain", "addresses"),
    ("2001:db8::1", "six.example", "AAAA", "AAAA 60 2001:db8:bad::7", "nxdomain", "addresses"),
    ("10.1.2.3", "games.example", "A", "A 60 192.0.2.80", "nxdomain", "staff"),
    ("192.0.2.3", "games.example", "A", "A 60 192.0.2.80", "allow", ""),
    ("192.0.2.3", "odd.example", "MX", "MX 60 10 mail.odd.example.", "observe", "watched"),
    ("192.0.2.3", "empty.example", "A", "", "allow", ""),
)


def in_folder(test):
    def run():
        with tempfile.TemporaryDirectory(prefix="verdict") as folder:
            for name, text in FILES.items():
                with open(os.path.join(folder, name), "w") as file:
                    file.write(text)
            test(folder)
    run.__name__ = test.__name__
    return run


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def replay(folder, *arguments, code=0, **more):
    done = subprocess.run([COMMAND, "replay", "--policy", os.path.join(folder, "v.conf"), *arguments], capture_output=True,
                          timeout=120, **more)
    equal((done.returncode, done.stderr.decode() if code == 0 else ""), (code, ""))
    return done


def decided(folder, *arguments):
    lines = [line.split("\t") for line in replay(folder, "--each", *arguments).stdout.decode().splitlines()]
    return [(line[1], line[2].rstrip("."), line[3], line[4], line[5]) for line in lines]


def wanted(rows=ROWS):
    return [(client, name, kind, verdict, listed) for client, name, kind, _, verdict, listed in rows]


def text():
    return "time\tclient\tqname\tqtype\trcode\tanswers\n" + "".join(
        "1.5\t%s\t%s\t%s\t0\t%s\n" % row[:4] for row in ROWS)


# --- packets

TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}


def name_wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def record_wire(owner, text):
    kind, ttl, *data = text.split()
    if kind == "A":
        octets = socket.inet_aton(data[0])
    elif kind == "AAAA":
        octets = socket.inet_pton(socket.AF_INET6, data[0])
    elif kind == "MX":
        octets = struct.pack(">H", int(data[0])) + name_wire(data[1])
    else:
        octets = name_wire(data[0])
    return owner + struct.pack(">HHIH", TYPES[kind], 1, int(ttl), len(octets)) + octets


def message(name, kind, answers, response=True):
    """The owner of what stands behind a CNAME points into its data, as servers compress it."""
    wire = struct.pack(">HHHHHH", 7, 0x8180 if response else 0x0100, 1, 0, 0, 0) + name_wire(name) + struct.pack(
        ">HH", TYPES[kind], 1)
    owner, count = b"\xc0\x0c", 0
    for text_of in (answers.split("; ") if answers and response else ()):
        octets = record_wire(owner, text_of)
        if text_of.startswith("CNAME"):
            owner = struct.pack(">H", 0xc000 | len(wire) + len(octets) - len(name_wire(text_of.split()[2])))
        wire += octets
        count += 1
    return wire[:6] + struct.pack(">H", count) + wire[8:]


def packet(client, payload, response=True, tcp=False):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    here = socket.inet_pton(family, "2001:db8::53" if ":" in client else "192.0.2.53")
    there = socket.inet_pton(family, client)
    ports = (53, 40000) if response else (40000, 53)
    if tcp:
        payload = struct.pack(">HHIIBBHHH", *ports, 1, 1, 5 << 4, 0x18, 512, 0, 0) + struct.pack(">H", len(payload)) + payload
    else:
        payload = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    ends = here + there if response else there + here
    protocol = 6 if tcp else 17
    if family == socket.AF_INET6:
        ip, kind = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + ends, 0x86dd
    else:
        ip, kind = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + ends, 0x0800
    return b"\0" * 12 + struct.pack(">HHH", 0x8100, 5, kind) + ip + payload   # in a VLAN


def pcap(packets):
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + b"".join(
        struct.pack("<IIII", 1, 0, len(octets), len(octets)) + octets for octets in packets)


def all_packets():
    return [packet(client, message(name, kind, answers), tcp=number % 3 == 0)
            for number, (client, name, kind, answers, _, _) in enumerate(ROWS)]


# --- dnstap

def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(client, wire, kind=6):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    inner = field(1, kind) + field(4, socket.inet_pton(family, client)) + field(14 if kind % 2 == 0 else 10, wire)
    return field(15, 1) + field(14, inner)


def stream(frames):
    kind = b"protobuf:dnstap.Dnstap"
    start = struct.pack(">III", 2, 1, len(kind)) + kind
    out = struct.pack(">II", 0, len(start)) + start
    for octets in frames:
        out += struct.pack(">I", len(octets)) + octets
    return out + struct.pack(">III", 0, 4, 3)


def all_frames():
    return [frame(client, message(name, kind, answers)) for client, name, kind, answers, _, _ in ROWS]


# --- claims

@in_folder
def judges_question_and_answer_of_a_text(folder):
    equal(decided(folder, write(folder, "t.tsv", text())), wanted())


@in_folder
def judges_packets_alike(folder):
    equal(decided(folder, write(folder, "t.pcap", pcap(all_packets()))), wanted())


@in_folder
def judges_frames_alike(folder):
    equal(decided(folder, write(folder, "t.fstrm", stream(all_frames()))), wanted())


@in_folder
def reads_standard_input(folder):
    done = replay(folder, "--each", "-", input=stream(all_frames()))
    equal(len(done.stdout.splitlines()), len(ROWS))


@in_folder
def judges_the_question_where_that_is_all_there_is(folder):
    path = write(folder, "q", "a.evil.example A\nwww.shop.example A\n\n# nothing\ngames.example\n")
    equal([row[3] for row in decided(folder, path)], ["refuse", "allow", "allow"])


@in_folder
def agrees_with_explain(folder):
    for client, name, kind, answers, verdict, _ in ROWS:
        records, owner = [], name
        for answer in answers.split("; ") if answers else ():
            rtype, ttl, data = answer.split(" ", 2)
            records += ["--answer", "%s. %s %s %s" % (owner, ttl, rtype, data + "." if rtype == "CNAME" else data)]
            owner = data if rtype == "CNAME" else owner
        done = subprocess.run([COMMAND, "explain", "--config", os.path.join(folder, "v.conf"), "--json", "--client", client,
                               *records, name, kind], capture_output=True, text=True, timeout=60)
        equal((name, json.loads(done.stdout)["verdict"]), (name, verdict))


@in_folder
def counts(folder):
    path = write(folder, "t.tsv", text().rstrip("\n") + "\n\tgroup=branch\tgames.example\tA\t\t\t40\nx y z\tq\n")
    report = json.loads(replay(folder, "--json", "--top", "2", path).stdout)
    equal(report["records"], len(ROWS) + 40)
    equal(report["verdicts"], {"allow": 3, "pass": 1, "observe": 1, "nxdomain": 43, "refuse": 2})
    equal(report["denied"], 45)
    equal([(row["list"], row["action"], row["count"]) for row in report["lists"]],
          [("staff", "nxdomain", 41), ("addresses", "nxdomain", 2), ("names", "refuse", 2), ("watched", "observe", 1),
           ("good", "pass", 1)] if report["lists"][3]["list"] == "watched" else
          [("staff", "nxdomain", 41), ("addresses", "nxdomain", 2), ("names", "refuse", 2), ("good", "pass", 1),
           ("watched", "observe", 1)])
    equal(report["names"], [{"name": "games.example", "count": 41}, {"name": "a.evil.example", "count": 1}])
    equal([(row["group"], row["records"], row["denied"]) for row in report["groups"]],
          [("default", len(ROWS) - 1, 4), ("branch", 41, 41)])
    equal(report["inputs"][0]["skipped"], {"unreadable": 1})
    equal(report["inputs"][0]["first_unreadable"], len(ROWS) + 3)


@in_folder
def prints_the_same_each_time(folder):
    path = write(folder, "t.tsv", text())
    equal(replay(folder, path).stdout, replay(folder, path).stdout)
    equal(b"names that are denied most" in replay(folder, path).stdout, True)


@in_folder
def says_what_it_leaves_out(folder):
    queries = [packet("192.0.2.1", message("a.evil.example", "A", "", False), False)]
    other = [b"\0" * 12 + b"\x08\x06" + b"arp"]
    fragment = bytearray(packet("192.0.2.1", message("a.evil.example", "A", "")))
    fragment[18 + 6] = 0x20
    path = write(folder, "t.pcap", pcap(all_packets() + queries + other + [bytes(fragment)] + [b"\0" * 20]))
    report = json.loads(replay(folder, "--json", path).stdout)
    equal(report["records"], len(ROWS))
    equal(report["inputs"][0]["skipped"], {"not-dns": 2, "query": 1, "fragment": 1})
    report = json.loads(replay(folder, "--json", "--queries", path).stdout)
    equal((report["records"], report["verdicts"]), (1, {"refuse": 1}))


@in_folder
def names_what_it_cannot_read(folder):
    done = replay(folder, os.path.join(folder, "nowhere"), code=3)
    equal(b"nowhere: No such file" in done.stderr, True)
    whole = stream(all_frames())
    done = replay(folder, "--json", write(folder, "bad.fstrm", whole[:200] + b"\xff" * 60), code=3)
    equal(b"bad.fstrm: at octet" in done.stderr, True)
    equal(json.loads(done.stdout)["records"] > 0, True)
    done = replay(folder, write(folder, "bad.pcap", pcap(all_packets())[:-3]), code=3)
    equal(b"bad.pcap: behind packet 9" in done.stderr, True)


@in_folder
def survives_damage(folder):
    chance = random.Random(int(os.environ.get("SEED", "3")))
    inputs = (text().encode(), pcap(all_packets()), stream(all_frames()))
    for round_ in range(150):
        octets = bytearray(inputs[round_ % 3])
        for _ in range(chance.randrange(1, 12)):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        path = write(folder, "damaged", bytes(octets[:chance.randrange(1, len(octets) + 1)]))
        done = subprocess.run([COMMAND, "replay", "--policy", os.path.join(folder, "v.conf"), path], capture_output=True,
                              timeout=60)
        if done.returncode not in (0, 3):
            raise AssertionError("round %d ended with %d: %s" % (round_, done.returncode, done.stderr))


if __name__ == "__main__":
    live.run([judges_question_and_answer_of_a_text, judges_packets_alike, judges_frames_alike, reads_standard_input,
              judges_the_question_where_that_is_all_there_is, agrees_with_explain, counts, prints_the_same_each_time,
              says_what_it_leaves_out, names_what_it_cannot_read, survives_damage])
