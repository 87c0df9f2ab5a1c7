#!/usr/bin/python3
"""What replay says of recorded answers is what the resolver said when it gave them.

The resolver judges in shadow, so that its frames carry the real answers beside what the policy would have done; the
same policy in force then judges those frames, and the same answers as text and packets, which are written here.
"""

import json
import os
import random
import socket
import struct
import subprocess

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

import frames
import lab
import tap

SEED = int(os.environ.get("VERDICT_SEED", "1"))
QUESTIONS = 400
ZONES = {"example": """$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
@ MX 10 mail.evil
ns A 127.0.0.1
www A 192.0.2.80
www AAAA 2001:db8::80
two A 192.0.2.81
two A 198.51.100.7
six AAAA 2001:db8:bad::7
mapped AAAA ::ffff:198.51.100.9
to-www CNAME www
to-two CNAME two
to-evil CNAME a.evil
to-far CNAME to-evil
to-fine CNAME fine.evil
tree DNAME evil
a.evil A 192.0.2.82
fine.evil A 198.51.100.8
mail MX 5 mail.evil
mail MX 20 www
srv SRV 0 0 443 a.evil
https HTTPS 1 . ipv4hint=198.51.100.10
svc SVCB 1 www.evil ipv6hint=2001:db8::1
text TXT "auth: a; A 1 198.51.100.1"
caa CAA 0 issue "evil.example"
games A 192.0.2.83
watched A 192.0.2.84
local A 192.0.2.85
odd\\.label A 192.0.2.86
* A 192.0.2.87
"""}
GROUPS = "client-group:\n\tname: branch\n\tnetwork: 127.0.10.0/24\n"
LISTS = [
	{"name": "good", "format": "domains", "action": "pass", "lines": ["fine.evil.example"]},
	{"name": "names", "format": "domains", "action": "refuse", "lines": ["evil.example"]},
	{"name": "staff", "format": "domains", "group": "branch", "lines": ["games.example"]},
	{"name": "rpz", "format": "rpz", "lines": ["$TTL 77", "@ SOA localhost. root.localhost. 42 1 1 1 1", "@ NS localhost.",
		"local.example A 192.0.2.1", "32.9.20.0.127.rpz-client-ip CNAME rpz-drop.", "32.81.2.0.192.rpz-ip CNAME *.",
		"w1.example CNAME rpz-tcp-only."]},
	{"name": "only-a", "format": "domains", "action": "nodata", "qtype": "A", "lines": ["text.example", "w2.example"]},
	{"name": "addresses", "format": "cidr", "lines": ["198.51.100.0/24", "2001:db8:bad::/48"]},
	{"name": "watch", "format": "domains", "action": "observe", "lines": ["watched.example"]},
]
NAMES = ("www two six mapped to-www to-two to-evil to-far to-fine x.tree a.evil fine.evil mail srv https svc text caa games watched local "
	"odd\\.label w1 w2 none.of.it").split()
TYPES = ("A", "A", "A", "AAAA", "MX", "TXT", "HTTPS", "SVCB", "SRV", "CAA", "CNAME", "NS", "ANY")
CLIENTS = ("127.0.0.1", "127.0.0.1", "127.0.10.5", "127.0.20.9")


def recorded(here):
	"""The frames in the order of the file, as replay reads it."""
	with open(here.frames_file, "rb") as file:
		octets = file.read()
	return [frame for frame in (frames.decode(one) for one in frames.stream(octets)) if frame.type == frames.CLIENT_RESPONSE]


def row(frame):
	shadow = frame.extra.get("shadow", {})
	question = frame.response.question[0]
	return (frame.client, question.name.to_text(omit_final_dot=True).lower().replace("\\.", "\\046"), dns.rdatatype.to_text(question.rdtype),
		shadow.get("action", "allow"), shadow.get("list", ""), shadow.get("rule", ""))


def text(found):
	"""Their answers as tab-separated text."""
	lines = ["time\tclient\tqname\tqtype\trcode\tanswers"]
	for frame in found:
		question = frame.response.question[0]
		answers = "; ".join("%s %d %s" % (dns.rdatatype.to_text(one.rdtype), rrset.ttl, one.to_text())
			for rrset in frame.response.answer for one in rrset)
		lines.append("\t".join([str(frame.query_time), frame.client, question.name.to_text(), dns.rdatatype.to_text(question.rdtype),
			dns.rcode.to_text(frame.response.rcode()), answers]))
	return "\n".join(lines) + "\n"


def packets(found, wires):
	"""Their answers as a raw capture of UDP."""
	out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
	for frame, wire in zip(found, wires):
		udp = struct.pack(">HHHH", 53, frame.client_port, 8 + len(wire), 0) + wire
		ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + socket.inet_aton("127.0.0.1") + \
			socket.inet_aton(frame.client) + udp
		out += struct.pack("<IIII", 1, 0, len(ip), len(ip)) + ip
	return out


def replay(here, path):
	done = subprocess.run([lab.VERDICTCTL, "replay", "--policy", here.path("verdict.conf"), "--each", "--json", path],
		capture_output=True, text=True, check=True, timeout=60)
	found = [json.loads(line) for line in done.stdout.splitlines()]
	return [(one["client"], one["name"], one["type"], one["verdict"], one["list"], one["rule"]) for one in found]


def differing(got, wanted):
	return ["%s is not %s" % pair for pair in zip(got, wanted) if pair[0] != pair[1]][:8]


def verdicts_are_those_of_the_resolver(tap):
	rng = random.Random(SEED)
	tap.note("VERDICT_SEED=%d" % SEED)
	with lab.Lab(ZONES) as here:
		here.start(LISTS, mode="shadow", raw=GROUPS)
		for number in range(QUESTIONS):
			query = dns.message.make_query(rng.choice(NAMES) + ".example", rng.choice(TYPES), want_dnssec=number % 5 == 0)
			dns.query.udp(query, "127.0.0.1", port=here.port, source=rng.choice(CLIENTS), timeout=lab.PATIENCE)
		found = lab.wait_for(lambda: len(recorded(here)) == QUESTIONS and recorded(here), "all frames")
		with open(here.frames_file, "rb") as file:
			wires = [one.response for one in (frames.decode(one, parse=False) for one in frames.stream(file.read()))
				if one.type == frames.CLIENT_RESPONSE]
		wanted = [row(frame) for frame in found]
		kinds = {(one[3], one[4]) for one in wanted}
		tap.ok({"allow", "refuse", "pass", "nxdomain", "nodata", "drop", "truncate", "local-data", "observe"} <= {kind for kind, _ in kinds},
			"every kind of verdict was met", sorted(kinds))
		tap.ok({entry["name"] for entry in LISTS} <= {name for _, name in kinds}, "every list was met", sorted(kinds))
		here.policy(LISTS, raw=GROUPS)
		here.write("t.tsv", text(found))
		with open(here.path("t.pcap"), "wb") as file:
			file.write(packets(found, wires))
		for form, path in (("frames", here.frames_file), ("text", here.path("t.tsv")), ("packets", here.path("t.pcap"))):
			got = replay(here, path)
			tap.equal((len(got), differing(got, wanted)), (QUESTIONS, []), "%s: each verdict, list and rule" % form)


if __name__ == "__main__":
	lab.require()
	tap.run(verdicts_are_those_of_the_resolver)
