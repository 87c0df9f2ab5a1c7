#!/usr/bin/python3
"""Every way by which an answer could slip past the guards, one by one."""

import os
import re
import subprocess
import time

import dns.flags
import dns.rcode

import lab
import tap
import test_dnssec
import transports
from meeting import Counting, PATIENT, groups, said, together

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + """ns A 127.0.0.1
ok A 192.0.2.80
hit A 203.0.113.5
hit TXT "no address"
to-hit CNAME to-hit2
to-hit2 CNAME hit
sold A 192.0.2.81
sold AAAA 2001:db8::81
to-sold CNAME sold
ns.sold A 127.0.0.1
both A 192.0.2.80
both A 203.0.113.5
tree DNAME under
fine.under A 192.0.2.82
hit.under A 203.0.113.6
""",
	"far.example": "$ORIGIN far.example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.sold.example.\nwww A 192.0.2.83\n",
}
GROUPS = groups(branch={"network": "127.0.1.0/24\n\tnetwork: 10.1.0.0/16"})
LISTS = [
	{"name": "names", "format": "domains", "group": "branch", "lines": ["sold.example", "sold.test"]},
	{"name": "addresses", "format": "rpz", "group": "branch", "lines": ["$TTL 60", "24.0.113.0.203.rpz-ip CNAME ."]},
]
NOBODY, BRANCH = "127.0.0.1", "127.0.1.1"
GONE = ("NXDOMAIN", [])
AT_ONCE = "\tserve-expired-client-timeout: 0\n"   # the default of new releases is to wait


def linked(module):
	"""Is the module part of this Unbound?"""
	version = subprocess.run([os.path.join(lab.SBIN, "unbound"), "-V"], capture_output=True, text=True).stdout
	return module in next(line for line in version.splitlines() if line.startswith("Linked modules")).split()


def no_escape(tap, here, why):
	here.unbound.stop()
	tap.ok(" 0 denied too late" in here.unbound.output(), why + ": nothing was denied too late", here.unbound.output())


def started(here, module="dynlib validator iterator", rest="", server="", **policy):
	here.start_nsd()
	here.start_capture()
	here.policy(LISTS, raw=GROUPS + policy.pop("raw", ""), **policy)
	here.start_unbound(module=module, server=server, rest=rest)


def both_get_their_own(tap, here, name, data, why, qtype="A", rounds=2, cached=False, **options):
	"""One client is allowed and one is not, alone and together, twice."""
	for round in range(rounds):
		for client, want in ((NOBODY, ("NOERROR", data)), (BRANCH, GONE), (NOBODY, ("NOERROR", data))):
			tap.equal(said(here.ask(name, qtype, client=client, **options)[0], qtype), want, "%s: %s, round %d" % (why, client, round))
	tap.equal(together(here, name, [BRANCH, NOBODY, BRANCH], qtype=qtype, **options), [GONE, ("NOERROR", data), GONE], why + ": together")
	tap.equal(here.cached(name, qtype), cached, "%s: %s is not in the message cache" % (why, name))


def chains(tap):
	with lab.Lab(ZONES) as here:
		started(here)
		both_get_their_own(tap, here, "to-sold.example", ["192.0.2.81"], "a chain to a name")
		# The aliases enter the RRset cache by another type, and are put together from there.
		tap.equal(said(here.ask("to-hit.example", "TXT", client=BRANCH)[0], "TXT"), ("NOERROR", ['"no address"']), "a chain, another type")
		both_get_their_own(tap, here, "to-hit.example", ["203.0.113.5"], "a chain rebuilt from the RRset cache")
		tap.equal(said(here.ask("fine.tree.example", client=BRANCH)[0]), ("NOERROR", ["192.0.2.82"]), "a DNAME is cached")
		both_get_their_own(tap, here, "hit.tree.example", ["203.0.113.6"], "a DNAME of the RRset cache")
		both_get_their_own(tap, here, "both.example", ["192.0.2.80", "203.0.113.5"], "one address of two")
		code, text = here.control("dump_cache")
		tap.ok("A\t192.0.2.82" in text, "what everybody may have is in Unbound's caches")
		for denied in ("203.0.113.", "192.0.2.81"):
			tap.ok(denied not in text, "%s, which somebody is denied, is in none of them" % denied, text)
		no_escape(tap, here, "chains")


