"""The rows of the table in doc/policy.md: what BIND does otherwise. Each is held to, on both sides.

A row: its claim, the policy, the question, and the beginning of what each answers (see `brief`).
"""

import rules

Q = rules.Question


def one(*owners, override="given", **options):
	return rules.Policy([rules.List("rpz0", [(owner, [record]) for owner, record in owners], override)], **options)


def brief(value):
	"""rcode, TC and data, on one line."""
	if len(value) != 3:
		return " ".join(value)
	return " ".join([value[1]] + ["TC"] * bool(value[0]) + sorted("%s %s" % (key[1], key[2]) for key, _ in value[2]))


def rows(private):
	pin = private.pins["two.alpha"]
	nsip = lambda tail: rules.address_owner(private.address(tail) + "/32", "rpz-nsip")
	disabled = rules.Policy([
		rules.List("rpz0", [(rules.address_owner("192.0.3.0/24", "rpz-ip"), ["CNAME ."])], "disabled"),
		rules.List("rpz1", [(rules.address_owner(pin[0] + "/32", "rpz-ip"), ["CNAME ."])])])
	return [
		("a listed name hides the wildcard above it", one(("*.two.alpha", "CNAME ."), ("a.ent.two.alpha", "CNAME rpz-passthru.")),
			Q("ent.two.alpha", "A"), "NOERROR", "NXDOMAIN"),
		("an address rule of a disabled zone hides those of later zones", disabled, Q("pin.two.alpha", "A"), "NOERROR A", "NXDOMAIN"),
		("of name servers the last name", one(("ns1.one.alpha.rpz-nsdname", "CNAME ."), ("ns2.one.alpha.rpz-nsdname", "CNAME *.")),
			Q("pin.one.alpha", "A"), "NOERROR", "NXDOMAIN"),
		("of addresses the smallest last octet", one((nsip("3.2"), "CNAME ."), (nsip("2.7"), "CNAME *.")),
			Q("pin.deep.five.gamma", "A"), "NXDOMAIN", "NOERROR"),
		("of addresses in an answer, too", one((rules.address_owner("192.0.4.2/32", "rpz-ip"), "CNAME ."),
			(rules.address_owner("198.18.255.1/32", "rpz-ip"), "CNAME *.")), Q("both.garden.alpha", "A"), "NOERROR", "NXDOMAIN"),
		("an IPv6 prefix of zeros beside an IPv4 one", one(("64.zz.rpz-client-ip", "CNAME ."),
			(rules.address_owner("127.0.200.9/32", "rpz-client-ip"), "CNAME *.")), Q("pin.two.alpha", "A"), "NXDOMAIN", "NOERROR A"),
		("an answer that is signed in part", one(("pin.sub.one.alpha", "CNAME ."), break_dnssec="no"),
			Q("to-pin.six.gamma", "A", do=True), "NXDOMAIN CNAME", "NOERROR A"),
		("a question for CNAME", one(("pin.three.beta", "CNAME .")), Q("to-pin.two.alpha", "CNAME"), "NOERROR CNAME pin", "NXDOMAIN CNAME pin"),
		("a question for ANY", one(("pin.three.beta", "CNAME .")), Q("to-pin.two.alpha", "ANY"), "NOERROR CNAME pin", "NXDOMAIN CNAME pin"),
		("names behind the chain", one(("mx.mailhost.gamma", "CNAME .")), Q("pin.two.alpha", "MX"), "NOERROR MX", "NXDOMAIN"),
		("addresses in HTTPS records", one((rules.address_owner("192.0.4.1/32", "rpz-ip"), "CNAME .")), Q("https.garden.alpha", "HTTPS"),
			"NOERROR HTTPS", "NXDOMAIN"),
		("an IPv4 address within an IPv6 one", one((rules.address_owner("192.0.4.1/32", "rpz-ip"), "CNAME .")),
			Q("nat64.garden.alpha", "AAAA"), "NOERROR AAAA", "NXDOMAIN"),
		("the rcode of a truncated answer", one(("nothing.two.alpha", "CNAME rpz-tcp-only.")), Q("nothing.two.alpha", "A"),
			"NXDOMAIN TC", "NOERROR TC"),
	]
