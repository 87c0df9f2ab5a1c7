#!/usr/bin/python3
"""A real list of more than a million names and real questions: who is denied is computed here a second time.

Reads VERDICT_DATA (default ../shared/data beside the checkout): lists/block_malware_big.txt.xz, one domain a line, and
perf/dnsperf_queries_with_blocked.txt.xz, `name TYPE` a line. VERDICT_SAMPLE sets how many questions (default 25000).
"""

import collections
import lzma
import os
import random

import dns.name
import dns.rcode

import lab
import tap
import volley

LIST = os.path.join(lab.DATA, "lists/block_malware_big.txt.xz")
QUESTIONS = os.path.join(lab.DATA, "perf/dnsperf_queries_with_blocked.txt.xz")
SAMPLE = int(os.environ.get("VERDICT_SAMPLE", "25000"))
# A root that knows every name: what is not denied is answered.
ROOT = """$TTL 86400
. SOA a.lab-root. hostmaster.lab-root. 1 3600 600 86400 60
. NS a.lab-root.
a.lab-root. A 127.0.0.1
* A 192.0.2.80
* AAAA 2001:db8::80
* TXT "any name"
* MX 10 mail.lab-root.
* PTR any.lab-root.
* HTTPS 1 .
"""


def listed_names(path):
	"""The names of the list as a set, read without any of the project's code."""
	with open(path) as file:
		lines = (line.split("#")[0].strip().rstrip(".").lower() for line in file)
		return {line for line in lines if line}


def is_listed(name, listed):
	labels = name.rstrip(".").lower().split(".")
	return any(".".join(labels[i:]) in listed for i in range(len(labels)))


def sample(count, seed=1):
	with lzma.open(QUESTIONS, "rt") as file:
		lines = [tuple(line.split()) for line in file]
	questions = random.Random(seed).sample(lines, min(count, len(lines)))
	return [(name, qtype) for name, qtype in questions if not qtype.endswith("XFR")]


def short(names):
	return "\n".join(sorted(map(str, names))[:10])


def who_is_denied(tap, questions, results, listed):
	"""Refused must be exactly what is listed."""
	unanswered = [q for q, result in zip(questions, results) if result.octets is None]
	tap.ok(not unanswered, "each of %d questions is answered" % len(questions), short(unanswered))
	denied = {name for (name, _), r in zip(questions, results) if r.octets and volley.rcode(r.octets) == dns.rcode.REFUSED}
	allowed = {name for (name, _), r in zip(questions, results) if r.octets and volley.rcode(r.octets) == dns.rcode.NOERROR}
	want = {name for name, _ in questions if is_listed(name, listed)}
	tap.note("%d names asked, %d of them listed" % (len({name for name, _ in questions}), len(want)))
	tap.ok(len(want) > len(questions) // 20, "the sample has enough listed names", len(want))
	tap.ok(not want - denied, "every listed name, and every name under one, is denied", short(want - denied))
	tap.ok(not denied - want, "no other name is denied", short(denied - want))
	tap.ok(not denied & allowed, "no name is denied once and allowed once", short(denied & allowed))


def what_the_frames_say(tap, questions, results, found, listed):
	tap.equal(len(found), len(questions), "as many frames as answers")
	index = {(frame.client_port, frame.response[:2]): frame for frame in found}
	wrong, rules = [], []
	for (name, qtype), result in zip(questions, results):
		frame = index.get((result.port, result.octets[:2]))
		wire = dns.name.from_text(name).to_wire()
		want = "refuse" if is_listed(name, listed) else "allow"
		if frame is None or frame.query[12:12 + len(wire)].lower() != wire.lower() or frame.extra["verdict"] != want \
				or (frame.response[3] & 15) != volley.rcode(result.octets):
			wrong.append((name, qtype, want, frame and frame.extra))
		elif want == "refuse" and (frame.extra["list"] != "malware" or frame.extra["rule"].lstrip("*.") not in listed):
			rules.append((name, frame.extra))
	tap.ok(not wrong, "each answer's frame has its name, its rcode and the right verdict", short(wrong))
	tap.ok(not rules, "each denial's frame names the list and a rule that is in it", short(rules))


def the_real_list_is_enforced_exactly(tap):
	with lab.Lab({".": ROOT}) as here:
		plain = here.path("malware.txt")
		with lzma.open(LIST) as source, open(plain, "wb") as to:
			to.write(source.read())
		listed = listed_names(plain)
		# One thread beside NSD and this program on two cores; large rings, so that a slow collector costs nothing.
		here.start([{"name": "malware", "format": "domains", "action": "refuse", "file": plain}], threads=2, file=False,
			server="\tmsg-cache-size: 64m\n\trrset-cache-size: 64m\n")
		questions = sample(SAMPLE)
		results = volley.udp(here.port, questions, window=96, sockets=8)
		here.finish()
		who_is_denied(tap, questions, results, listed)
		if any(result.octets is None for result in results):
			return
		what_the_frames_say(tap, questions, results, here.captured(parse=False), listed)
		tap.note(collections.Counter(dns.rcode.to_text(volley.rcode(r.octets)) for r in results))


if __name__ == "__main__":
	lab.require()
	for path in (LIST, QUESTIONS):
		if not os.access(path, os.R_OK):
			print("1..0 # SKIP no real data: %s (set VERDICT_DATA)" % path)
			raise SystemExit(0)
	tap.run(the_real_list_is_enforced_exactly)
