#!/usr/bin/python3
"""What `verdictctl inventory learn` proposes, and what it does not let itself be told. TAP."""
import json
import os
import socket
import subprocess
import tempfile

import live
from live import COMMAND, equal
import test_verdictctl_replay
from test_verdictctl_replay import field, message, packet, pcap, stream, write

NS, A = 2, 1
RESOLVER_RESPONSE, CLIENT_RESPONSE = 4, 6


def name_wire(name):
    return test_verdictctl_replay.name_wire(name) if name else b"\0"


def record(owner, kind, data):
    octets = name_wire(data) if kind == NS else socket.inet_aton(data)
    return name_wire(owner) + kind.to_bytes(2, "big") + b"\0\1\0\0\1\54" + len(octets).to_bytes(2, "big") + octets


def response(qname, authority=(), additional=(), answer=(), authoritative=False):
    wire = bytearray(message(qname, "A", ""))
    wire[2] = 0x84 if authoritative else 0x80
    wire[3] = 0
    wire[6:12] = b"".join(len(part).to_bytes(2, "big") for part in (answer, authority, additional))
    return bytes(wire) + b"".join(record(*one) for part in (answer, authority, additional) for one in part)


def frame(wire, server, zone, seconds=1700000000, kind=RESOLVER_RESPONSE):
    inner = field(1, kind) + field(5, socket.inet_aton(server)) + field(12, seconds) + field(14, wire)
    if zone is not None:
        inner += field(11, name_wire(zone))
    return field(15, 1) + field(14, inner)


def referral(server="ns1.bank.example", address="192.0.2.1", qname="www.bank.example", zone="bank.example", **more):
    return frame(response(qname, [(zone, NS, server)], [(server, A, address)]), "198.51.100.1", "example", **more)


def in_folder(test):
    def run():
        with tempfile.TemporaryDirectory(prefix="verdict") as folder:
            test(folder)
    run.__name__ = test.__name__
    return run


def learn(folder, *arguments, code=0, zone="bank.example"):
    done = subprocess.run([COMMAND, "inventory", "learn"] + (["--zone", zone] if zone else []) + list(arguments),
                          capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stderr if code == 0 else ""), (code, ""))
    if not code and "--json" not in arguments:
        path = write(folder, "made.conf", done.stdout)
        checked = subprocess.run([COMMAND, "check", "--config", path], capture_output=True, text=True, timeout=60)
        equal((checked.returncode, checked.stderr), (0, ""))
    return done


