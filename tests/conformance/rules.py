"""Policies for both resolvers: response policy zones, their overrides and options; by hand or from a seed."""

import collections
import ipaddress

ACTIONS = {"nxdomain": "CNAME .", "nodata": "CNAME *.", "pass": "CNAME rpz-passthru.", "drop": "CNAME rpz-drop.",
	"truncate": "CNAME rpz-tcp-only."}
# What BIND calls the override of a zone, and how our list says it.
OVERRIDES = {
	"given": (),
	"disabled": ("shadow: yes",),
	"passthru": ("action: pass",),
	"nxdomain": ("action: nxdomain",),
	"nodata": ("action: nodata",),
	"drop": ("action: drop",),
	"tcp-only": ("action: truncate",),
	"cname www.garden.alpha": ("action: sinkhole", 'sinkhole-name: "www.garden.alpha"'),
	"cname *.garden.alpha": ("action: sinkhole", 'sinkhole-name: "*.garden.alpha"'),
}
Question = collections.namedtuple("Question", "name qtype client tcp do rd subnet",
	defaults=("127.0.0.1", False, False, True, ""))
CLIENTS = ("127.0.0.1", "127.0.10.1", "127.0.10.2", "127.0.11.1", "127.0.200.9", "::1")
DATA_TTL = 77


def covers(owner, name):
	return name.endswith(owner[1:]) if owner.startswith("*.") else name == owner


def by_suffix(owners, name):
	"""The owner that matches by our rule: the exact one, else the longest wildcard above."""
	found = [owner for owner in owners if covers(owner, name)]
	return max(found, key=lambda owner: (not owner.startswith("*."), len(owner)), default=None)


def by_zone(owners, name):
	"""The owner that matches as RFC 4592 has it: only a wildcard right below the closest encloser."""
	if name in owners:
		return name
	tree = {""}
	for owner in owners:
		labels = owner.split(".")
		tree |= {".".join(labels[i:]) for i in range(len(labels))}
	if name in tree:
		return None
	closest = name
	while closest not in tree:
		closest = closest.partition(".")[2]
	return "*." + closest if "*." + closest in owners else None


def address_owner(network, trigger):
	network = ipaddress.ip_network(network)
	if network.version == 4:
		return "%d.%s.%s" % (network.prefixlen, ".".join(reversed(str(network.network_address).split("."))), trigger)
	groups = [("%x" % int(group, 16)) for group in reversed(network.network_address.exploded.split(":"))]
	best, at = 0, None
	for i in range(8):
		length = 0
		while i + length < 8 and groups[i + length] == "0":
			length += 1
		if length > best and length > 1:
			best, at = length, i
	if at is not None:
		groups[at:at + best] = ["zz"]
	return "%d.%s.%s" % (network.prefixlen, ".".join(groups), trigger)


def address_of(owner):
	"""The address in the owner of a rule for addresses, which stands there from its end."""
	labels = owner.split(".")[1:-1]
	if len(labels) == 4 and "zz" not in labels:
		return ipaddress.ip_address(".".join(reversed(labels)))
	zeros = ["0"] * (9 - len(labels))
	groups = [group for label in reversed(labels) for group in (zeros if label == "zz" else [label])]
	return ipaddress.ip_address(":".join(groups))


def disputed(one, two):
	"""Would BIND, which compares owners from their first octet on, and we, who compare addresses, prefer another of them?"""
	if one == two or not (one.endswith(".rpz-ip") and two.endswith(".rpz-ip")) or one.split(".")[0] != two.split(".")[0]:
		return False
	wires = [[(len(label), label) for label in owner.split(".")] for owner in (one, two)]
	addresses = [address_of(owner) for owner in (one, two)]
	return addresses[0].version == addresses[1].version and (wires[0] < wires[1]) != (addresses[0] < addresses[1])


class List:
	"""One zone: (owner below the zone, records) and the override."""

	def __init__(self, name, rules, override="given"):
		self.name, self.rules, self.override = name, rules, override

	def text(self, without=()):
		"""As a master file, but for rules with these actions."""
		left_out = [[ACTIONS[action]] for action in without]
		lines = ["$TTL 60", "$ORIGIN %s." % self.name, "@ SOA ns.mailhost.gamma. hostmaster.mailhost.gamma. 7 3600 600 86400 60",
			"@ NS ns.mailhost.gamma."]
		for owner, records in self.rules:
			if records in left_out:
				continue
			lines += ["%s %d %s" % (owner, DATA_TTL, record) for record in records]
		return "\n".join(lines) + "\n"


class Policy:
	"""Lists in their order, and the options that both know, by BIND's names."""

	def __init__(self, lists, minimise=False, **options):
		self.lists, self.minimise = lists, minimise
		self.options = dict({"qname-wait-recurse": "yes", "nsip-wait-recurse": "yes", "nsdname-wait-recurse": "yes",
			"min-ns-dots": 1, "max-policy-ttl": 86400, "recursive-only": "no", "break-dnssec": "yes"}, **{
			key.replace("_", "-"): value for key, value in options.items()})

	def waits(self):
		"""Else what is decided at the first question depends on what is known by then."""
		return "no" not in (self.options["nsip-wait-recurse"], self.options["nsdname-wait-recurse"])

	def drops(self):
		return any(entry.override == "drop" or [ACTIONS["drop"]] in [records for _, records in entry.rules] for entry in self.lists)

	def __str__(self):
		lines = ["options: " + " ".join("%s=%s" % item for item in self.options.items()) + " qname-minimisation" * self.minimise]
		for entry in self.lists:
			lines.append("zone %s policy %s" % (entry.name, entry.override))
			lines += ["    %s %s" % (owner, record) for owner, records in entry.rules for record in records]
		return "\n".join(lines)
