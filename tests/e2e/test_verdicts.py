#!/usr/bin/python3
"""What each action sends to the client, what stays out of the cache, and what the frame says of it."""

import re

import dns.flags
import dns.rcode

import lab
import tap

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + """ns A 127.0.0.1
www A 192.0.2.80
www AAAA 2001:db8::80
www TXT "an allowed text"
alias CNAME www
to-refused CNAME refused
to-nx CNAME middle
middle CNAME nx
to-sink CNAME sink
refused A 192.0.2.66
nx A 192.0.2.66
sink A 192.0.2.66
sink MX 10 mail.sink
noans A 192.0.2.66
big A 192.0.2.77
silent A 192.0.2.66
portal.wild A 192.0.2.88
watched A 192.0.2.89
shy A 192.0.2.90
below.dname-target A 192.0.2.91
tree DNAME dname-target
""",
}
LISTS = [
	{"name": "allow", "format": "domains", "action": "pass", "lines": ["portal.wild.example"]},
	{"name": "rpz", "format": "rpz", "lines": ["$TTL 77", "@ SOA localhost. root.localhost. 42 1 1 1 1", "@ NS localhost.",
		"local.example A 198.51.100.80", "local.example TXT \"of the policy\"", "gone.example CNAME .",
		"empty.example CNAME *.", "moved.example CNAME www.example."]},
	{"name": "refuse", "format": "domains", "action": "refuse", "lines": ["refused.example", "dname-target.example"],
		"category": "test", "attack": "T1071.004"},
	{"name": "nx", "format": "domains", "action": "nxdomain", "lines": ["nx.example"]},
	{"name": "nodata", "format": "hosts", "action": "nodata", "lines": ["0.0.0.0 noans.example"]},
	{"name": "sink", "format": "domains", "action": "sinkhole", "lines": ["sink.example"], "ttl": 30,
		"sinkhole-address": ["192.0.2.1", "2001:db8::1"]},
	{"name": "drop", "format": "domains", "action": "drop", "lines": ["silent.example"]},
	{"name": "tc", "format": "domains", "action": "truncate", "lines": ["big.example"]},
	{"name": "wild", "format": "wildcard", "action": "nxdomain", "lines": ["*.wild.example"]},
	{"name": "watch", "format": "domains", "action": "observe", "lines": ["watched.example"]},
	{"name": "would", "format": "domains", "action": "refuse", "shadow": "yes", "lines": ["shy.example"]},
]
LONG = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 53, "example"])   # 255 octets
LISTS.append({"name": "n" * 63, "format": "domains", "action": "nxdomain", "lines": [LONG]})
# why, name, type, rcode, data of the answer, EDE code, verdict, path, list
ROWS = [
	("an unlisted name is allowed", "www.example", "A", "NOERROR", ["192.0.2.80"], None, "allow", "resolved", None),
	("and comes from the cache then", "www.example", "A", "NOERROR", ["192.0.2.80"], None, "allow", "cached", None),
	("any type of it", "www.example", "AAAA", "NOERROR", ["2001:db8::80"], None, "allow", "resolved", None),
	("NXDOMAIN of the authority is no denial", "no.such.example", "A", "NXDOMAIN", [], None, "allow", "resolved", None),
	("nxdomain", "nx.example", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "nx"),
	("nxdomain again: a denial is not cached", "nx.example", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "nx"),
	("a listed domain covers what is below it", "a.b.nx.example", "AAAA", "NXDOMAIN", [], 15, "nxdomain", "resolved", "nx"),
	("letter case does not matter", "A.nX.eXample", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "nx"),
	("nodata", "noans.example", "A", "NOERROR", [], 15, "nodata", "resolved", "nodata"),
	("a hosts line covers its name only", "below.noans.example", "A", "NXDOMAIN", [], None, "allow", "resolved", None),
	("refuse", "refused.example", "A", "REFUSED", [], 15, "refuse", "resolved", "refuse"),
	("a sinkhole answers with its address", "sink.example", "A", "NOERROR", ["192.0.2.1"], 4, "sinkhole", "resolved", "sink"),
	("in both families", "sink.example", "AAAA", "NOERROR", ["2001:db8::1"], 4, "sinkhole", "resolved", "sink"),
	("and has no other records", "sink.example", "MX", "NOERROR", [], 4, "sinkhole", "resolved", "sink"),
	("a wildcard", "x.y.wild.example", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "wild"),
	("pass goes before a later list", "portal.wild.example", "A", "NOERROR", ["192.0.2.88"], None, "pass", "resolved", "allow"),
	("pass from the cache", "portal.wild.example", "A", "NOERROR", ["192.0.2.88"], None, "pass", "cached", "allow"),
	("local data", "local.example", "A", "NOERROR", ["198.51.100.80"], 4, "local-data", "resolved", "rpz"),
	("local data of another type", "local.example", "TXT", "NOERROR", ['"of the policy"'], 4, "local-data", "resolved", "rpz"),
	("local data without that type", "local.example", "MX", "NOERROR", [], 4, "local-data", "resolved", "rpz"),
	("nxdomain of an RPZ", "gone.example", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "rpz"),
	("nodata of an RPZ", "empty.example", "A", "NOERROR", [], 15, "nodata", "resolved", "rpz"),
	("observe lets it through and says so", "watched.example", "A", "NOERROR", ["192.0.2.89"], None, "observe", "resolved", "watch"),
	("a chain to an allowed name", "alias.example", "A", "NOERROR", ["192.0.2.80"], None, "allow", "resolved", None),
	("a chain to a denied name", "to-refused.example", "A", "REFUSED", [], 15, "refuse", "resolved", "refuse"),
	("again: it is not cached", "to-refused.example", "A", "REFUSED", [], 15, "refuse", "resolved", "refuse"),
	("a longer chain", "to-nx.example", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "nx"),
	("a link of that chain", "middle.example", "A", "NXDOMAIN", [], 15, "nxdomain", "resolved", "nx"),
	("a chain into a sinkhole", "to-sink.example", "A", "NOERROR", ["192.0.2.1"], 4, "sinkhole", "resolved", "sink"),
	("a DNAME into a denied domain", "below.tree.example", "A", "REFUSED", [], 15, "refuse", "resolved", "refuse"),
	("again: the DNAME in the cache does not help", "below.tree.example", "A", "REFUSED", [], 15, "refuse", "resolved", "refuse"),
]


