"""Random policies over a world, and questions that meet them."""

import ipaddress

import rules

ADDRESSES = ("rpz-client-ip", "rpz-ip", "rpz-nsip")


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
		return [rules.ACTIONS[kind]]

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
			client = ipaddress.ip_address(rng.choice(rules.CLIENTS))
			length = rng.choice((8, 16, 24, 24, 31, 32, 32) if client.version == 4 else (96, 112, 127, 128))   # no zeros before IPv4
			return rules.address_owner(ipaddress.ip_network("%s/%d" % (client, length), strict=False), "rpz-client-ip")
		if trigger == "nsip":
			address = rng.choice(sorted(self.world.servers.values()))
			return rules.address_owner(ipaddress.ip_network("%s/%d" % (address, rng.choice((16, 24, 29, 31, 32, 32)) ), strict=False), "rpz-nsip")
		address = ipaddress.ip_address(rng.choice(self.world.addresses))
		lengths = (8, 16, 24, 27, 30, 32, 32) if address.version == 4 else (32, 48, 64, 120, 128, 128)
		return rules.address_owner(ipaddress.ip_network("%s/%d" % (address, rng.choice(lengths)), strict=False), "rpz-ip")

	def strict(self, found):
		"""Without the owners by which wildcards of a zone (RFC 4592) and ours would differ on a name of this world."""
		for suffix in ("", ".rpz-nsdname"):
			names = [name for name in self.names if suffix == "" or name in self.world.servers]
			while True:
				owners = {owner[:len(owner) - len(suffix)] for owner, _ in found
					if (owner.endswith(suffix) if suffix else ".rpz-" not in owner)}
				wrong = next((name for name in names if rules.by_suffix(owners, name) != rules.by_zone(owners, name)), None)
				if wrong is None:
					break
				culprit = rules.by_suffix(owners, wrong)
				found = [rule for rule in found if rule[0] != culprit + suffix]
		return found

	def a_list(self, number, triggers, kinds, count):
		found = {}
		servers = set()
		for _ in range(count):
			owner = self.owner(self.rng.choice(triggers))
			# Of several rules for name servers that match, BIND takes another than the draft says: one of each kind.
			kind = (owner.rsplit(".", 1)[-1], owner.split(".")[0] if owner.endswith("rpz-nsip") else "")
			if kind[0] in ("rpz-nsdname", "rpz-nsip") and (kind in servers or servers.add(kind)):
				continue
			if not any(rules.disputed(owner, other) for other in found):
				found.setdefault(owner, self.action(kinds))
		override = self.rng.choice(sorted(rules.OVERRIDES)) if self.rng.random() < 0.3 else "given"
		return rules.List("rpz%d" % number, self.strict(list(found.items())), override)

	@staticmethod
	def part_disabled(lists):
		"""In BIND an address rule of a disabled zone hides those of later zones: such rules are taken out of the former."""
		for number, entry in enumerate(lists):
			if entry.override == "disabled":
				later = {owner.rsplit(".", 1)[-1] for other in lists[number + 1:] for owner, _ in other.rules}
				entry.rules = [rule for rule in entry.rules if rule[0].rsplit(".", 1)[-1] not in later & set(ADDRESSES)]

	def policy(self):
		rng = self.rng
		everything = ["qname", "qname", "ip", "nsdname", "nsip", "client-ip"]
		lists = []
		for number in range(rng.choice((1, 1, 2, 2, 3, 4))):
			triggers = rng.choice((everything, everything, ["qname"], ["qname", "ip"], rng.sample(everything, 2)))
			kinds = rng.choice((["nxdomain", "nodata", "pass", "data", "cname", "truncate"],
				["nxdomain", "nodata", "pass", "data", "cname", "truncate", "drop"], ["pass", "nxdomain"], ["data", "cname"]))
			lists.append(self.a_list(number, triggers, kinds, rng.randrange(2, 14)))
		self.part_disabled(lists)
		return rules.Policy(lists, rng.random() < 0.3, break_dnssec=rng.choice(("yes", "no")),
			max_policy_ttl=rng.choice((86400, 86400, 20)),
			qname_wait_recurse=rng.choice(("yes", "no")), min_ns_dots=rng.choice((0, 1, 1, 1, 2)))

	def questions(self, policy, count):
		"""Half of them about names that rules have."""
		rng = self.rng
		owners = [owner for entry in policy.lists for owner, _ in entry.rules if ".rpz-" not in owner]
		near = [name for name in self.world.questions if any(rules.covers(owner, name) for owner in owners)]
		found = []
		for _ in range(count):
			name = rng.choice(near if near and rng.random() < 0.4 else self.world.questions)
			qtype = rng.choice(("A", "A", "A", "A", "AAAA", "AAAA", "TXT", "MX", "CNAME", "SOA", "HTTPS", "SRV", "DNAME"))
			if qtype == "DNAME" and ".dn." in name:
				qtype = "A"
			found.append(rules.Question(name, qtype, rng.choice(rules.CLIENTS), rng.random() < 0.08,
				rng.random() < 0.25, True, rng.choice(("", "", "", "", "", "127.0.10.1"))))
		return found
