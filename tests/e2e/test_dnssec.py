#!/usr/bin/python3
"""In a signed zone: a made answer never claims to be validated, and an answer that fails validation stays SERVFAIL."""

import os
import re
import shutil
import socket
import subprocess
import tempfile

import dns.flags
import dns.message
import dns.rcode

import lab
import tap

ZONE = r"""$ORIGIN signed.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
www A 192.0.2.80
to-denied CNAME denied
bogus-to-denied CNAME denied
bogus A 192.0.2.81
denied A 192.0.2.66
sink A 192.0.2.67
svc TYPE65 \# 11 00010000040004c0000201
bogus-svc TYPE65 \# 11 00010000040004c0000201
plain TYPE65 \# 3 000100
tree DNAME denied
"""
LISTS = [
	{"name": "nx", "format": "domains", "action": "nxdomain", "lines": ["denied.signed"]},
	{"name": "sink", "format": "domains", "action": "sinkhole", "sinkhole-address": "192.0.2.1", "lines": ["sink.signed"]},
]
PLAIN, AD, CD = dns.flags.RD, dns.flags.RD | dns.flags.AD, dns.flags.RD | dns.flags.CD


def tampered(line):
	"""The signatures of the names that begin with `bogus`, one character changed."""
	found = re.match(r"(bogus\S*\s.*RRSIG\s.*\s)(\S{20})(\S)(\S+)$", line)
	return found[1] + found[2] + ("A" if found[3] != "A" else "B") + found[4] if found else line


def signed_zone():
	"""Returns (zone, DS record)."""
	with tempfile.TemporaryDirectory() as folder:
		with open(os.path.join(folder, "zone"), "w") as file:
			file.write(ZONE)
		key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "signed"], cwd=folder, check=True,
			capture_output=True, text=True).stdout.strip()
		subprocess.run(["ldns-signzone", "-f", "out", "zone", key], cwd=folder, check=True)
		with open(os.path.join(folder, "out")) as out, open(os.path.join(folder, key + ".ds")) as ds:
			return "\n".join(tampered(line) for line in out.read().splitlines()) + "\n", ds.read().strip()


def each_answer(here, name):
	"""Its answers and frames for each mix of the header's flags with and without DO."""
	for flags in (PLAIN, AD, CD):
		for do in (False, True):
			yield here.ask(name, flags=flags, want_dnssec=do)


def validation_holds(tap):
	zone, ds = signed_zone()
	with lab.Lab({"signed": zone}) as here:
		here.start(LISTS, server='\ttrust-anchor: "%s"\n' % ds)
		answer, frame = here.ask("www.signed", flags=AD)
		tap.ok(answer.flags & dns.flags.AD and frame.response.flags & dns.flags.AD, "the zone is validated, and the frame says so",
			answer)
		for name, rcode in (("denied.signed", "NXDOMAIN"), ("to-denied.signed", "NXDOMAIN"), ("x.tree.signed", "NXDOMAIN"),
				("sink.signed", "NOERROR")):
			pairs = list(each_answer(here, name))
			tap.equal({dns.rcode.to_text(answer.rcode()) for answer, _ in pairs}, {rcode}, "%s is denied" % name)
			tap.ok(not any((answer.flags | frame.response.flags) & dns.flags.AD for answer, frame in pairs), "%s has no AD" % name)
		pairs = [here.ask("bogus.signed", flags=flags) for flags in (PLAIN, AD)] + list(each_answer(here, "bogus-to-denied.signed"))
		tap.equal({answer.rcode() for answer, _ in pairs}, {dns.rcode.SERVFAIL}, "BOGUS stays SERVFAIL, denied or not, CD or not")
		tap.equal([frame.extra.get("shadow", {}).get("action") for _, frame in pairs], [None] * 2 + ["nxdomain"] * 6,
			"and the frame says what the policy would have done")
		tap.ok(not here.cached("to-denied.signed") and not here.cached("x.tree.signed"), "the validator has stored none of them")


def signed_https_records_are_whole_or_not_there(tap):
	zone, ds = signed_zone()
	with lab.Lab({"signed": zone}) as here:
		here.start_nsd()
		here.policy(LISTS, raw="verdict:\n\thttps: strip-hints\n")
		here.start_unbound(server='\ttrust-anchor: "%s"\n' % ds)
		for round in ("first", "again"):
			answer, frame = here.ask("svc.signed", "HTTPS", flags=AD)
			tap.equal((lab.rdata(answer, "HTTPS"), bool(answer.flags & dns.flags.AD)), (["1 ."], False),
				"without DO the hints are gone, and AD with them, %s" % round)
			answer, frame = here.ask("svc.signed", "HTTPS", want_dnssec=True)
			tap.equal((answer.rcode(), answer.answer, frame.extra.get("verdict")), (0, [], "nodata"), "with DO there is no data, %s" % round)
			tap.ok(not here.cached("svc.signed", "HTTPS"), "it is not in the message cache, %s" % round)
			answer, frame = here.ask("plain.signed", "HTTPS", want_dnssec=True)
			tap.equal(({rrset.rdtype for rrset in answer.answer}, bool(answer.flags & dns.flags.AD)), ({65, 46}, True),
				"without hints it is sent as it is, %s" % round)
			for flags in (PLAIN, CD):
				answer, frame = here.ask("bogus-svc.signed", "HTTPS", flags=flags)
				tap.equal(answer.rcode(), dns.rcode.SERVFAIL, "BOGUS is SERVFAIL, with CD too, %s" % round)


def frames_of(here, names, flags):
	"""What each says, in their order: (not sent, name, path, code, verdict)."""
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		for name in names:
			query = dns.message.make_query(name, "A", flags=flags)
			sock.sendto(query.to_wire(), ("127.0.0.1", here.port))
			frame = here.frame(sock.getsockname()[1], query.id)
			yield (frame.extra.get("unsent", False), name, frame.extra["path"], dns.rcode.to_text(frame.response.rcode()),
				frame.extra["verdict"])


def what_would_have_been_sent_stands_in_the_frame(tap):
	"""Less than no time to wait: each answer comes too late. The frame is the one of an answer that is sent, but for that."""
	if not lab.patient_server():
		tap.ok(True, "skipped: this Unbound drops no late answers")
		return
	names = ["www.signed", "bogus.signed", "denied.signed", "to-denied.signed", "none.signed"]
	zone, ds = signed_zone()
	for ignored, flags in (("no", PLAIN), ("no", CD), ("yes", CD)):
		said = {}
		for timeout in (0, -1):
			with lab.Lab({"signed": zone}) as here:
				here.start(LISTS, server='\ttrust-anchor: "%s"\n\tignore-cd-flag: %s\n\tdiscard-timeout: %d\n' % (ds, ignored, timeout))
				said[timeout] = list(frames_of(here, names, flags))
		why = "%s, ignore-cd-flag: %s" % (dns.flags.to_text(flags), ignored)
		tap.equal([one[0] for one in said[0] + said[-1]], [False] * len(names) + [True] * len(names), why + ": all, or nothing, is sent")
		tap.equal([one[1:] for one in said[-1]], [one[1:] for one in said[0]], "with the same path, code and verdict")


if __name__ == "__main__":
	lab.require()
	if shutil.which("ldns-signzone") is None:
		print("1..0 # SKIP no ldns-signzone: install ldnsutils")
		raise SystemExit(0)
	tap.run(validation_holds, signed_https_records_are_whole_or_not_there,
		what_would_have_been_sent_stands_in_the_frame)