def subqueries(tap):
	"""ns.sold.example is asked for by Unbound itself, to get at far.example."""
	with lab.Lab(dict(ZONES)) as here:
		here.start_nsd()
		here.start_capture()
		here.policy(LISTS, raw=GROUPS)
		del here.zones["far.example"]
		here.start_unbound(rest='stub-zone:\n\tname: "far.example"\n\tstub-host: ns.sold.example@%d\n' % here.nsd_port)
		tap.equal(together(here, "www.far.example", [BRANCH, NOBODY]), [("NOERROR", ["192.0.2.83"])] * 2,
			"a zone whose server's name is denied")
		tap.ok(not here.cached("ns.sold.example"), "the server's name is not in the message cache")
		both_get_their_own(tap, here, "ns.sold.example", ["127.0.0.1"], "the server's name")
		no_escape(tap, here, "sub-queries")


def is_idle(here):
	"""Is Unbound at no question at all?"""
	return int(here.statistics()["total.requestlist.current.all"]) == 0


def expired_answers(tap):
	"""A name that everybody may have is cached and expires; then its address moves into a denied network."""
	new = ("NOERROR", ["203.0.113.9"])
	for why, server in (("without limit", AT_ONCE + "\tserve-expired-ttl: 0\n"),
			("a reply TTL", AT_ONCE + "\tserve-expired-reply-ttl: 5\n"),
			("with a limit", AT_ONCE + "\tserve-expired-ttl: 3600\n\tserve-expired-ttl-reset: yes\n"),
			("after a timeout", "\tserve-expired-ttl: 0\n\tserve-expired-client-timeout: 100\n")):
		source = Counting({"moving.test": "1 IN A 192.0.2.9"}, delay=0.05)
		with lab.Lab(ZONES) as here:
			started(here, server=PATIENT + "\tserve-expired: yes\n" + server, rest=source.stub("test"))
			tap.equal(said(here.ask("moving.test", client=BRANCH)[0]), ("NOERROR", ["192.0.2.9"]), "serve-expired %s: the old address" % why)
			source.answers["moving.test"], source.delay = "60 IN A 203.0.113.9", 0.5
			time.sleep(2.1)
			got = said(here.ask("moving.test", client=BRANCH)[0])
			tap.equal(got, ("NOERROR", ["192.0.2.9"]), "serve-expired %s: expired, and allowed to everybody" % why)
			lab.wait_for(lambda: source.count("moving.test") >= 2 and is_idle(here), "the refresh")
			tap.equal(together(here, "moving.test", [BRANCH, NOBODY]), [GONE, new], "serve-expired %s: the new one" % why)
			tap.ok(not here.cached("moving.test"), "serve-expired %s: neither is in the message cache" % why)
			no_escape(tap, here, "serve-expired " + why)


def our_own_servfail(tap):
	"""What cannot be judged in time is SERVFAIL with `fail: closed`, and Unbound must not look for something older."""
	first = ZONES["example"] + "many 1 A 192.0.2.1\n"
	many = ZONES["example"] + "".join("many 1 A 198.18.%d.%d\n" % divmod(number, 250) for number in range(300))
	with lab.Lab({"example": first}) as here:
		started(here, server="\tserve-expired: yes\n\tserve-expired-ttl: 0\n\tserve-expired-client-timeout: 60000\n",
			raw="verdict:\n\tanswer-budget: 1\n\tfail: closed\n")
		tap.equal(said(here.ask("many.example")[0]), ("NOERROR", ["192.0.2.1"]), "a small answer")
		here.nsd.stop()
		here.zones["example"] = many
		here.start_nsd()
		time.sleep(2.1)
		answer, _ = here.ask("many.example", tcp=True)
		tap.equal(answer.rcode(), dns.rcode.SERVFAIL, "SERVFAIL of ours is not replaced by an expired answer")


