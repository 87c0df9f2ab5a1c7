"""Every trigger with every action, every pair of triggers in every order of precedence, names within wildcards, every
override of a zone.

The zones of the world stand side by side: each has another action, or pair of actions, so that one policy holds a whole
row of the grid.
"""

import ipaddress
import itertools

import rules
import world

KINDS = ("nxdomain", "nodata", "pass", "drop", "truncate", "data", "cname", "wild", "type")
RECORDS = dict({kind: [text] for kind, text in rules.ACTIONS.items()}, **{
	"data": ["A 192.0.2.200", "A 192.0.2.201", "AAAA 2001:db8:dd::1", 'TXT "policy"'],
	"cname": ["CNAME www.garden.alpha."],
	"wild": ["CNAME *.garden.alpha."],
	"type": ["MX 5 mx.mailhost.gamma."],
})
QTYPES = ("A", "AAAA", "TXT", "MX", "CNAME", "SOA", "HTTPS", "SRV")
TRIGGERS = ("client 32", "client 31", "qname", "qname wildcard", "ip 32", "ip 28", "ip6", "nsdname", "nsdname wildcard", "nsip")


# None within another, and one server each: where rules for several servers meet, BIND has an order of its own.
ZONES = ("sub.one.alpha", "two.alpha", "x.y.four.beta", "deep.five.gamma", "six.gamma")
PAIRS = tuple(world.GRID)   # for each pair of actions


def client(number):
	return "127.0.20.%d" % (2 * number + 2)


def owner(private, trigger, zone, number):
	"""The owner of a rule that is about the host `pin` of one zone, asked for by one client."""
	servers = (world.LEAVES | world.BELOW | world.GRID)[zone]
	name, tail = sorted(servers.items())[0]
	four, six = private.pins[zone]
	return {
		"client 32": lambda: rules.address_owner(client(number) + "/32", "rpz-client-ip"),
		"client 31": lambda: rules.address_owner(client(number) + "/31", "rpz-client-ip"),
		"qname": lambda: "pin." + zone,
		"qname wildcard": lambda: "*." + zone,
		"ip 32": lambda: rules.address_owner(four + "/32", "rpz-ip"),
		"ip 28": lambda: rules.address_owner(ipaddress.ip_network(four + "/28", strict=False), "rpz-ip"),
		"ip6": lambda: rules.address_owner(six + "/128", "rpz-ip"),
		"nsdname": lambda: name + ".rpz-nsdname",
		"nsdname wildcard": lambda: "*.%s.rpz-nsdname" % zone,
		"nsip": lambda: rules.address_owner(private.address(tail) + "/32", "rpz-nsip"),
	}[trigger]()


def rows(private, trigger, zones, kind):
	"""A rule for each zone; `kind` of its number is the action."""
	return [(owner(private, trigger, zone, number), RECORDS[kind(number)]) for number, zone in enumerate(zones)]


def turned(turn):
	return lambda number: KINDS[(number + turn) % len(KINDS)]


def questions(zones, qtypes, names=("pin.%s", "to-pin.%s"), **more):
	return [rules.Question(name % zone, qtype, client(number), (number + len(qtype) + len(name)) % 11 == 0, **more)
		for number, zone in enumerate(zones) for qtype in qtypes for name in names]


def singles(private):
	"""With names that exist and not, behind aliases, below wildcards and DNAMEs."""
	names = ("pin.%s", "to-pin.%s", "nothing.%s", "ent.%s", "%s", "a.w.%s", "x.wc.%s", "h0.dn.%s", "c1.%s", "c10.%s")
	for trigger in TRIGGERS:
		for turn, wait in ((0, "yes"), (0, "no"), (5, "yes"), (5, "no")):
			yield "%s, actions from %s on, qname-wait-recurse %s" % (trigger, KINDS[turn], wait), rules.Policy(
				[rules.List("rpz0", rows(private, trigger, ZONES, turned(turn)))], qname_wait_recurse=wait), questions(ZONES, QTYPES, names)


