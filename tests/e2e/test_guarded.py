#!/usr/bin/python3
"""The guarded cache: who may have an answer gets it without another look at the authority, who may not never does."""

import os
import shutil
import time

import dns.flags
import dns.rcode

import lab
import tap
import test_dnssec
import volley
from meeting import Counting, PATIENT, counters, said

ALLOWED, DENIED = "127.0.0.1", "127.0.0.2"
CLIENTS = [
	{"name": "clients", "format": "rpz", "lines": ["$TTL 60", "32.2.0.0.127.rpz-client-ip CNAME ."]},
]
ZONES = {"example": r"""$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
www A 192.0.2.80
www MX 10 mail
to-www CNAME www
tree DNAME under
leaf.under A 192.0.2.81
zero 0 A 192.0.2.82
"""}
GOT, GONE = ("NOERROR", ["192.0.2.9"]), ("NXDOMAIN", [])


def a_second_question_costs_nothing(tap):
	source = Counting({"a.test": "60 IN A 192.0.2.9"})
	with lab.Lab(ZONES) as here:
		here.start(CLIENTS, server=PATIENT, rest=source.stub("test"))
		tap.equal(said(here.ask("a.test", client=ALLOWED)[0]), GOT, "an allowed client gets the answer")
		source.free.clear()
		time.sleep(1.1)
		answer, _ = here.ask("a.test", client=ALLOWED)
		tap.equal(said(answer), GOT, "and again, while the authority is silent")
		tap.ok(answer.answer[0].ttl < 60, "with a TTL that has counted down", answer)
		tap.equal(said(here.ask("a.test", client=DENIED)[0]), GONE, "a denied client does not")
		tap.equal(said(here.ask("A.tEst", client=ALLOWED)[0]), GOT, "letter case does not matter")
		tap.equal(said(here.ask("a.test", client=ALLOWED, tcp=True)[0]), GOT, "nor does the transport")
		tap.equal(said(here.ask("a.test", client=DENIED, tcp=True)[0]), GONE, "to a denied client neither")
		tap.equal(source.count("a.test"), 1, "the authority was asked once")
		tap.ok(not here.cached("a.test"), "it is not in the message cache")
		found = counters(here)
		tap.equal((found["guarded_cache_stores_total"], found["guarded_cache_hits_total"], found["guarded_cache_messages"]), (1, 3, 1),
			"one store, three hits and one message are counted")
		source.free.set()
		code, text = here.control("reload")
		here.wait_ready(2)
		tap.equal((said(here.ask("a.test", client=ALLOWED)[0]), source.count("a.test")), (GOT, 2), "a reload empties it")


def what_is_kept_and_what_is_not(tap):
	"""Asks twice with the authority ended in between: what is answered then was kept."""
	rows = [
		("www.example", "A", "NOERROR", "a plain answer"),
		("www.example", "MX", "NOERROR", "of any type"),
		("to-www.example", "A", "NOERROR", "a chain of aliases"),
		("leaf.tree.example", "A", "NOERROR", "a name by a DNAME"),
		("www.example", "TXT", "NOERROR", "no data"),
		("nothing.example", "A", "NXDOMAIN", "no such name"),
		("zero.example", "A", None, "TTL 0 is not kept"),
	]
	with lab.Lab(ZONES) as here:
		here.start(CLIENTS)
		before = [here.ask(name, qtype, client=ALLOWED)[0] for name, qtype, _, _ in rows]
		denied = [here.ask(name, qtype, client=DENIED)[0].rcode() for name, qtype, _, _ in rows]
		here.nsd.stop()
		for row, first in zip(rows, before):
			name, qtype, rcode, why = row
			answer, _ = here.ask(name, qtype, client=ALLOWED, timeout=1.0 if rcode is None else lab.PATIENCE)
			tap.equal(answer and dns.rcode.to_text(answer.rcode()), rcode, why)
			if rcode is not None:
				tap.equal(([str(rrset.name) for rrset in answer.answer], lab.rdata(answer, qtype), len(answer.authority)),
					([str(rrset.name) for rrset in first.answer], lab.rdata(first, qtype), len(first.authority)), why + ": as it was")
			answer, _ = here.ask(name, qtype, client=DENIED)
			tap.equal(dns.rcode.to_text(answer.rcode()), "NXDOMAIN", why + ": the denied client gets nothing")
		tap.equal(set(denied), {dns.rcode.NXDOMAIN}, "nor did it before")


