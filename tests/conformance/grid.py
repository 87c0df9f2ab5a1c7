"""Every trigger with every action, every pair of triggers in every order of precedence, every override of a zone.

The zones of the world stand side by side: each has another action, so that one policy holds a whole row of the grid.
"""

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


def client(number):
	return "127.0.20.%d" % (2 * number + 2)


def owner(private, trigger, number):
	"""The owner of a rule that is about the host `pin` of one zone, asked for by one client."""
	zone = ZONES[number]
	servers = world.BELOW.get(zone) or world.LEAVES[zone]
	name, tail = sorted(servers.items())[0]
	return {
		"client 32": lambda: rules.address_owner(client(number) + "/32", "rpz-client-ip"),
		"client 31": lambda: rules.address_owner(client(number) + "/31", "rpz-client-ip"),
		"qname": lambda: "pin." + zone,
		"qname wildcard": lambda: "*." + zone,
		"ip 32": lambda: rules.address_owner(private.pins[zone][0] + "/32", "rpz-ip"),
		"ip 28": lambda: rules.address_owner("192.0.3.%d/28" % (16 * world.PLAIN.index(zone)), "rpz-ip"),
		"ip6": lambda: rules.address_owner(private.pins[zone][1] + "/128", "rpz-ip"),
		"nsdname": lambda: name + ".rpz-nsdname",
		"nsdname wildcard": lambda: "*.%s.rpz-nsdname" % zone,
		"nsip": lambda: rules.address_owner(private.address(tail) + "/32", "rpz-nsip"),
	}[trigger]()


def kind(number, turn):
	return KINDS[(number + turn) % len(KINDS)]


def rows(private, trigger, turn):
	return [(owner(private, trigger, number), RECORDS[kind(number, turn)]) for number in range(len(ZONES))]


def questions(qtypes, names=("pin.%s", "to-pin.%s")):
	return [rules.Question(name % zone, qtype, client(number), (number + len(qtype) + len(name)) % 11 == 0)
		for number, zone in enumerate(ZONES) for qtype in qtypes for name in names]


def singles(private):
	for trigger in TRIGGERS:
		for turn, wait in ((0, "yes"), (0, "no"), (5, "yes"), (5, "no")):
			names = ("pin.%s", "to-pin.%s", "nothing.%s", "ent.%s", "%s")
			yield "%s, actions from %s on, qname-wait-recurse %s" % (trigger, KINDS[turn], wait), rules.Policy(
				[rules.List("rpz0", rows(private, trigger, turn))], qname_wait_recurse=wait), questions(QTYPES, names)


def pairs(private):
	"""Two rules for the same answer: in one zone, and in two in both orders."""
	for i, one in enumerate(TRIGGERS):
		for j, two in enumerate(TRIGGERS[i + 1:]):
			first, second = rows(private, one, i + j), rows(private, two, i + j + 1)
			asked = questions(("A", "AAAA", "TXT"))
			for title, lists in (
					("%s and %s in one zone", [first + second]),
					("%s in a zone before %s", [first, second]),
					("%s in a zone behind %s", [second, first])):
				yield title % (one, two), rules.Policy([rules.List("rpz%d" % number, rows_) for number, rows_ in enumerate(lists)],
					qname_wait_recurse="yes" if (i + j) % 2 else "no"), asked


def overrides(private):
	"""Each override over each trigger, before a zone that denies everything to half of the clients."""
	for override in rules.OVERRIDES:
		for trigger in ("client 32", "qname", "ip 32", "nsdname", "nsip"):
			lists = [rules.List("rpz0", rows(private, trigger, 3), override)]
			if override != "disabled" or trigger in ("qname", "nsdname"):
				lists.append(rules.List("rpz1", [("*." + zone, ["CNAME ."]) for zone in ZONES[::2]]))
			yield "policy %s over %s" % (override, trigger), rules.Policy(lists), questions(("A", "TXT"))


def sets(private):
	yield from singles(private)
	yield from overrides(private)
	yield from pairs(private)
