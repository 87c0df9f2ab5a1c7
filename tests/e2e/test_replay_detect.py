#!/usr/bin/python3
"""The detectors say of recorded frames what they said inside the resolver when it gave the answers.

The same questions go through the real resolver, whose frames are then replayed by the same policy: of each answer the same
detections, with what was measured. Who serves a zone and what validation said stand in no frame: these detectors are off.
"""

import base64
import hashlib
import json
import subprocess

import dns.message
import dns.query
import dns.rdatatype

import frames
import lab
import tap

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
NAMES, POLLS, CLIENTS = 90, 60, ("127.0.0.1", "127.0.10.5", "127.0.20.9")
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
NO_FRAME_HAS = ("name-server", "delegation-change", "dnssec-drop")


def zone(origin, *lines):
	return "$ORIGIN %s.\n" % origin + HEAD + "\n".join(lines) + "\n"


ZONES = {
	"tunnel-lab.com": zone("tunnel-lab.com", '* 5 TXT "%s"' % ("a1" * 100), "* A 192.0.2.1"),
	"polled-lab.com": zone("polled-lab.com", 'note 60 TXT "%s"' % ("b2" * 100), "here A 192.0.2.2"),
	"denied-lab.com": zone("denied-lab.com", '* 5 TXT "%s"' % ("c3" * 100), "* A 10.1.2.4"),
	"inside-lab.com": zone("inside-lab.com", "inside A 10.1.2.3", "loop A 127.0.0.1", "alias 20 CNAME inside"),
	"quiet-lab.com": zone("quiet-lab.com", "www A 192.0.2.4", '@ TXT "v=spf1 -all"'),
	"known-lab.com": zone("known-lab.com", "* A 192.0.2.5"),
}
LISTS = [
	{"name": "denied", "format": "domains", "action": "refuse", "lines": ["denied-lab.com"]},
	{"name": "popular", "format": "domains", "lines": ["www.known-lab.com"], "enrich": "popular"},
]


def clauses(warm_up):
	text = 'detection:\n\tpublic-suffix-list: "%s"\n' % SUFFIXES
	text += "detector:\n\tname: newly-observed\n\twarm-up: %d\n" % warm_up
	return text + "".join("detector:\n\tname: %s\n\taction: off\n" % name for name in NO_FRAME_HAS)


def chunk(number):
	return base64.b32encode(hashlib.sha256(b"%d" % number).digest()[:20]).decode().lower()


def questions():
	"""(client, name, type, class), in order: for each of the detectors what it is there for, and much that is cached or denied."""
	for number in range(NAMES):
		client = CLIENTS[number % 3]
		yield client, chunk(number) + ".tunnel-lab.com", "TXT" if number % 2 else "A", "IN"
		yield client, chunk(number) + ".denied-lab.com", "TXT" if number % 2 else "A", "IN"
		yield client, chunk(number) + ".known-lab.com", "A", "IN"
		yield CLIENTS[1], "www.quiet-lab.com", "A", "IN"
		yield CLIENTS[2], "%s-%d.quiet-lab.com" % (chunk(number)[:12], number), "A", "IN"
	for number in range(POLLS):
		yield CLIENTS[0], "note.polled-lab.com", "TXT", "IN"
		yield CLIENTS[2], "www.denied-lab.com", "NULL", "IN"
	for name, qtype, rdclass in (("inside.inside-lab.com", "A", "IN"), ("loop.inside-lab.com", "A", "IN"),
			("alias.inside-lab.com", "A", "IN"), ("alias.inside-lab.com", "A", "IN"), ("quiet-lab.com", "ANY", "IN"),
			("data.quiet-lab.com", "NULL", "IN"), ("data.quiet-lab.com", "NULL", "IN"), ("version.bind", "TXT", "CH"),
			("use-application-dns.net", "A", "IN"), ("secret.not-delegated", "A", "IN")):
		yield CLIENTS[1], name, qtype, rdclass


def words(detections):
	"""As replay prints them."""
	return "; ".join("%s %s %d/%d%s" % (one["detector"], one["tier"], one["value"], one["threshold"],
		"".join(" %s=%d" % feature for feature in one.get("features", {}).items())) for one in detections)


def live(here):
	"""(client, name, type, detections) of the answers in the order in which they were given."""
	found = [one for one in frames.read(here.frames_file) if one.type == frames.CLIENT_RESPONSE]
	return [(one.client, one.query.question[0].name.to_text(omit_final_dot=True).lower(),
		dns.rdatatype.to_text(one.query.question[0].rdtype), words(one.extra.get("detections", []))) for one in found], found


def replayed(here):
	done = subprocess.run([lab.VERDICTCTL, "replay", "--policy", here.path("verdict.conf"), "--each", "--json", here.frames_file],
		capture_output=True, text=True, check=True, timeout=60)
	found = [json.loads(line) for line in done.stdout.splitlines()]
	return [(one["client"], one["name"], one["type"], one["detections"]) for one in found]


def the_same(tap, warm_up, wanted):
	asked = list(questions())
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=clauses(warm_up))
		for client, name, qtype, rdclass in asked:
			dns.query.udp(dns.message.make_query(name, qtype, rdclass), "127.0.0.1", port=here.port, source=client, timeout=5)
		lab.wait_for(lambda: len(live(here)[0]) == len(asked), "%d frames" % len(asked))
		inside, found = live(here)
		again = replayed(here)
		kinds = {one["detector"] for frame in found for one in frame.extra.get("detections", [])}
		tap.ok(wanted <= kinds, "detectors have something to say of it", sorted(kinds))
		paths = {frame.extra["path"] for frame in found}
		tap.ok({"resolved", "cached", "chaos"} <= paths, "of answers that were resolved, cached or Unbound's own", paths)
		tap.ok(any(frame.extra["verdict"] == "refuse" for frame in found), "and of denied ones")
		differing = ["%s is not %s" % pair for pair in zip(again, inside) if pair[0] != pair[1]]
		tap.equal((len(again), differing[:6]), (len(asked), []), "each record is told as the resolver told it, in order")


def of_what_is_new(tap):
	the_same(tap, 0, {"tunnel", "newly-observed", "rebinding", "odd-type", "recon", "resolver-bypass"})


def while_nothing_can_be_new(tap):
	the_same(tap, 7, {"tunnel", "rebinding", "odd-type"})


if __name__ == "__main__":
	lab.require()
	tap.run(of_what_is_new, while_nothing_can_be_new)