def clauses(text):
    """The lines that are no comments."""
    return [line.strip().replace('"', "") for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def clause(*lines):
    return ["approved-name-server:", "zone: bank.example", "action: observe"] + list(lines)


FRAMES = [referral(), referral(seconds=1700003600), referral("ns2.bank.example", "192.0.2.2"),
          referral("ns2.bank.example", "192.0.2.2"), referral("ns.crime.example", "203.0.113.66")]


@in_folder
def proposes_what_was_seen_twice_and_shows_what_was_seen_once(folder):
    text = learn(folder, write(folder, "f", stream(FRAMES))).stdout
    equal(clauses(text), clause("name-server: ns1.bank.example", "name-server: ns2.bank.example", "network: 192.0.2.1",
                                "network: 192.0.2.2"))
    equal('# seen once:\n\t# name-server: "ns.crime.example"' in text, True)
    equal("# 2 answers, 2023-11-14T22:13:20Z to 2023-11-14T23:13:20Z; at 192.0.2.1\n\tname-server: \"ns1" in text, True)


@in_folder
def the_order_of_a_recording_does_not_matter(folder):
    texts = {learn(folder, write(folder, "f", stream(order))).stdout for order in (FRAMES, FRAMES[::-1], FRAMES[2:] + FRAMES[:2])}
    equal(len(texts), 1)


@in_folder
def json_tells_the_same(folder):
    report = json.loads(learn(folder, "--json", write(folder, "f", stream(FRAMES))).stdout)
    found = {one["name"]: (one["answers"], one["proposed"], one.get("why_not")) for one in report["zones"][0]["servers"]}
    equal(found, {"ns1.bank.example": (2, True, None), "ns2.bank.example": (2, True, None),
                  "ns.crime.example": (1, False, "seen once")})
    equal((report["answers"], report["inputs"][0]["form"], report["inputs"][0]["records"]), (5, "dnstap", 5))


# why, frames that say something about bank.example that they have no business to say
LIES = (
    ("a server of another zone delegates", [frame(response("www.evil.example", [("bank.example", NS, "ns.evil.example")],
        [("ns.evil.example", A, "203.0.113.66")]), "203.0.113.66", "evil.example")] * 2),
    ("a server of a zone below delegates the zone", [frame(response("a.shop.bank.example", [("bank.example", NS, "ns.evil.example")]),
        "192.0.2.1", "shop.bank.example")] * 2),
    ("another zone has the server's name, with its own address", [frame(response("www.evil.example",
        [("evil.example", NS, "ns1.bank.example")], [("ns1.bank.example", A, "203.0.113.66")]), "203.0.113.66", "evil.example")] * 2),
    ("the zone's server speaks of another zone", [frame(response("www.bank.example", [("other.example", NS, "ns.evil.example")]),
        "192.0.2.1", "bank.example")] * 2),
    ("an additional record alone", [frame(response("www.bank.example", [], [("bank.example", NS, "ns.evil.example")]),
        "192.0.2.1", "bank.example")] * 2),
    ("the root", [frame(response("www.bank.example", [("", NS, "ns.evil.example")]), "192.0.2.1", "")] * 2),
    ("many servers in one answer are one answer", [frame(response("www.bank.example", [("bank.example", NS, "ns.evil.example")] * 5),
        "198.51.100.1", "example")]),
    ("a client's query", [frame(response("www.bank.example", [("bank.example", NS, "ns.evil.example")]), "192.0.2.1", None, kind=5)] * 2),
)


@in_folder
def others_have_no_say(folder):
    for why, lie in LIES:
        text = learn(folder, write(folder, "f", stream(FRAMES[:2] + lie))).stdout
        wanted = clause("name-server: ns1.bank.example", "network: 192.0.2.1")
        found = [line for line in clauses(text) if "203.0.113" in line or "evil" in line]
        equal((why, found), (why, []))
        equal((why, clauses(text)[:4] + clauses(text)[-1:]), (why, wanted[:4] + wanted[-1:]))


@in_folder
def a_server_without_an_address_takes_the_networks_away(folder):
    nowhere = frame(response("www.bank.example", [("bank.example", NS, "ns9.other.example")]), "198.51.100.1", "example")
    text = learn(folder, write(folder, "f", stream(FRAMES[:2] + [nowhere] * 2))).stdout
    equal(clauses(text), clause("name-server: ns1.bank.example", "name-server: ns9.other.example"))
    equal("# not every server's address is known:\n\t# network: 192.0.2.1" in text, True)
    asked = frame(response("ns9.other.example", answer=[("ns9.other.example", A, "192.0.2.9")]), "198.51.100.9", "other.example")
    text = learn(folder, write(folder, "f", stream(FRAMES[:2] + [nowhere, asked] * 2))).stdout
    equal(clauses(text)[3:], ["name-server: ns1.bank.example", "name-server: ns9.other.example", "network: 192.0.2.1", "network: 192.0.2.9"])


@in_folder
def zones_below_count_for_the_longest_wanted_one(folder):
    below = [referral("ns.cdn.example", "192.0.2.7", "a.shop.bank.example", "shop.bank.example")] * 2
    path = write(folder, "f", stream(FRAMES[:2] + below))
    equal(clauses(learn(folder, path).stdout)[3:5], ["name-server: ns.cdn.example", "name-server: ns1.bank.example"])
    equal("# with the servers of shop.bank.example\n" in learn(folder, path).stdout, True)
    both = learn(folder, "--zone", "shop.bank.example", path).stdout
    equal(clauses(both), clause("name-server: ns1.bank.example", "network: 192.0.2.1") + ["approved-name-server:",
        "zone: shop.bank.example", "action: observe", "name-server: ns.cdn.example", "network: 192.0.2.7"])


@in_folder
def finds_the_zones_that_are_asked_for_most(folder):
    frames = [referral(qname="www.%s.example" % name, zone=name + ".example") for name in ("a", "b", "b", "c", "c", "c")]
    text = learn(folder, "--top", "2", "--seen", "1", write(folder, "f", stream(frames)), zone=None).stdout
    equal([line for line in clauses(text) if line.startswith("zone")], ["zone: b.example", "zone: c.example"])
    listed = write(folder, "zones", "# mine\n\nc.example  # and no other\n")
    text = learn(folder, "--zones-from", listed, write(folder, "f", stream(frames)), zone=None).stdout
    equal([line for line in clauses(text) if line.startswith("zone")], ["zone: c.example"])


@in_folder
def networks_can_be_wider(folder):
    text = learn(folder, "--prefix-ipv4", "24", "--action", "refuse", write(folder, "f", stream(FRAMES[:4]))).stdout
    equal(clauses(text)[2:], ["action: refuse", "name-server: ns1.bank.example", "name-server: ns2.bank.example", "network: 192.0.2.0/24"])


@in_folder
def reads_packets_of_name_servers(folder):
    wire = response("www.bank.example", [("bank.example", NS, "ns1.bank.example")], [("ns1.bank.example", A, "192.0.2.53")],
                    authoritative=True)
    text = learn(folder, write(folder, "p", pcap([packet("192.0.2.99", wire)] * 2))).stdout
    equal(clauses(text), clause("name-server: ns1.bank.example", "network: 192.0.2.53"))


DUMP = """START_RRSET_CACHE
;rrset 86397 1 0 7 3
bank.example.\t86397\tIN\tNS\tns1.bank.example.
;rrset 86397 1 0 3 3
ns1.bank.example.\t86397\tIN\tA\t192.0.2.1
ns1.bank.example.\t86397\tIN\tAAAA\t2001:db8::1
bank.example.\t86397\tIN\tTXT\t"x IN NS ns.evil.example."
END_RRSET_CACHE
START_MSG_CACHE
bank.example.\t86397\tIN\tNS\tns.evil.example.
msg bank.example. IN A 33152 1 86397 3 1 1 1 -1
bank.example. IN NS 0
END_MSG_CACHE
EOF
"""


@in_folder
def reads_what_the_cache_holds(folder):
    text = learn(folder, "--seen", "1", write(folder, "d", DUMP)).stdout
    equal(clauses(text), clause("name-server: ns1.bank.example", "network: 192.0.2.1", "network: 2001:db8::1"))
    twice = [write(folder, "d", DUMP), write(folder, "e", DUMP)]
    equal(clauses(learn(folder, *twice).stdout), clauses(text))
    done = subprocess.run([COMMAND, "inventory", "learn", "--seen", "1", "--zone", "bank.example", "-"], input=DUMP.encode(),
                          capture_output=True, timeout=60)
    equal(clauses(done.stdout.decode()), clauses(text))


@in_folder
def a_dump_may_hold_anything(folder):
    hostile = DUMP.replace("END_RRSET", "x" * 100000 + "\nbank.example.\t1\tIN\tNS\t" + "a" * 70 + ".\nbank.example.\t1\tIN\tNS\n"
                           "bank.example.\tx\tIN\tA\t192.0.2.300\nEND_RRSET", 1)
    report = json.loads(learn(folder, "--json", write(folder, "d", hostile)).stdout)
    equal(report["inputs"][0]["skipped"], {"unreadable": 3})
    equal([one["name"] for one in report["zones"][0]["servers"]], ["ns1.bank.example"])
    learn(folder, write(folder, "d", "START_RRSET_CACHE\n" + "a b IN NS ..\n" * 3), code=3)
    learn(folder, write(folder, "d", "STARTS.example A\nSTART_RRSET.bank.example A\n"), code=1)


@in_folder
def odd_names_stay_names(folder):
    odd = referral('ns\\\"\n#.bank.example', "192.0.2.3")
    text = learn(folder, write(folder, "f", stream([odd, odd]))).stdout
    equal([line for line in clauses(text) if line.startswith("name-server")], ["name-server: ns\\092\\034\\010\\035.bank.example"])


@in_folder
def says_when_a_zone_was_not_seen(folder):
    done = learn(folder, "--zone", "other.example", write(folder, "f", stream(FRAMES)), code=1)
    equal("# other.example: no server was seen\n" in done.stdout, True)
    learn(folder, "--zone", ".", write(folder, "f", stream(FRAMES)), code=2)
    learn(folder, write(folder, "f", stream(FRAMES)), code=2, zone=None)
    learn(folder, os.path.join(folder, "nowhere"), code=3)


@in_folder
def what_was_recorded_is_no_intruder_afterwards(folder):
    recorded = write(folder, "f", stream(FRAMES[:4]))
    learn(folder, "--action", "refuse", recorded)

    def replayed(path):
        done = subprocess.run([COMMAND, "replay", "--servers", "--json", "--policy", os.path.join(folder, "made.conf"), path],
                              capture_output=True, text=True, timeout=60)
        report = json.loads(done.stdout)
        return report["records"], report["denied"], [one["list"] for one in report["lists"]]

    equal(replayed(recorded), (4, 0, []))
    swapped = [referral("ns.crime.example", "203.0.113.66"), referral(address="203.0.113.66")]
    equal(replayed(write(folder, "g", stream(FRAMES[:4] + swapped))), (6, 2, ["(name-server)"]))
    equal(replayed(write(folder, "d", DUMP.replace("ns1.bank", "ns.crime")))[1], 1)


if __name__ == "__main__":
    live.run([proposes_what_was_seen_twice_and_shows_what_was_seen_once, the_order_of_a_recording_does_not_matter,
              json_tells_the_same, others_have_no_say, a_server_without_an_address_takes_the_networks_away,
              zones_below_count_for_the_longest_wanted_one, finds_the_zones_that_are_asked_for_most,
              networks_can_be_wider, reads_packets_of_name_servers, reads_what_the_cache_holds,
              a_dump_may_hold_anything, odd_names_stay_names, says_when_a_zone_was_not_seen,
              what_was_recorded_is_no_intruder_afterwards])