def pairs(private):
	"""Two rules for the same answer, with each pair of actions: in one zone, and in two in both orders."""
	first, second = (lambda number: KINDS[number // len(KINDS)]), (lambda number: KINDS[number % len(KINDS)])
	asked = questions(PAIRS, QTYPES, ("pin.%s",)) + questions(PAIRS, ("A", "AAAA", "TXT"), ("to-pin.%s",))
	for i, one in enumerate(TRIGGERS):
		for j, two in enumerate(TRIGGERS[i:]):
			above, below = rows(private, one, PAIRS, first), rows(private, two, PAIRS, second)
			options = {"qname_wait_recurse": "yes" if (i + j) % 2 else "no", "minimise": (i + j) % 3 == 0}
			for title, lists in (
					("%s and %s in one zone", [above + below]),
					("%s in a zone before %s", [above, below]),
					("%s in a zone behind %s", [below, above])):
				if one != two or title.count("before"):   # one zone has one rule for an owner
					yield title % (one, two), rules.Policy([rules.List("rpz%d" % number, rows_) for number, rows_ in enumerate(lists)],
						**options), asked


def every_pair(private):
	"""Each pair of triggers at once, on a zone of the world of its own, in one zone and in two in both orders; with two pairs
	of actions each: all of them are in pairs()."""
	found = list(itertools.combinations(TRIGGERS, 2))
	zones = PAIRS[:len(found)]
	asked = questions(zones, ("A", "AAAA", "MX"), ("pin.%s",)) + questions(zones, ("A",), ("to-pin.%s",))
	for turn in (0, 4):
		one, two = ([(owner(private, pair[side], zones[number], number), RECORDS[KINDS[(number + turn + shift) % len(KINDS)]])
			for number, pair in enumerate(found)] for side, shift in ((0, 0), (1, 1 + turn // 2)))
		for title, lists in (("in one zone", [one + two]), ("in two zones", [one, two]), ("in two zones turned", [two, one])):
			yield "every pair of triggers %s, turn %d" % (title, turn), rules.Policy(
				[rules.List("rpz%d" % number, rows_) for number, rows_ in enumerate(lists)]), asked


def nested(private):
	"""A name, the wildcard above it and the one above that."""
	names = ("a.w.%s", "*.w.%s", "*.%s")
	for turn in range(len(KINDS)):
		found = [(name % zone, RECORDS[KINDS[(number + place + turn) % len(KINDS)]])
			for number, zone in enumerate(ZONES) for place, name in enumerate(names)]
		yield "nested wildcards, turn %d" % turn, rules.Policy([rules.List("rpz0", found)]), questions(ZONES, ("A", "TXT"),
			("a.w.%s", "b.w.%s", "c.b.w.%s", "pin.%s", "nothing.%s", "%s"))


def overrides(private):
	"""Each override over each trigger, before a zone that denies everything to half of the clients."""
	for override in rules.OVERRIDES:
		for trigger in ("client 32", "qname", "ip 32", "nsdname", "nsip"):
			lists = [rules.List("rpz0", rows(private, trigger, ZONES, turned(3)), override)]
			if override != "disabled" or trigger in ("qname", "nsdname"):
				lists.append(rules.List("rpz1", [("*." + zone, ["CNAME ."]) for zone in ZONES[::2]]))
			yield "policy %s over %s" % (override, trigger), rules.Policy(lists), questions(ZONES, ("A", "TXT"))


def options(private):
	"""What the other options change: of signed answers, of name servers not known yet, of servers near the root."""
	for trigger in TRIGGERS:
		for turn, value in itertools.product((0, 5), ("yes", "no")):
			entry = rules.List("rpz0", rows(private, trigger, ZONES, turned(turn + 4)))
			yield "break-dnssec %s, %s, turn %d" % (value, trigger, turn), rules.Policy([entry], break_dnssec=value), \
				questions(ZONES, QTYPES, do=True) + questions(ZONES, ("A", "TXT"))
	for trigger in ("nsdname", "nsdname wildcard", "nsip"):
		for turn, wait in itertools.product((0, 5), ("yes", "no")):
			entry = rules.List("rpz0", rows(private, trigger, ZONES, turned(turn)))
			option = {"nsip_wait_recurse": "no"} if trigger == "nsip" else {"nsdname_wait_recurse": "no"}
			yield "%s without waiting, turn %d, qname-wait-recurse %s" % (trigger, turn, wait), rules.Policy([entry],
				qname_wait_recurse=wait, **option), questions(ZONES, QTYPES)
	for dots in (0, 1, 2, 3):
		for place in ("a.rootsrv", "ns1.nic.gamma", "ns1.six.gamma"):
			tail = private.servers[place]
			for owner_ in (place + ".rpz-nsdname", rules.address_owner(tail + "/32", "rpz-nsip")):
				policy = rules.Policy([rules.List("rpz0", [(owner_, ["CNAME ."])])], min_ns_dots=dots)
				yield "min-ns-dots %d, %s" % (dots, owner_), policy, questions(ZONES, ("A", "TXT"), ("pin.%s", "nothing.%s"))


def sets(private):
	"""All of it: (part of the grid, title, policy, questions)."""
	for part, found in ((None, singles), ("every pair", every_pair), ("nested", nested), ("overrides", overrides), ("options", options), ("pairs", pairs)):
		for title, policy, asked in found(private):
			yield part or title.partition(",")[0], title, policy, asked
