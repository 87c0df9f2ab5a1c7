#!/usr/bin/python3
"""Rules for what an answer holds, who serves it and who asks for it: what clients get, and what no cache keeps."""

import threading

import dns.flags
import dns.rcode

import lab
import slow
import tap

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n"
NS = "@ NS ns.example.\n"
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + NS + """ns A 127.0.0.1
ok A 192.0.2.80
ok HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80
hit A 203.0.113.5
two A 192.0.2.81
two A 203.0.113.5
kept A 203.0.113.9
alias CNAME hit
six AAAA 2001:db8:bad::1
mapped AAAA ::ffff:203.0.113.5
four HTTPS 1 . ipv4hint=192.0.2.1,203.0.113.5
far HTTPS 1 . ipv6hint=2001:db8:bad::1
walled A 198.51.100.77
local A 198.51.100.78
silent A 198.51.100.79
big A 198.51.100.80
text TXT "203.0.113.5"
tree DNAME under
fine.under A 192.0.2.82
""" + "".join("many A 198.18.%d.%d\n" % divmod(number, 250) for number in range(299)) + "many A 203.0.113.5\n",
	"garden.example": "$ORIGIN garden.example.\n" + HEAD + NS + "* A 198.51.100.7\n",
	"victim.bad": "$ORIGIN victim.bad.\n" + HEAD + "@ NS ns1.crime.bad.\nwww A 192.0.2.90\nwww MX 10 mail\n",
	"crowd.bad": "$ORIGIN crowd.bad.\n" + HEAD + "".join("@ NS n%d\n" % number for number in range(19))
		+ "@ NS ns1.crime.bad.\n",
	"crime.bad": "$ORIGIN crime.bad.\n" + HEAD + "@ NS ns1\nns1 A 127.0.0.1\n",
	"other.bad": "$ORIGIN other.bad.\n" + HEAD + "@ NS ns.other.bad.\nns A 127.0.0.1\nwww A 192.0.2.91\n"
		"to-victim CNAME www.victim.bad.\n",
}
LISTS = [
	{"name": "rpz", "format": "rpz", "lines": ["$TTL 77", "@ SOA localhost. root.localhost. 42 1 1 1 1",
		"@ NS localhost.",
		"24.0.113.0.203.rpz-ip CNAME .", "32.9.113.0.203.rpz-ip CNAME rpz-passthru.", "48.zz.bad.db8.2001.rpz-ip CNAME *.",
		"32.77.100.51.198.rpz-ip CNAME *.garden.example.", "32.78.100.51.198.rpz-ip A 192.0.2.1",
		"32.79.100.51.198.rpz-ip CNAME rpz-drop.", "32.80.100.51.198.rpz-ip CNAME rpz-tcp-only.",
		"ns1.crime.bad.rpz-nsdname CNAME .", "nope.under.example CNAME ."]},
]
#  question, type, rcode, data of that type, frame's (verdict, trigger), why
ROWS = [
	("ok.example", "A", "NOERROR", ["192.0.2.80"], ("allow", None), "an address that no rule has"),
	("hit.example", "A", "NXDOMAIN", [], ("nxdomain", "IP"), "an address in a network"),
	("two.example", "A", "NXDOMAIN", [], ("nxdomain", "IP"), "one address of two"),
	("many.example", "A", "NXDOMAIN", [], ("nxdomain", "IP"), "one address of 300"),
	("kept.example", "A", "NOERROR", ["203.0.113.9"], ("pass", "IP"), "the longer prefix passes"),
	("alias.example", "A", "NXDOMAIN", [], ("nxdomain", "IP"), "behind an alias"),
	("six.example", "AAAA", "NOERROR", [], ("nodata", "IP"), "an IPv6 network"),
	("mapped.example", "AAAA", "NXDOMAIN", [], ("nxdomain", "IP"), "an IPv4 address inside an IPv6 one"),
	("four.example", "HTTPS", "NXDOMAIN", [], ("nxdomain", "IP"), "an ipv4hint"),
	("far.example", "HTTPS", "NOERROR", [], ("nodata", "IP"), "an ipv6hint"),
	("walled.example", "A", "NOERROR", ["198.51.100.7"], ("local-data", "IP"), "an address leads to a garden"),
	("local.example", "A", "NOERROR", ["192.0.2.1"], ("local-data", "IP"), "an address gets local data"),
	("fine.tree.example", "A", "NOERROR", ["192.0.2.82"], ("allow", None), "a name by a DNAME, which is cached then"),
	("nope.tree.example", "A", "NXDOMAIN", [], ("nxdomain", "QNAME"), "another, which is denied and does not exist"),
	("text.example", "TXT", "NOERROR", ['"203.0.113.5"'], ("allow", None), "a text is no address"),
	("www.victim.bad", "A", "NXDOMAIN", [], ("nxdomain", "NSDNAME"), "a name server's name"),
	("www.victim.bad", "MX", "NXDOMAIN", [], ("nxdomain", "NSDNAME"), "a name server's name, another type"),
	("nothing.victim.bad", "A", "NXDOMAIN", [], ("nxdomain", "NSDNAME"), "a name server's name, without an answer"),
	("to-victim.other.bad", "A", "NXDOMAIN", [], ("nxdomain", "NSDNAME"), "a name server's name behind an alias"),
	("crowd.bad", "NS", "NXDOMAIN", [], ("nxdomain", "NSDNAME"), "one name server of 20"),
	("www.other.bad", "A", "NOERROR", ["192.0.2.91"], ("allow", None), "another name server"),
]


