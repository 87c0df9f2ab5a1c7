#!/usr/bin/python3
"""A hijacked delegation: the name servers of a protected zone are swapped, and what the inventory makes of it.

Delegations lead to port 53, so the authorities have it, each on an address of its own below 127/8."""

import os
import subprocess
import sys

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

import lab
import tap
from authority import Server

NET = "127.83.%d" % (os.getpid() % 250 + 1)
GOOD, EVIL = NET + ".1", NET + ".2"
CLAUSE = "approved-name-server:\n\tzone: bank.parent.test\n\tname-server: ns1.bank.parent.test\n\tnetwork: %s\n\taction: %s\n"
ATTACK = ["T1584.002", "T1583.002"]
SWAPPED_NAME, SWAPPED_ADDRESS, RIGHT = ("ns.crime.parent.test", EVIL), ("ns1.bank.parent.test", EVIL), \
	("ns1.bank.parent.test", GOOD)


class World:
	"""A parent that delegates bank.parent.test to whom it is told, and who serves it honestly or not."""

	def __init__(self):
		self.delegation = RIGHT
		self.parent = Server("127.0.0.1", 0, self.refer)
		self.good = Server(GOOD, 53, lambda question, response: self.tell(question, response, "192.0.2.10"))
		self.evil = Server(EVIL, 53, lambda question, response: self.tell(question, response, "203.0.113.66"))

	def stub(self):
		return 'stub-zone:\n\tname: "parent.test"\n\tstub-addr: 127.0.0.1@%d\n' % self.parent.port

	def refer(self, question, response):
		server, address = self.delegation
		if question.name.to_text().lower().endswith("bank.parent.test."):
			response.authority.append(dns.rrset.from_text("bank.parent.test.", 300, "IN", "NS", server + "."))
			response.additional.append(dns.rrset.from_text(server + ".", 300, "IN", "A", address))
		elif question.name.to_text().lower().endswith("fresh-lab.com."):
			response.authority.append(dns.rrset.from_text("fresh-lab.com.", 300, "IN", "NS", "ns1.fresh-lab.com."))
			response.additional.append(dns.rrset.from_text("ns1.fresh-lab.com.", 300, "IN", "A", GOOD))
		else:
			response.flags |= dns.flags.AA
			if question.rdtype == 1:
				response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "A",
					EVIL if "crime" in question.name.to_text() else "192.0.2.1"))

	def tell(self, question, response, address):
		server, where = self.delegation
		response.flags |= dns.flags.AA
		if question.rdtype == 1:
			at = where if question.name.to_text().startswith("ns") else address
			response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "A", at))
		if question.name.to_text().lower().endswith("bank.parent.test."):
			response.authority.append(dns.rrset.from_text("bank.parent.test.", 300, "IN", "NS", server + "."))


WORLD = None


def verdictctl(here, *arguments):
	done = subprocess.run([lab.VERDICTCTL] + list(arguments) + ["--config", here.path("verdict.conf")],
		stdout=subprocess.DEVNULL, timeout=lab.PATIENCE)
	return done.returncode


def said(frame):
	return frame.extra.get("verdict"), frame.extra.get("list"), frame.extra.get("trigger"), frame.extra.get("attack")


def a_hijack_is_refused(tap):
	for swapped, trigger, why in ((SWAPPED_NAME, "NSDNAME", "another name"), (SWAPPED_ADDRESS, "NSIP", "another address")):
		WORLD.delegation = RIGHT
		with lab.Lab({"example.test": "$ORIGIN example.test.\n$TTL 9\n@ SOA a. a. 1 1 1 1 1\n@ NS a.\n"}) as here:
			here.start([], raw=CLAUSE % (NET + ".1", "refuse"), rest=WORLD.stub())
			answer, frame = here.ask("www.bank.parent.test")
			tap.equal((lab.rdata(answer), frame.extra.get("verdict")), (["192.0.2.10"], "allow"), "%s: before" % why)
			WORLD.delegation = swapped
			here.control("flush_zone", "bank.parent.test")
			for round in ("first", "again"):
				answer, frame = here.ask("mail.bank.parent.test")
				tap.equal((dns.rcode.to_text(answer.rcode()), lab.rdata(answer)), ("REFUSED", []), "%s: refused, %s" % (why, round))
				tap.equal(said(frame), ("refuse", "(name-server)", trigger, ATTACK), "%s: the frame, %s" % (why, round))
			tap.ok(not here.cached("mail.bank.parent.test"), "%s: nothing is in the message cache" % why)
			answer, frame = here.ask("www.other.parent.test")
			tap.equal(lab.rdata(answer), ["192.0.2.1"], "%s: what is beside the zone is answered" % why)
			WORLD.delegation = RIGHT
			here.control("flush_zone", "parent.test")
			verdictctl(here, "flush", "--below", "bank.parent.test")
			tap.equal(lab.rdata(here.ask("mail.bank.parent.test")[0]), ["192.0.2.10"], "%s: and all is well afterwards" % why)
			here.unbound.stop()
			tap.ok(" 0 denied too late" in here.unbound.output(), "%s: nothing was denied too late" % why)