def nothing_expired_is_served(tap):
	"""serve-expired is for what everybody may have."""
	for timeout in ("", "\tserve-expired-client-timeout: 100\n"):
		source = Counting({"a.test": "1 IN A 192.0.2.9"}, delay=0.05)
		with lab.Lab(ZONES) as here:
			here.start(CLIENTS, server=PATIENT + "\tserve-expired: yes\n\tserve-expired-ttl: 0\n" + timeout, rest=source.stub("test"))
			tap.equal(said(here.ask("a.test", client=ALLOWED)[0]), GOT, "an answer that lives a second")
			time.sleep(2.1)
			source.answers["a.test"] = "1 IN A 192.0.2.10"
			tap.equal(said(here.ask("a.test", client=DENIED)[0]), GONE, "expired: the denied client gets nothing")
			tap.equal(said(here.ask("a.test", client=ALLOWED)[0]), ("NOERROR", ["192.0.2.10"]), "the other one the new answer")


def without_rd_it_can_be_read_and_not_written(tap):
	"""What an authority says then may be a referral; a stub's is asked each time."""
	source = Counting({"a.test": "60 IN A 192.0.2.9"})
	with lab.Lab(ZONES) as here:
		here.start(CLIENTS, server=PATIENT + "\taccess-control: 127.0.0.0/8 allow_snoop\n", rest=source.stub("test"))
		for round, count, flags, why in ((0, 1, 0, "RD=0"), (1, 2, 0, "RD=0 again"), (2, 3, dns.flags.RD, "RD=1"),
				(3, 3, 0, "RD=0: it is cached now")):
			tap.equal(said(here.ask("a.test", client=ALLOWED, flags=flags)[0]), GOT, why)
			tap.equal(source.count("a.test"), count, why + ": questions to the authority")
			tap.equal(said(here.ask("a.test", client=DENIED, flags=flags)[0]), GONE, why + ": denied")


def it_stays_within_its_size(tap):
	with lab.Lab(dict(ZONES, wide="$ORIGIN wide.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.example.\n"
			"* TXT " + " ".join('"%s"' % ("x" * 200) for _ in range(4)) + "\n")) as here:
		here.start(CLIENTS, raw="verdict:\n\tguarded-msg-cache-size: 64k\n\tguarded-rrset-cache-size: 64k\n", frames_mode="verdicts")
		volley.udp(here.port, [("n%d.wide" % number, "TXT") for number in range(400)])
		with open(os.path.join(lab.SBIN, "unbound"), "rb") as file:
			instrumented = b"__asan_init" in file.read() or "VERDICT_SLOW" in os.environ
		before = here.unbound.rss_octets()
		volley.udp(here.port, [("m%d.wide" % number, "TXT") for number in range(3000)])
		grown = here.unbound.rss_octets() - before
		tap.ok(grown < 1 << 20 or instrumented, "3,000 answers of 800 octets through a cache of 64k: grown by %d" % grown)
		answer, _ = here.ask("m2999.wide", "TXT", client=ALLOWED)
		tap.equal(answer.rcode(), 0, "it works all the same")


def signed_answers_stay_what_they_are(tap):
	zone, ds = test_dnssec.signed_zone()
	ad = dns.flags.RD | dns.flags.AD
	cd = dns.flags.RD | dns.flags.CD
	with lab.Lab({"signed": zone}) as here:
		here.start(CLIENTS, server='\ttrust-anchor: "%s"\n' % ds)
		# CD first: what it brings must not pass for validated.
		for flags in (cd, ad, cd, ad):
			for want_dnssec in (False, True):
				answer, _ = here.ask("bogus.signed", client=ALLOWED, flags=flags, want_dnssec=want_dnssec)
				if flags == ad:
					tap.equal(answer.rcode(), dns.rcode.SERVFAIL, "BOGUS is SERVFAIL, each time")
				tap.ok(not answer.flags & dns.flags.AD, "and never AD")
				tap.equal(here.ask("bogus.signed", client=DENIED, flags=flags)[0].answer, [], "the denied client gets no data")
		for name in ("www.signed", "nothing.signed"):
			for round in ("resolved", "from the guarded cache"):
				answer, _ = here.ask(name, client=ALLOWED, flags=ad)
				tap.ok(answer.flags & dns.flags.AD, "%s: AD, %s" % (name, round), answer)
				answer, _ = here.ask(name, client=ALLOWED, want_dnssec=True)
				tap.ok(answer.flags & dns.flags.AD and any(rrset.rdtype == dns.rdatatype.RRSIG
					for rrset in answer.answer + answer.authority), "%s: DO gets signatures, %s" % (name, round), answer)
				answer, _ = here.ask(name, client=DENIED, want_dnssec=True, flags=ad)
				tap.equal((answer.rcode(), answer.answer, answer.flags & dns.flags.AD), (dns.rcode.NXDOMAIN, [], 0),
					"%s: a made answer has no AD, %s" % (name, round))
			tap.ok(not here.cached(name), "%s is not in the message cache" % name)
		here.nsd.stop()
		tap.ok(here.ask("www.signed", client=ALLOWED, flags=ad)[0].flags & dns.flags.AD, "all of that from the cache")