def validated_answers(tap):
	zone, ds = test_dnssec.signed_zone()
	lists = [{"name": "addresses", "format": "rpz", "group": "branch", "lines": ["$TTL 60", "32.80.2.0.192.rpz-ip CNAME ."]}]
	with lab.Lab({"signed": zone}) as here:
		here.start(lists, server='\ttrust-anchor: "%s"\n' % ds, raw=GROUPS)
		for want_dnssec in (False, True):
			both_get_their_own(tap, here, "www.signed", ["192.0.2.80"], "a signed answer, DO=%d" % want_dnssec, want_dnssec=want_dnssec)
		answer, _ = here.ask("www.signed", client=NOBODY, want_dnssec=True)
		tap.ok(answer.flags & dns.flags.AD, "who may have it gets it validated")
		answer, _ = here.ask("www.signed", client=BRANCH, want_dnssec=True)
		tap.ok(not answer.flags & dns.flags.AD, "a made answer has no AD")
		no_escape(tap, here, "the validator")


def wildcards(tap):
	"""The validator keeps the wildcard of a signed answer, and with aggressive-nsec other names are answered by it."""
	plain = test_dnssec.ZONE
	test_dnssec.ZONE += "*.wild A 203.0.113.7\n*.free A 192.0.2.7\n"
	zone, ds = test_dnssec.signed_zone()
	test_dnssec.ZONE = plain
	with lab.Lab({"signed": zone}) as here:
		started(here, server='\ttrust-anchor: "%s"\n\taggressive-nsec: yes\n' % ds)
		for name in ("a.wild.signed", "b.wild.signed"):
			both_get_their_own(tap, here, name, ["203.0.113.7"], "a signed wildcard")
		tap.equal(said(here.ask("a.free.signed", client=BRANCH)[0]), ("NOERROR", ["192.0.2.7"]), "one that nobody is denied")
		code, text = here.control("dump_cache")
		tap.ok("*.free.signed." in text, "its wildcard is in the RRset cache")
		tap.ok("*.wild.signed." not in text, "that of the denied one is not")
		no_escape(tap, here, "wildcards")


def translated_addresses(tap):
	"""dns64 makes AAAA of A, stores them itself and puts no_cache_store back."""
	with lab.Lab(ZONES) as here:
		started(here, module="dynlib dns64 validator iterator")
		both_get_their_own(tap, here, "hit.example", ["64:ff9b::cb00:7105"], "dns64", qtype="AAAA")
		both_get_their_own(tap, here, "sold.example", ["2001:db8::81"], "dns64: a name", qtype="AAAA")
		tap.equal(said(here.ask("ok.example", "AAAA", client=BRANCH)[0], "AAAA"), ("NOERROR", ["64:ff9b::c000:250"]), "dns64: another")
		tap.ok(here.cached("ok.example", "AAAA"), "dns64: which is in the message cache")
		no_escape(tap, here, "dns64")


def other_modules(tap):
	"""What response-ip and ECS give to one client stays out of the guarded cache."""
	for module, server in (
			("dynlib respip validator iterator", "\tdefine-tag: \"x\"\n\taccess-control-tag: 127.0.0.1/32 \"x\"\n"
				"\tresponse-ip-tag: 192.0.2.81/32 \"x\"\n\taccess-control-tag-action: 127.0.0.1/32 \"x\" redirect\n"
				"\taccess-control-tag-data: 127.0.0.1/32 \"x\" \"A 192.0.2.99\"\n"),
			("dynlib subnetcache validator iterator", "\tmax-client-subnet-ipv4: 24\n")):
		name = module.split()[1]
		if not linked(name):
			tap.skip(name, "this Unbound is built without it")
			continue
		with lab.Lab(ZONES) as here:
			started(here, module=module, server=server)
			data = ["192.0.2.99"] if name == "respip" else ["192.0.2.81"]
			both_get_their_own(tap, here, "sold.example", data, name)
			tap.equal(said(here.ask("sold.example", client="127.0.0.3")[0]), ("NOERROR", ["192.0.2.81"]), name + ": another client")
			tap.equal(said(here.ask("sold.example", client=NOBODY)[0]), ("NOERROR", data), name + ": and the first again")
			both_get_their_own(tap, here, "hit.example", ["203.0.113.5"], name + ": an address")
			no_escape(tap, here, name)
	if not linked("cachedb"):
		tap.skip("cachedb keeps no answer that somebody is denied", "this Unbound is built without cachedb")
		return
	with lab.Lab(ZONES) as here:
		started(here, module="dynlib validator cachedb iterator", rest='cachedb:\n\tbackend: "testframe"\n\tsecret-seed: "x"\n')
		both_get_their_own(tap, here, "sold.example", ["192.0.2.81"], "cachedb")
		both_get_their_own(tap, here, "hit.example", ["203.0.113.5"], "cachedb: an address")
		no_escape(tap, here, "cachedb")