def a_hijack_is_seen(tap):
	WORLD.delegation = SWAPPED_NAME
	with lab.Lab({"example.test": "$ORIGIN example.test.\n$TTL 9\n@ SOA a. a. 1 1 1 1 1\n@ NS a.\n"}) as here:
		here.start([], raw=CLAUSE % (NET + ".1", "observe"), rest=WORLD.stub())
		answer, frame = here.ask("www.bank.parent.test")
		tap.equal(lab.rdata(answer), ["203.0.113.66"], "observe: it is answered")
		tap.equal(said(frame), ("observe", "(name-server)", "NSDNAME", ATTACK), "observe: the frame")


def what_is_cached_goes_when_the_clause_comes(tap):
	WORLD.delegation = SWAPPED_NAME
	with lab.Lab({"example.test": "$ORIGIN example.test.\n$TTL 9\n@ SOA a. a. 1 1 1 1 1\n@ NS a.\n"}) as here:
		here.start([], rest=WORLD.stub())
		tap.equal(lab.rdata(here.ask("www.bank.parent.test")[0]), ["203.0.113.66"], "without a clause it is answered")
		tap.ok(here.cached("www.bank.parent.test"), "and cached")
		here.policy([], raw=CLAUSE % (NET + ".1", "refuse"))
		tap.equal(verdictctl(here, "reload"), 0, "the clause comes")
		answer, frame = here.ask("www.bank.parent.test")
		tap.equal((dns.rcode.to_text(answer.rcode()), said(frame)[1]), ("REFUSED", "(name-server)"), "then it is refused")
		tap.ok(not here.cached("www.bank.parent.test"), "and has left the cache")


def what_is_configured_is_approved(tap):
	WORLD.delegation = SWAPPED_NAME
	with lab.Lab({"example.test": "$ORIGIN example.test.\n$TTL 9\n@ SOA a. a. 1 1 1 1 1\n@ NS a.\n"}) as here:
		here.start([], raw=CLAUSE % (NET + ".1", "refuse"),
			rest='stub-zone:\n\tname: "bank.parent.test"\n\tstub-addr: %s\n' % EVIL)
		answer, frame = here.ask("www.bank.parent.test")
		tap.equal((lab.rdata(answer), frame.extra.get("verdict")), (["203.0.113.66"], "allow"), "a stub of the zone")


def a_new_zone_on_its_own_server_is_seen(tap):
	detection = 'detection:\n\tpublic-suffix-list: "/usr/share/publicsuffix/public_suffix_list.dat"\n' \
		"detector:\n\tname: newly-observed\n\twarm-up: 0\n"
	with lab.Lab({"example.test": "$ORIGIN example.test.\n$TTL 9\n@ SOA a. a. 1 1 1 1 1\n@ NS a.\n"}) as here:
		here.start([], raw=detection, rest='stub-zone:\n\tname: "com"\n\tstub-addr: 127.0.0.1@%d\n' % WORLD.parent.port)
		answer, frame = here.ask("www.fresh-lab.com")
		tap.equal(lab.rdata(answer), ["192.0.2.10"], "a new zone is answered")
		found = {one["detector"]: one for one in frame.extra.get("detections", [])}
		tap.ok("name-server" in found, "and its servers are noticed", frame.extra)
		tap.equal([found.get("name-server", {}).get(key) for key in ("value", "attack", "features")],
			[2, ["T1583.002"], {"networks": 1}], "with why")


if __name__ == "__main__":
	lab.require()
	try:
		WORLD = World()
	except OSError as error:
		print("1..0 # SKIP no port 53 on %s: %s" % (GOOD, error))
		sys.exit(0)
	tap.run(a_hijack_is_refused, a_hijack_is_seen, what_is_cached_goes_when_the_clause_comes,
		what_is_configured_is_approved, a_new_zone_on_its_own_server_is_seen)