def check_row(tap, here, row, tcp=False):
	why, name, qtype, rcode, data, code, verdict, path, rule_list = row
	answer, frame = here.ask(name, qtype, tcp=tcp)
	got = (dns.rcode.to_text(answer.rcode()), lab.rdata(answer, qtype), (lab.ede(answer) or (None,))[0])
	tap.equal(got, (rcode, data, code), "%s: rcode, data and EDE" % why)
	if not tap.ok(frame is not None, "%s: a frame arrives" % why):
		return None, None
	said = (frame.extra.get("verdict"), frame.extra.get("path"), frame.extra.get("list"))
	tap.equal(said, (verdict, path, rule_list), "%s: verdict, path and list in the frame" % why)
	tap.equal((frame.response.rcode(), lab.rdata(frame.response, qtype)), (answer.rcode(), lab.rdata(answer, qtype)),
		"%s: the frame carries the answer" % why)
	return answer, frame


def each_action_sends_what_it_says(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		for row in ROWS:
			check_row(tap, here, row)
		for row in [row for row in ROWS if row[5] is not None]:
			check_row(tap, here, (row[0] + ", over TCP",) + row[1:], tcp=True)
		for name in ("to-refused.example", "to-nx.example", "middle.example", "refused.example", "below.tree.example"):
			tap.ok(not here.cached(name), "%s is not in the message cache" % name)
		tap.ok(here.cached("www.example"), "an allowed name is in the message cache")
		here.unbound.stop()
		tap.ok(" 0 denied too late" in here.unbound.output(), "nothing was denied too late", here.unbound.output())


def a_denial_can_be_traced(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		answer, frame = here.ask("host.refused.example")
		code, text = lab.ede(answer)
		number = re.search(r"[0-9a-f]{12}\.[0-9]+\.[0-9]+", text)
		tap.ok(number is not None, "the EDE carries an incident number", text)
		tap.ok("refuse" in text and "refused.example" in text, "the EDE names list and rule", text)
		tap.equal(frame.extra.get("incident"), number.group(0), "the frame with that number arrives")
		tap.equal("%s.%d.%d" % (frame.extra["boot"], frame.extra["worker"], frame.extra["seq"]), number.group(0),
			"the number is boot, worker and counter")
		tap.equal((frame.extra.get("category"), frame.extra.get("attack")), ("test", ["T1071.004"]), "category and ATT&CK id")
		tap.ok(frame.policy is not None and "refuse" in frame.policy.rule and frame.policy.action is not None,
			"the policy field is set", frame.policy)
		tap.equal(frame.identity, "lab", "the configured identity")
		answer, frame = here.ask("refused.example", edns=False)
		tap.ok(answer.rcode() == dns.rcode.REFUSED and not answer.options, "without EDNS there is no EDE", answer)
		answer, frame = here.ask("sink.example")
		tap.ok(all(rrset.ttl <= 30 for rrset in answer.answer), "the list's ttl holds", answer)
		answer, frame = here.ask("nx.example")
		tap.ok(any(rrset.rdtype == dns.rdatatype.SOA for rrset in answer.authority), "a negative answer has an SOA", answer)
		answer, frame = here.ask("sink.example", rdclass="CH")
		tap.ok(not answer.answer, "addresses are of class IN: CH gets none", answer)
		answer, frame = here.ask(LONG, payload=512)
		tap.ok(not answer.flags & dns.flags.TC and answer.authority and "incident" in (lab.ede(answer) or ("", ""))[1],
			"the longest name, rule and list fit 512 octets with SOA, EDE and incident", answer)
		answer, frame = here.ask("nx.example", want_dnssec=True)
		tap.ok(not answer.flags & dns.flags.AD, "a made answer has no AD", answer)


def drop_and_truncate(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		answer, frame = here.ask("silent.example", timeout=1.0)
		tap.ok(answer is None, "drop: no answer", answer)
		answer, _ = here.ask("silent.example", timeout=1.0, tcp=True)
		tap.ok(answer is None, "drop: no answer over TCP", answer)
		lab.wait_for(lambda: float(here.statistics()["total.num.queries"]) >= 2, "both questions")
		here.finish()
		dropped = [f.extra.get("verdict") for f in lab.frames.read(here.frames_file) if f.extra.get("path") == "dropped"]
		tap.equal(dropped, ["drop", "drop"], "drop: each is framed")
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		for round in ("first", "second"):
			answer, frame = here.ask("big.example")
			tap.ok(answer.flags & dns.flags.TC and not answer.answer, "truncate: TC and no data over UDP, %s time" % round, answer)
			tap.equal(frame.extra.get("verdict"), "truncate", "truncate: the frame says so, %s time" % round)
			answer, frame = here.ask("big.example", tcp=True)
			tap.equal(lab.rdata(answer), ["192.0.2.77"], "truncate: TCP gets the answer, %s time" % round)
		answer, frame = here.ask("www.example")
		tap.equal(lab.rdata(answer), ["192.0.2.80"], "truncate: another name is served")


def paths_that_no_verdict_can_change(tap):
	with lab.Lab(ZONES) as here:
		server = "\tlocal-zone: \"inside.example.\" static\n\tlocal-data: \"host.inside.example. A 192.0.2.3\"\n"
		here.start(LISTS + [{"name": "late", "format": "domains", "action": "refuse", "lines": ["inside.example"]}], server=server)
		answer, frame = here.ask("version.bind", "TXT", rdclass="CH")
		tap.ok(answer.answer and frame, "CHAOS is answered and framed", answer)
		tap.equal((frame.extra.get("path"), frame.extra.get("verdict")), ("chaos", "allow"), "CHAOS: path and verdict")
		tap.equal(str(frame.query.question[0].name), "version.bind.", "CHAOS: the frame has the question")
		answer, frame = here.ask("host.lame.test")
		tap.equal(answer.rcode(), dns.rcode.SERVFAIL, "a lame authority: SERVFAIL")
		tap.equal((frame.extra.get("path"), frame.response.rcode()), ("servfail", dns.rcode.SERVFAIL), "SERVFAIL: path and rcode")
		answer, frame = here.ask("host.inside.example")
		tap.equal(lab.rdata(answer), ["192.0.2.3"], "local-data of Unbound is answered first")
		tap.equal((frame.extra.get("path"), frame.extra.get("verdict"), frame.extra.get("shadow", {}).get("list")),
			("local", "allow", "late"), "local-data: the frame says what the policy would have done")


def shadow_changes_no_answer(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		answer, frame = here.ask("shy.example")
		tap.equal((lab.rdata(answer), lab.ede(answer)), (["192.0.2.90"], None), "a list in shadow denies nothing")
		tap.equal((frame.extra.get("verdict"), frame.extra["shadow"]["list"], frame.extra["shadow"]["action"]),
			("allow", "would", "refuse"), "a list in shadow: the frame says what it would do")
	with lab.Lab(ZONES) as here:
		here.start(LISTS, mode="shadow")
		for name, qtype, data, would in (("refused.example", "A", ["192.0.2.66"], "refuse"), ("nx.example", "A", ["192.0.2.66"], "nxdomain"),
				("sink.example", "A", ["192.0.2.66"], "sinkhole"), ("silent.example", "A", ["192.0.2.66"], "drop"),
				("big.example", "A", ["192.0.2.77"], "truncate"), ("to-refused.example", "A", ["192.0.2.66"], "refuse")):
			for path in ("resolved", "cached"):
				answer, frame = here.ask(name, qtype)
				tap.equal((lab.rdata(answer), lab.ede(answer)), (data, None), "mode shadow: %s is answered as it is, %s" % (name, path))
				tap.equal((frame.extra.get("path"), frame.extra.get("verdict"), frame.extra.get("shadow", {}).get("action")),
					(path, "allow", would), "mode shadow: the frame says %s, %s" % (would, path))


if __name__ == "__main__":
	lab.require()
	tap.run(each_action_sends_what_it_says, a_denial_can_be_traced, drop_and_truncate, paths_that_no_verdict_can_change,
		shadow_changes_no_answer)