def every_transport(tap):
	ways, missing = transports.all_of_them()
	for name, reason in missing.items():
		tap.skip(name, reason)
	with lab.Lab(ZONES) as here:
		started(here, server=transports.server(here))
		for round in ("first", "again"):
			for way, ask in ways.items():
				for client, want in ((NOBODY, ("NOERROR", ["192.0.2.81"])), (BRANCH, GONE)):
					tap.equal(said(ask(here, "to-sold.example", "A", client)), want, "%s: %s, %s" % (way, client, round))
				name = way[:3].lower() + way[-3:].lower().strip() + round + ".sold.example"
				tap.equal(said(ask(here, name.replace(" ", ""), "A", BRANCH)), GONE, "%s: at the question, %s" % (way, round))
				tap.equal(said(ask(here, "tO-sOLd.ExAmPle", "A", BRANCH)), GONE, "%s: in mixed case, %s" % (way, round))
		no_escape(tap, here, "transports")


def other_questions(tap):
	with lab.Lab(ZONES) as here:
		started(here, server="\taccess-control: 127.0.0.0/8 allow_snoop\n\tuse-caps-for-id: yes\n")
		for name, data in (("sold.example", ["192.0.2.81"]), ("hit.example", ["203.0.113.5"])):
			for round in range(2):
				answer, _ = here.ask(name, "ANY", client=NOBODY)
				tap.equal(lab.rdata(answer), data, "ANY: %s, who may have it, %d" % (name, round))
				answer, frame = here.ask(name, "ANY", client=BRANCH)
				tap.equal(said(answer), GONE, "ANY: %s, who may not, %d" % (name, round))
			for flags in (0, dns.flags.RD):
				tap.equal(said(here.ask(name, client=BRANCH, flags=flags)[0]), GONE, "%s: flags %d" % (name, flags))
			tap.equal(said(here.ask(name, client=NOBODY, flags=0)[0]), ("NOERROR", data), "%s: RD=0, who may have it" % name)
		no_escape(tap, here, "other questions")


# Which tests above or elsewhere stand for each path of policy/facts.c that a module sees.
SEEN = {
	"resolved": "all of the above", "cached": "all of the above", "local": "test_verdicts", "chaos": "test_verdicts",
	"servfail": "our_own_servfail", "dropped": "test_drop",
}


def the_table_of_paths_is_this_one(tap):
	with open(os.path.join(lab.SRCDIR, "policy/facts.c")) as file:
		rows = re.findall(r'\[PATH_\w+\] = \{ "(\w+)", (true|false), (true|false), (true|false) \}', file.read())
	tap.equal({row[0] for row in rows if row[1] == "true"}, set(SEEN), "the paths that a module sees are those with a test")
	tap.equal({row[0] for row in rows if row[3] == "true"}, set(SEEN), "each of them is framed")
	tap.equal({row[0] for row in rows if row[2] == "true"}, {"resolved", "dropped"}, "two of them can be denied")


if __name__ == "__main__":
	lab.require()
	tap.run(the_table_of_paths_is_this_one, chains, subqueries, expired_answers, our_own_servfail, validated_answers, wildcards,
		translated_addresses, other_modules, every_transport, other_questions)
