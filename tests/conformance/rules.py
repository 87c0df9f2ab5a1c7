"""Policies for both resolvers: response policy zones, their overrides and options; by hand or from a seed."""

import ipaddress

import world

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
CLIENTS = ("127.0.0.1", "127.0.10.1", "127.0.10.2", "127.0.11.1", "127.0.200.9")
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


class List:
	"""One zone: (owner below the zone, records) and the override."""

	def __init__(self, name, rules, override="given"):
		self.name, self.rules, self.override = name, rules, override

	def text(self):
		lines = ["$TTL 60", "$ORIGIN %s." % self.name, "@ SOA ns.mailhost.gamma. hostmaster.mailhost.gamma. 7 3600 600 86400 60",
			"@ NS ns.mailhost.gamma."]
		for owner, records in self.rules:
			lines += ["%s %d %s" % (owner, DATA_TTL, record) for record in records]
		return "\n".join(lines) + "\n"


class Policy:
	"""Lists in their order, and the options that both know, by BIND's names."""

	def __init__(self, lists, **options):
		self.lists = lists
		self.options = dict({"qname-wait-recurse": "yes", "nsip-wait-recurse": "yes", "nsdname-wait-recurse": "yes",
			"min-ns-dots": 1, "max-policy-ttl": 86400, "recursive-only": "no", "break-dnssec": "yes"}, **{
			key.replace("_", "-"): value for key, value in options.items()})

	def __str__(self):
		lines = ["options: " + " ".join("%s=%s" % item for item in self.options.items())]
		for entry in self.lists:
			lines.append("zone %s policy %s" % (entry.name, entry.override))
			lines += ["    %s %s" % (owner, record) for owner, records in entry.rules for record in records]
		return "\n".join(lines)


class Maker:
	"""Random policies over a world."""

	def __init__(self, rng, world_):
		self.rng, self.world, self.names = rng, world_, world_.names()

	def action(self, kinds):
		kind = self.rng.choice(kinds)
		if kind == "data":
			chosen = self.rng.sample(["A 192.0.2.200", "A 192.0.2.201", "AAAA 2001:db8:dd::1", 'TXT "policy"', "MX 5 mx.mailhost.gamma."],
				self.rng.randrange(1, 5))
			return chosen
		if kind == "cname":
			return ["CNAME " + self.rng.choice(["www.garden.alpha.", "*.garden.alpha.", "far.garden.alpha.", "missing.mailhost.gamma."])]
		return [ACTIONS[kind]]

	def owner(self, trigger):
		rng = self.rng
		if trigger in ("qname", "nsdname"):
			name = rng.choice(sorted(self.world.servers) if trigger == "nsdname" else self.world.questions)
			cut = rng.choice((0, 0, 0, 1, 1, 2))
			labels = name.split(".")
			labels = labels[min(cut, len(labels) - 2):]
			if rng.random() < 0.4:
				labels = ["*"] + (labels[1:] if len(labels) > 2 and rng.random() < 0.5 else labels)
			return ".".join(labels) + (".rpz-nsdname" if trigger == "nsdname" else "")
		if trigger == "client-ip":
			return address_owner(ipaddress.ip_network("%s/%d" % (rng.choice(CLIENTS), rng.choice((8, 16, 24, 24, 31, 32, 32))),
				strict=False), "rpz-client-ip")
		if trigger == "nsip":
			address = rng.choice(sorted(self.world.servers.values()))
			return address_owner(ipaddress.ip_network("%s/%d" % (address, rng.choice((16, 24, 29, 31, 32, 32)) ), strict=False), "rpz-nsip")
		address = ipaddress.ip_address(rng.choice(self.world.addresses))
		lengths = (8, 16, 24, 27, 30, 32, 32) if address.version == 4 else (32, 48, 64, 120, 128, 128)
		return address_owner(ipaddress.ip_network("%s/%d" % (address, rng.choice(lengths)), strict=False), "rpz-ip")

	def strict(self, rules):
		"""Without the owners by which wildcards of a zone (RFC 4592) and ours would differ on a name of this world."""
		for suffix in ("", ".rpz-nsdname"):
			names = [name for name in self.names if suffix == "" or name in self.world.servers]
			while True:
				owners = {owner[:len(owner) - len(suffix)] for owner, _ in rules
					if (owner.endswith(suffix) if suffix else ".rpz-" not in owner)}
				wrong = next((name for name in names if by_suffix(owners, name) != by_zone(owners, name)), None)
				if wrong is None:
					break
				culprit = by_suffix(owners, wrong)
				rules = [rule for rule in rules if rule[0] != culprit + suffix]
		return rules

	def a_list(self, number, triggers, kinds, count):
		rules = {}
		for _ in range(count):
			rules.setdefault(self.owner(self.rng.choice(triggers)), self.action(kinds))
		override = self.rng.choice(sorted(OVERRIDES)) if self.rng.random() < 0.3 else "given"
		return List("rpz%d" % number, self.strict(list(rules.items())), override)

	def policy(self):
		rng = self.rng
		everything = ["qname", "qname", "ip", "nsdname", "nsip", "client-ip"]
		lists = []
		for number in range(rng.choice((1, 1, 2, 2, 3, 4))):
			triggers = rng.choice((everything, everything, ["qname"], ["qname", "ip"], rng.sample(everything, 2)))
			kinds = rng.choice((["nxdomain", "nodata", "pass", "data", "cname", "truncate"],
				["nxdomain", "nodata", "pass", "data", "cname", "truncate", "drop"], ["pass", "nxdomain"], ["data", "cname"]))
			lists.append(self.a_list(number, triggers, kinds, rng.randrange(2, 14)))
		return Policy(lists, qname_wait_recurse=rng.choice(("yes", "no")), min_ns_dots=rng.choice((0, 1, 1, 1, 2)))

	def questions(self, policy, count):
		"""(name, type, client, tcp): half of them about names that rules have."""
		rng = self.rng
		owners = [owner for entry in policy.lists for owner, _ in entry.rules if ".rpz-" not in owner]
		near = [name for name in self.world.questions if any(covers(owner, name) for owner in owners)]
		found = []
		for _ in range(count):
			name = rng.choice(near if near and rng.random() < 0.4 else self.world.questions)
			qtype = rng.choice(("A", "A", "A", "A", "AAAA", "AAAA", "TXT", "MX", "CNAME", "SOA", "HTTPS", "SRV", "DNAME"))
			if qtype == "DNAME" and ".dn." in name:
				qtype = "A"
			found.append((name, qtype, rng.choice(CLIENTS), rng.random() < 0.08))
		return found