def delegations_are_shared(tap):
	"""They are no answers: what is below them would else be looked for from the root each time."""
	zones = {"example": ZONES["example"] + "deep NS ns.deep\nns.deep A 127.0.0.1\n"}
	with lab.Lab(zones) as here:
		here.start(CLIENTS)
		here.ask("www.deep.example", client=ALLOWED, timeout=1.0)   # nobody is at port 53

		def is_there():
			text = here.control("dump_cache")[1]
			return "\ndeep.example." in text and "NS\tns.deep.example." in text
		tap.ok(lab.wait_for(is_there, "the delegation"), "the delegation is in the RRset cache")
		tap.ok(not here.cached("www.deep.example") and not here.cached("www.example"), "and no answer in the message cache")


def who_served_it_is_remembered(tap):
	"""Rules for name servers and for clients at once: the guarded answer knows its servers."""
	lists = [
		{"name": "clients", "format": "rpz", "lines": ["$TTL 60", "32.3.0.0.127.rpz-client-ip CNAME rpz-passthru."]},
		{"name": "servers", "format": "rpz", "lines": ["$TTL 60", "32.1.0.0.127.rpz-nsip CNAME ."]},
	]
	source = Counting({"a.deep.test": "60 IN A 192.0.2.9"})
	with lab.Lab(ZONES) as here:
		here.start(lists, server=PATIENT, rest=source.stub("deep.test"))
		passed = "127.0.0.3"
		for round in range(3):
			tap.equal(said(here.ask("a.deep.test", client=passed)[0]), GOT, "a client that passes, %d" % round)
			tap.equal(said(here.ask("a.deep.test", client=ALLOWED)[0]), GONE, "one that does not, by the server's address, %d" % round)
		tap.equal(source.count("a.deep.test"), 1, "the authority was asked once")


def what_cannot_be_judged(tap):
	"""A microsecond is too little for an answer of 300 records."""
	zones = dict(ZONES)
	zones["example"] += "".join("many A 198.18.%d.%d\n" % divmod(number, 250) for number in range(299)) + "many A 203.0.113.5\n"
	lists = [{"name": "addresses", "format": "rpz", "lines": ["$TTL 60", "32.5.113.0.203.rpz-ip CNAME ."]}]
	for fail, rcode in (("open", "NOERROR"), ("closed", "SERVFAIL")):
		with lab.Lab(zones) as here:
			here.start(lists, raw="verdict:\n\tanswer-budget: 1\n\tfail: %s\n" % fail)
			for round in ("first", "again"):
				answer, frame = here.ask("many.example", tcp=True)
				tap.equal(dns.rcode.to_text(answer.rcode()), rcode, "fail: %s, %s" % (fail, round))
			tap.equal(said(here.ask("www.example")[0]), ("NOERROR", ["192.0.2.80"]), "fail: %s: a small answer is judged in time" % fail)
			tap.ok(not here.cached("many.example"), "fail: %s: what is not judged is shared with nobody" % fail)
			tap.equal(here.unbound.output().count("longer than answer-budget"), 1, "fail: %s: the log says it once" % fail)
	with lab.Lab(zones) as here:
		here.start(lists, raw="verdict:\n\tanswer-budget: 1000000\n")
		answer, frame = here.ask("many.example", tcp=True)
		tap.equal(dns.rcode.to_text(answer.rcode()), "NXDOMAIN", "within its budget it is denied")


if __name__ == "__main__":
	lab.require()
	claims = [a_second_question_costs_nothing, what_is_kept_and_what_is_not, nothing_expired_is_served,
		without_rd_it_can_be_read_and_not_written, it_stays_within_its_size, who_served_it_is_remembered, delegations_are_shared,
		what_cannot_be_judged]
	if shutil.which("ldns-signzone") is not None:
		claims.append(signed_answers_stay_what_they_are)
	tap.run(*claims)