def answers_are_judged_by_what_they_hold(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start_nsd()
		here.start_capture()
		here.policy(LISTS, raw="verdict:\n\tanswer-budget: 1000000\n")
		# A zone whose server is known by its name, as a delegation says it.
		del here.zones["victim.bad"]
		here.start_unbound(rest='stub-zone:\n\tname: "victim.bad"\n\tstub-host: ns1.crime.bad@%d\n' % here.nsd_port)
		for round in ("first", "again"):
			for name, qtype, rcode, data, said, why in ROWS:
				answer, frame = here.ask(name, qtype)
				why = "%s, %s" % (why, round)
				tap.equal((dns.rcode.to_text(answer.rcode()), lab.rdata(answer, qtype)), (rcode, data), "%s: the answer" % why)
				tap.equal((frame.extra.get("verdict"), frame.extra.get("trigger")), said, "%s: the frame" % why)
			tap.ok(here.ask("silent.example", timeout=1.0)[0] is None, "an address that is dropped, %s" % round)
			answer, _ = here.ask("big.example")
			tap.ok(answer.flags & dns.flags.TC and not answer.answer, "an address for TCP only, %s" % round, answer)
			tap.equal(lab.rdata(here.ask("big.example", tcp=True)[0]), ["198.51.100.80"], "over TCP, %s" % round)
		denied = [row for row in ROWS if row[4][0] not in ("allow", "pass")]
		for name, qtype, *_ in denied + [("silent.example", "A"), ("big.example", "A")]:
			tap.ok(not here.cached(name, qtype), "%s %s is not in the message cache" % (name, qtype))
		tap.ok(here.cached("ok.example") and here.cached("kept.example"), "what is allowed is in the message cache")
		here.unbound.stop()
		tap.ok(" 0 denied too late" in here.unbound.output(), "nothing was denied too late", here.unbound.output())


def answers_are_judged_by_who_gave_them(tap):
	lists = [{"name": "known", "format": "domains", "action": "pass", "lines": ["ok.example"]},
		{"name": "rpz", "format": "rpz", "lines": ["32.1.0.0.127.rpz-nsip CNAME *.", "128.1.zz.rpz-nsip CNAME ."]}]
	with lab.Lab(ZONES) as here:
		here.start(lists)
		for round in ("first", "again"):
			answer, frame = here.ask("www.other.bad")
			tap.equal((answer.rcode(), lab.rdata(answer), frame.extra.get("trigger")), (0, [], "NSIP"),
				"a name server's address, %s" % round)
			tap.equal(frame.extra.get("verdict"), "nodata", "a name server's address: the frame, %s" % round)
			answer, frame = here.ask("ok.example")
			tap.equal(lab.rdata(answer), ["192.0.2.80"], "an earlier list passes the name, %s" % round)
		for name in ("www.other.bad", "ok.example"):
			tap.equal(here.cached(name), name == "ok.example", "%s and the message cache" % name)


CLIENTS = [
	{"name": "clients", "format": "rpz", "lines": ["$TTL 60", "32.2.0.0.127.rpz-client-ip CNAME .",
		"32.3.0.0.127.rpz-client-ip CNAME rpz-passthru."]},
	{"name": "names", "format": "domains", "action": "refuse", "lines": ["refused.test"]},
]


def each_client_gets_its_own_verdict(tap):
	"""Before, while and after others ask the same question."""
	answers = {"%s.test" % name: "60 IN A 192.0.2.9" for name in ("met", "later", "refused")}
	authority = slow.Authority(answers, delay=0.3)
	got = ("NOERROR", ["192.0.2.9"])
	wanted = {"127.0.0.1": got, "127.0.0.2": ("NXDOMAIN", []), "127.0.0.3": got}
	refused = dict(wanted, **{"127.0.0.1": ("REFUSED", [])})

	def said(answer):
		return answer and (dns.rcode.to_text(answer.rcode()), lab.rdata(answer))

	def together(here, name, clients):
		found = {}
		def ask(client):
			found[client] = said(here.ask(name, client=client)[0])
		threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		return found

	with lab.Lab({"example": ZONES["example"]}) as here:
		here.start(CLIENTS, rest=authority.stub("test"))
		for name, expected in (("met.test", wanted), ("later.test", wanted), ("refused.test", refused)):
			for order in (["127.0.0.1", "127.0.0.2", "127.0.0.3"], ["127.0.0.2", "127.0.0.1", "127.0.0.3"]):
				tap.equal(together(here, name, order), expected, "%s, together, %s first" % (name, order[0]))
			for client in ("127.0.0.2", "127.0.0.1", "127.0.0.3", "127.0.0.2"):
				tap.equal(said(here.ask(name, client=client)[0]), expected[client], "%s, afterwards, %s" % (name, client))
			tap.ok(not here.cached(name), "%s, which is denied to one client, is not in the message cache" % name)
		here.unbound.stop()
		tap.ok(" 0 denied too late" in here.unbound.output(), "nothing was denied too late", here.unbound.output())


def https_records_lose_what_is_asked_for(tap):
	zones = {"example": "$ORIGIN example.\n" + HEAD + NS + """ns A 127.0.0.1
full HTTPS 1 . mandatory=alpn,ipv4hint alpn=h2 ipv4hint=192.0.2.80 ech=AEX+DQA= ipv6hint=2001:db8::80
full A 192.0.2.80
plain HTTPS 1 . alpn=h2
_dns.full SVCB 1 full ech=AEX+DQA= ipv4hint=192.0.2.80
trusted HTTPS 1 . ipv4hint=192.0.2.80 ech=AEX+DQA=
alias HTTPS 0 full
"""}
	lists = [{"name": "trusted", "format": "domains", "action": "pass", "lines": ["trusted.example"]}]
	full = ['1 . mandatory="alpn,ipv4hint" alpn="h2" ipv4hint="192.0.2.80" ech="AEX+DQA=" ipv6hint="2001:db8::80"']
	trusted = ['1 . ipv4hint="192.0.2.80" ech="AEX+DQA="']
	modes = {
		"pass": (full, ['1 full.example. ipv4hint="192.0.2.80" ech="AEX+DQA="'], ['1 . alpn="h2"']),
		"block": ([], [], []),
		"strip-hints": (['1 . mandatory="alpn" alpn="h2" ech="AEX+DQA="'], ['1 full.example. ech="AEX+DQA="'],
			['1 . alpn="h2"']),
		"strip-ech": (['1 . mandatory="alpn,ipv4hint" alpn="h2" ipv4hint="192.0.2.80" ipv6hint="2001:db8::80"'],
			['1 full.example. ipv4hint="192.0.2.80"'], ['1 . alpn="h2"']),
	}
	for mode, (https, svcb, plain) in modes.items():
		with lab.Lab(zones) as here:
			here.start_nsd()
			here.policy(lists, raw="verdict:\n\thttps: %s\n" % mode)
			here.start_unbound()
			for round in ("resolved", "again"):
				for name, qtype, data in (("full.example", "HTTPS", https), ("_dns.full.example", "SVCB", svcb),
						("plain.example", "HTTPS", plain), ("trusted.example", "HTTPS", trusted),
						("full.example", "A", ["192.0.2.80"]),
						("alias.example", "HTTPS", ["0 full.example."] if mode != "block" else [])):
					answer, frame = here.ask(name, qtype)
					tap.equal((answer.rcode(), lab.rdata(answer, qtype)), (0, data),
						"https: %s: %s %s, %s" % (mode, name, qtype, round))
			answer, frame = here.ask("full.example", "HTTPS")
			tap.equal((frame.extra.get("verdict"), frame.extra.get("path")),
				("nodata", "resolved") if mode == "block" else ("allow", "cached"), "https: %s: the frame" % mode)
			tap.equal(here.cached("full.example", "HTTPS"), mode != "block",
				"https: %s: unsigned records are cached as clients get them" % mode)


def https_records_lose_what_a_list_asks_for(tap):
	zones = {"example": "$ORIGIN example.\n" + HEAD + NS + """ns A 127.0.0.1
listed HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80 ech=AEX+DQA=
www.listed HTTPS 1 . ipv4hint=192.0.2.80 ech=AEX+DQA=
other HTTPS 1 . ipv4hint=192.0.2.80 ech=AEX+DQA=
"""}
	lists = [{"name": "trusted", "format": "domains", "action": "pass", "lines": ["www.listed.example"]},
		{"name": "hints", "format": "domains", "action": "observe", "https": "strip-hints",
			"lines": ["listed.example"]}]
	whole = ['1 . ipv4hint="192.0.2.80" ech="AEX+DQA="']
	rows = (("listed.example", ['1 . alpn="h2" ech="AEX+DQA="'], "observe"), ("www.listed.example", whole, "pass"),
		("other.example", whole, "allow"))
	with lab.Lab(zones) as here:
		here.start_nsd()
		here.policy(lists)
		here.start_unbound()
		for round in ("resolved", "cached"):
			for name, data, verdict in rows:
				answer, frame = here.ask(name, "HTTPS")
				tap.equal((answer.rcode(), lab.rdata(answer, "HTTPS"), frame.extra.get("verdict"),
					frame.extra.get("path")), (0, data, verdict, round), "%s, %s" % (name, round))


if __name__ == "__main__":
	lab.require()
	tap.run(answers_are_judged_by_what_they_hold, answers_are_judged_by_who_gave_them,
		each_client_gets_its_own_verdict, https_records_lose_what_is_asked_for,
		https_records_lose_what_a_list_asks_for)
