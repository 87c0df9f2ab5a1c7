#!/usr/bin/python3
"""Denials that lead to another name: the client gets the CNAME and what the target has, and nothing is stored."""

import dns.flags
import dns.rcode

import lab
import slow
import tap
import volley

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
LONG = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 46, "evil", "bad"])   # with garden.example over 255 octets
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + """ns A 127.0.0.1
www A 192.0.2.80
to-evil CNAME middle
middle CNAME sunk.bad.
to-star CNAME star.bad.
""",
	"garden.example": "$ORIGIN garden.example.\n" + HEAD + """@ A 198.51.100.7
@ AAAA 2001:db8::7
@ MX 10 mail
hop CNAME @
*.star.bad A 198.51.100.9
star.bad A 198.51.100.10
""",
	"bad": "$ORIGIN bad.\n" + HEAD + "* A 192.0.2.66\n",
}
LISTS = [
	{"name": "sunk", "format": "domains", "action": "sinkhole", "lines": ["sunk.bad"], "ttl": 30,
		"sinkhole-name": "garden.example"},
	{"name": "stars", "format": "domains", "action": "sinkhole", "lines": ["star.bad", "evil.bad"], "ttl": 30,
		"sinkhole-name": "*.garden.example"},
	{"name": "rpz", "format": "rpz", "lines": ["$TTL 77", "@ SOA localhost. root.localhost. 42 1 1 1 1",
		"@ NS localhost.",
		"moved.bad CNAME hop.garden.example.", "gone.bad CNAME nothing.garden.example.",
		"lame.bad CNAME host.lame.test.", "first.bad CNAME second.bad.", "second.bad CNAME first.bad.",
		"named.bad CNAME *.garden.example."]},
	{"name": "late", "format": "domains", "action": "refuse", "lines": ["garden.example"]},
]
#  question, type, rcode, CNAMEs, data of that type, frame's (verdict, list), why
ROWS = [
	("sunk.bad", "A", "NOERROR", ["garden.example."], ["198.51.100.7"], ("sinkhole", "sunk"), "a sinkhole by name"),
	("host.sunk.bad", "AAAA", "NOERROR", ["garden.example."], ["2001:db8::7"], ("sinkhole", "sunk"), "each type it has"),
	("sunk.bad", "MX", "NOERROR", ["garden.example."], ["10 mail.garden.example."], ("sinkhole", "sunk"), "MX too"),
	("sunk.bad", "TXT", "NOERROR", ["garden.example."], [], ("sinkhole", "sunk"), "no data where the target has none"),
	("sunk.bad", "ANY", "NOERROR", ["garden.example."], [], ("sinkhole", "sunk"), "ANY asks for no more"),
	("sunk.bad", "CNAME", "NOERROR", ["garden.example."], ["garden.example."], ("sinkhole", "sunk"),
		"CNAME asks for no more"),
	("host.star.bad", "A", "NOERROR", ["host.star.bad.garden.example."], ["198.51.100.9"], ("sinkhole", "stars"),
		"each name gets its own below the garden"),
	("to-star.example", "A", "NOERROR", ["star.bad.", "star.bad.garden.example."], ["198.51.100.10"],
		("sinkhole", "stars"), "the denied name of a chain is put in front, not the question's"),
	("to-evil.example", "A", "NOERROR", ["garden.example.", "middle.example.", "sunk.bad."], ["198.51.100.7"],
		("sinkhole", "sunk"), "the chain up to the denied name stays"),
	("moved.bad", "A", "NOERROR", ["garden.example.", "hop.garden.example."], ["198.51.100.7"], ("local-data", "rpz"),
		"an alias of the target is followed"),
	("named.bad", "A", "NXDOMAIN", ["named.bad.garden.example."], [], ("local-data", "rpz"), "none in the garden"),
	("gone.bad", "A", "NXDOMAIN", ["nothing.garden.example."], [], ("local-data", "rpz"), "no such target"),
	("lame.bad", "A", "SERVFAIL", [], [], ("local-data", "rpz"), "a target that cannot be resolved"),
	("first.bad", "A", "NOERROR", ["second.bad."], ["192.0.2.66"], ("local-data", "rpz"), "no loop"),
	(LONG, "A", "YXDOMAIN", [], [], ("sinkhole", "stars"), "a name that does not fit below the garden"),
	("garden.example", "A", "REFUSED", [], [], ("refuse", "late"), "asked for by itself the garden is judged"),
	("www.example", "A", "NOERROR", [], ["192.0.2.80"], ("allow", None), "another name"),
]


