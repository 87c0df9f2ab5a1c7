#!/usr/bin/python3
"""The detectors say of recorded frames what they said inside the resolver when it gave the answers.

The same questions go through the real resolver, whose frames are then replayed by the same policy: of each answer the same
detections, with what was measured. All detectors are on.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset

import frames
import lab
import tap
import test_techniques as techniques
from authority import Server

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
NAMES, POLLS, CLIENTS = 90, 60, ("127.0.0.1", "127.0.10.5", "127.0.20.9")
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"


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
	return 'detection:\n\tpublic-suffix-list: "%s"\ndetector:\n\tname: newly-observed\n\twarm-up: %d\n' % (SUFFIXES, warm_up)


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


def name_of(frame):
	return frame.query.question[0].name.to_text(omit_final_dot=True).lower()


def live(files):
	"""(client, name, type, detections) of the answers in the order in which they were given."""
	found = [one for file in files for one in frames.read(file) if one.type == frames.CLIENT_RESPONSE]
	return [(one.client, name_of(one), dns.rdatatype.to_text(one.query.question[0].rdtype),
		words(one.extra.get("detections", []))) for one in found], found


def replayed(here, files):
	done = subprocess.run([lab.VERDICTCTL, "replay", "--policy", here.path("verdict.conf"), "--each", "--json", *files],
		capture_output=True, text=True, check=True, timeout=lab.PATIENCE)
	found = [json.loads(line) for line in done.stdout.splitlines()]
	return [(one["client"], one["name"], one["type"], one["detections"]) for one in found]


def ask(here, client, name, qtype="A", rdclass="IN"):
	dns.query.udp(dns.message.make_query(name, qtype, rdclass), "127.0.0.1", port=here.port, source=client, timeout=lab.PATIENCE)


def the_same_is_told(tap, here, files, count, wanted):
	"""`files`: of frames, one of each start of the resolver. Returns the frames."""
	lab.wait_for(lambda: len(live(files)[0]) == count, "%d frames" % count)
	inside, found = live(files)
	again = replayed(here, files)
	kinds = {one["detector"] for frame in found for one in frame.extra.get("detections", [])}
	tap.ok(wanted <= kinds, "detectors have something to say of it", sorted(kinds))
	differing = ["%s is not %s" % pair for pair in zip(again, inside) if pair[0] != pair[1]]
	tap.equal((len(again), differing[:6]), (count, []), "each record is told as the resolver told it, in order")
	return found


def of_all_paths(tap, warm_up, wanted):
	asked = list(questions())
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=clauses(warm_up))
		for question in asked:
			ask(here, *question)
		found = the_same_is_told(tap, here, [here.frames_file], len(asked), wanted)
		paths = {frame.extra["path"] for frame in found}
		tap.ok({"resolved", "cached", "chaos"} <= paths, "of answers that were resolved, cached or Unbound's own", paths)
		tap.ok(any(frame.extra["verdict"] == "refuse" for frame in found), "and of denied ones")


def of_what_is_new(tap):
	of_all_paths(tap, 0, {"tunnel", "newly-observed", "rebinding", "odd-type", "recon", "resolver-bypass"})


def while_nothing_can_be_new(tap):
	of_all_paths(tap, 7, {"tunnel", "rebinding", "odd-type"})


# --- what stands behind answers -----------------------------------------------------------------------------------

class World:
	"""A parent, and whom it delegates zones to. Phases: as they are at first; their servers have moved; their records follow."""

	def __init__(self):
		self.phase = 0
		self.parent = Server("127.0.0.1", lab.free_port(), self.refer)
		self.servers = [Server(address, 53, self.answer) for address in (techniques.GOOD, techniques.EVIL)]

	def served_by(self, zone):
		if zone == "served-lab.com.":
			return ("ns1.served-lab.com.", "ns2.served-lab.com."), techniques.GOOD
		if self.phase == 0:
			return ("ns1.host-lab.com.", "ns2.host-lab.com."), techniques.GOOD
		return ("ns1.crime-lab.com.",), techniques.EVIL

	def refer(self, question, response):
		zone = ".".join(question.name.to_text().lower().split(".")[-3:])
		servers, address = self.served_by(zone)
		if zone[:-1] not in DELEGATED:
			self.answer(question, response)
			return
		response.authority.append(dns.rrset.from_text(zone, 300, "IN", "NS", *servers))
		for server in servers:
			response.additional.append(dns.rrset.from_text(server, 300, "IN", "A", address))

	def answer(self, question, response):
		name = question.name.to_text().lower()
		response.flags |= dns.flags.AA
		if question.rdtype == 1:
			address = techniques.EVIL if "crime" in name else techniques.GOOD if name.startswith("ns") else \
				"198.51.100.7" if self.phase == 2 else "192.0.2.6"
			response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "A", address))


DELEGATED = ("served-lab.com", "moved-lab.com", "known-lab.com")


def ask_all(here, number):
	"""Returns how many questions that were."""
	names = ["%s.%s" % (label, zone) for zone in (*DELEGATED, *here.zones) for label in ("www", "mail", "n%d" % number)]
	for client in CLIENTS[:2]:
		for name in (*names, *here.zones):
			ask(here, client, name)
	return 2 * (len(names) + len(here.zones))


def change_servers_and_signatures(here, world):
	"""Eight days, and three hours. Each phase is seen twice: where caches say nothing of a zone's servers, they are looked at
	again after a minute. Returns the files of frames, and how many questions were asked.

	A running resolver has not lived through what its clock is put by, so it is started again with what it has saved."""
	count, files = 0, []
	for number, (world.phase, minutes) in enumerate(((0, 0), (0, 2), (1, 11520), (1, 11522), (2, 11700), (2, 11702))):
		if minutes == 11520:
			here.nsd.stop()
			here.zones["broken-lab.com"] = zone("broken-lab.com", "* A 192.0.2.9")
			here.start_nsd()
		techniques.launch_with_clock(here, "+%dm" % minutes)
		if minutes >= 11520:
			here.control("insecure_add", "www.gone-lab.com")
		count += ask_all(here, number)
		here.finish()
		files.append(here.path("frames%d" % number))
		os.rename(here.frames_file, files[-1])
		shutil.rmtree(here.path("state/frames"))   # the last of them would come again
	return files, count


def said_of(found, detector, name):
	"""Tier and value, in order."""
	return [(one["tier"], one["value"]) for frame in found if name_of(frame).endswith(name)
		for one in frame.extra.get("detections", []) if one["detector"] == detector]


def of_servers_and_signatures(tap):
	if lab.FAKETIME is None or not techniques.can_sign():
		tap.skip("of servers and signatures", "install faketime and ldnsutils")
		return
	try:
		world = World()
	except OSError as error:
		tap.skip("of servers and signatures", "no port 53 on %s: %s" % (techniques.GOOD, error))
		return
	with tempfile.TemporaryDirectory() as folder:
		signed = {name: techniques.signed(folder, name) for name in ("broken-lab.com", "gone-lab.com")}
	with lab.Lab({name: text for name, (text, _) in signed.items()}) as here:
		here.start_nsd()
		here.policy(LISTS, socket_path=False, raw="verdict:\n\tprotected-name: known-lab.com\n" + clauses(0))
		here.unbound_conf(server="".join('\ttrust-anchor: "%s"\n' % ds for _, ds in signed.values()),
			rest='stub-zone:\n\tname: "com"\n\tstub-addr: 127.0.0.1@%d\n' % world.parent.port)
		files, count = change_servers_and_signatures(here, world)
		found = the_same_is_told(tap, here, files, count, {"name-server", "delegation-change", "dnssec-drop", "changed-resolution"})
		tap.equal({frame.extra["security"] for frame in found if "security" in frame.extra}, {"secure", "insecure", "bogus"},
			"validation has said all that it can")
		servers = [sorted(frame.extra["servers"], key=lambda one: one.get("name", "")) for frame in found
			if name_of(frame).endswith("served-lab.com") and all("name" in one for one in frame.extra.get("servers", [{}]))]
		tap.equal(servers, [[{"name": "ns%d.served-lab.com" % number, "addresses": [techniques.GOOD]} for number in (1, 2)]] * 3,
			"who serves a zone stands in a frame for each hour in which somebody asks")
		tap.equal(said_of(found, "delegation-change", "moved-lab.com"), [("alert", 2), ("alert", 3)],
			"servers that move are told of, and again when a record follows")
		tap.equal(said_of(found, "delegation-change", "known-lab.com"), [("high", 1)],
			"those of a protected zone, too, though everybody knows it")


if __name__ == "__main__":
	lab.require()
	tap.run(of_what_is_new, while_nothing_can_be_new, of_servers_and_signatures)