def gardens_answer_with_what_the_target_has(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		for round in ("first", "again"):
			for name, qtype, rcode, aliases, data, said, why in ROWS:
				answer, frame = here.ask(name, qtype, want_dnssec=round == "again")
				why = "%s, %s" % (why, round)
				tap.equal(dns.rcode.to_text(answer.rcode()), rcode, "%s: rcode" % why)
				tap.equal((lab.rdata(answer, "CNAME"), lab.rdata(answer, qtype)), (aliases, data), "%s: records" % why)
				tap.ok(not answer.flags & dns.flags.AD, "%s: no AD" % why, answer)
				tap.equal((frame.extra.get("verdict"), frame.extra.get("list")), said, "%s: the frame" % why)
				if rcode == "NXDOMAIN" or (aliases and not data and qtype != "ANY"):
					tap.ok(any(rrset.rdtype == 6 for rrset in answer.authority), "%s: an SOA" % why, answer)
			answer, frame = here.ask("sunk.bad", tcp=True)
			tap.equal(lab.rdata(answer), ["198.51.100.7"], "over TCP, %s" % round)
		for name in ("sunk.bad", "to-evil.example", "middle.example", "moved.bad", "named.bad", "star.bad"):
			tap.ok(not here.cached(name), "%s is not in the message cache" % name)
		tap.equal(here.unbound.alive(), True, "the resolver lives")


def clients_may_leave_while_the_target_is_resolved(tap):
	"""Many questions for slow targets, clients that are gone, and a stop in the middle."""
	authority = slow.Authority({"slow.test": "60 IN A 198.51.100.77"}, delay=0.4)
	lists = [{"name": "sunk", "format": "domains", "action": "sinkhole", "lines": ["sunk.bad"],
		"sinkhole-name": "slow.test"}]
	with lab.Lab({"example": ZONES["example"]}) as here:
		here.start(lists, rest=authority.stub("slow.test"))
		answers = volley.udp(here.port, [("h%d.sunk.bad" % (number % 50), "A") for number in range(200)], window=200)
		tap.equal(sum(1 for one in answers if one.octets is not None), 200, "200 clients of one slow garden are answered")
		answer, _ = here.ask("h.sunk.bad", timeout=0.05)
		here.unbound.stop()
		tap.ok("internal error" not in here.unbound.output(), "nothing is left behind at the stop", here.unbound.output())


def more_gardens_than_the_resolver_has_room_for(tap):
	"""Waiting states are thrown out for new ones, by two threads, and none is left at the end."""
	authority = slow.Authority({"*": "60 IN A 198.51.100.77"}, delay=0.3)
	lists = [{"name": "stars", "format": "domains", "action": "sinkhole", "lines": ["star.bad"],
		"sinkhole-name": "*.slow.test"}]
	with lab.Lab({"example": ZONES["example"]}) as here:
		here.start(lists, threads=2, server="\tnum-queries-per-thread: 24\n", rest=authority.stub("slow.test"))
		questions = [("h%d.star.bad" % (number % 400), "A") for number in range(1200)]
		answers = volley.udp(here.port, questions, window=600, patience=3.0)
		answered = [one.octets for one in answers if one.octets is not None]
		tap.ok(len(answered) > 20, "some are answered", len(answered))
		tap.ok(all(volley.rcode(octets) in (0, 2) for octets in answered), "with the garden, or SERVFAIL")
		tap.ok(lab.wait_for(lambda: int(here.statistics()["total.requestlist.current.all"]) == 0, "empty request lists"),
			"no question stays behind")
		tap.equal(here.ask("once.star.bad")[0].rcode(), 0, "and a new one is answered")


if __name__ == "__main__":
	lab.require()
	tap.run(gardens_answer_with_what_the_target_has, clients_may_leave_while_the_target_is_resolved,
		more_gardens_than_the_resolver_has_room_for)
