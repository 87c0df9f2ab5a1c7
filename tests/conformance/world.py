"""A private DNS on loopback for two resolvers: a root, top-level domains, zones and zones below them.

Each level has a server of its own, so that resolvers meet real referrals and learn name servers as they do outside;
NSD listens on port 53 of addresses in one /16 of loopback, since no resolver can be told a port for a referral.
"""

import os
import shutil
import socket
import subprocess

import lab

TTL = 3600
TOPS = ("alpha", "beta", "gamma", "grid")

# zone: name servers and the last two octets of their addresses
LEAVES = {
	"one.alpha": {"ns1.one.alpha": "2.1", "ns2.one.alpha": "2.2"},
	"two.alpha": {"ns1.two.alpha": "2.3"},
	"three.beta": {"ns1.three.beta": "2.4", "a.ns.three.beta": "2.5"},
	"four.beta": {"ns1.four.beta": "2.6"},
	"five.gamma": {"dns.in.five.gamma": "2.7"},
	"six.gamma": {"ns1.six.gamma": "2.8"},
	"garden.alpha": {"ns1.garden.alpha": "2.9"},
	"mailhost.gamma": {"ns1.mailhost.gamma": "2.10"},
}
BELOW = {
	"sub.one.alpha": {"ns1.sub.one.alpha": "3.1"},
	"deep.five.gamma": {"ns1.deep.five.gamma": "3.2", "ns2.deep.five.gamma": "3.3"},
	"x.y.four.beta": {"ns1.x.y.four.beta": "3.4"},
}
PLAIN = ("one.alpha", "two.alpha", "three.beta", "four.beta", "five.gamma", "six.gamma", "sub.one.alpha", "deep.five.gamma",
	"x.y.four.beta")
SIGNED = "six.gamma"
# One for each pair of the grid's actions, with a server each.
GRID = {"z%02d.grid" % number: {"ns.z%02d.grid" % number: "4.%d" % (number + 1)} for number in range(81)}
POOLS4 = ("192.0.2.", "198.51.100.", "203.0.113.", "10.7.1.")
POOLS6 = ("2001:db8:1::", "2001:db8:2:0:1::", "2001:db8:ffff::")


class World:
	"""The zones, made from `rng`; `net` is the second octet of the servers' addresses."""

	def __init__(self, rng, net):
		self.net = net
		self.records = {}       # zone: (owner, type, data)
		self.addresses = []     # of hosts
		self.questions = []     # names worth asking for
		self.servers = {}       # name: address
		self.pins = {}          # zone: addresses of its host "pin"
		self.delegate(".", {"a.rootsrv": "0.1"})
		for number, top in enumerate(TOPS):
			self.delegate(top, {"ns1.nic." + top: "1.%d" % (number + 1)}, ".")
		for zone, servers in (LEAVES | GRID).items():
			self.delegate(zone, servers, zone.split(".")[-1])
		for zone, servers in BELOW.items():
			self.delegate(zone, servers, ".".join(zone.split(".")[-2:]))
		for number, zone in enumerate(PLAIN):
			self.fill(zone, number, rng)
		for number, zone in enumerate(PLAIN):
			self.pin(zone, "192.0.3.%d" % (16 * number + 3), "2001:db8:3:%x::3" % number, PLAIN[(number + 1) % len(PLAIN)])
		for number, zone in enumerate(GRID):
			self.pin(zone, "198.18.%d.%d" % (number // 16, 16 * (number % 16) + 3), "2001:db8:4:%x::3" % number,
				"z%02d.grid" % ((number + 1) % len(GRID)))
		self.records["beta"] += [("lame.beta", "NS", "ns1.lame.beta."), ("ns1.lame.beta", "A", self.address("2.8"))]
		self.add("garden.alpha", "garden.alpha", "A", "192.0.2.250")
		self.add("garden.alpha", "www.garden.alpha", "A", "192.0.2.251")
		self.add("garden.alpha", "www.garden.alpha", "AAAA", "2001:db8:aaaa::1")
		self.add("garden.alpha", "*.garden.alpha", "A", "192.0.2.252")
		self.add("garden.alpha", "far.garden.alpha", "CNAME", "h0.two.alpha.")
		self.records["garden.alpha"] += [("both.garden.alpha", "A", "192.0.4.2"), ("both.garden.alpha", "A", "198.18.255.1"),
			("https.garden.alpha", "HTTPS", "1 . ipv4hint=192.0.4.1"),
			("nat64.garden.alpha", "AAAA", "64:ff9b::192.0.4.1")]
		self.add("mailhost.gamma", "mx.mailhost.gamma", "A", "192.0.2.249")

	def address(self, tail):
		return "127.%d.%s" % (self.net, tail)

	def add(self, zone, owner, rtype, data):
		self.records[zone].append((owner, rtype, data))
		if rtype in ("A", "AAAA") and owner not in self.servers:
			self.addresses.append(data)

	def delegate(self, zone, servers, parent=None):
		negative_ttl = TTL if zone == SIGNED else 60   # BIND keeps what a signed wildcard gives no longer than its NSEC
		self.records[zone] = [(zone, "SOA", "ns.mailhost.gamma. hostmaster.mailhost.gamma. 1 3600 600 86400 %d" % negative_ttl)]
		for name, tail in servers.items():
			self.servers[name] = self.address(tail)
			for place in (zone, parent):
				if place is not None:
					self.records[place] += [(zone, "NS", name + "."), (name, "A", self.address(tail))]

	def fill(self, zone, number, rng):
		def v4():
			return rng.choice(POOLS4) + str(rng.randrange(1, 40))

		def v6():
			return rng.choice(POOLS6) + "%x" % rng.randrange(1, 40)

		def other():
			return rng.choice(PLAIN)
		host = lambda: "h%d.%s." % (rng.randrange(6), other())
		self.add(zone, zone, "A", "192.0.2.%d" % (100 + number))
		self.add(zone, zone, "AAAA", "2001:db8:1::%x" % (100 + number))
		self.add(zone, zone, "MX", "10 mx.mailhost.gamma.")
		self.add(zone, zone, "TXT", '"v=spf1 -all"')
		for i in range(6):
			for data in sorted({v4() for _ in range(rng.randrange(1, 4))}):
				self.add(zone, "h%d.%s" % (i, zone), "A", data)
			for data in sorted({v6() for _ in range(rng.randrange(0, 3))}):
				self.add(zone, "h%d.%s" % (i, zone), "AAAA", data)
		self.add(zone, "h0.%s" % zone, "TXT", '"host" "zero"')
		self.add(zone, "t.%s" % zone, "TXT", '"text alone"')
		self.add(zone, "six.%s" % zone, "AAAA", v6())
		self.add(zone, "a.ent.%s" % zone, "A", v4())
		self.add(zone, "*.w.%s" % zone, "A", v4())
		self.add(zone, "*.w.%s" % zone, "TXT", '"wild"')
		self.add(zone, "*.wc.%s" % zone, "CNAME", host())
		for i, target in enumerate((host(), "c0.%s." % other(), "c1.%s." % other(), "nothing.%s." % other(), "b.w.%s." % other(),
				other() + ".", "c3.%s." % other(), "ent.%s." % other(), "x.wc.%s." % other(), "t.%s." % other(), "h1.dn.%s." % other())):
			self.add(zone, "c%d.%s" % (i, zone), "CNAME", target)
		self.add(zone, "dn.%s" % zone, "DNAME", "dt.%s." % other())
		for i in range(3):
			self.add(zone, "h%d.dt.%s" % (i, zone), "A", v4())
		self.add(zone, "c.dt.%s" % zone, "CNAME", host())
		self.questions += [name + "." + zone for name in "h0 h1 h2 h3 h4 h5 t six ent a.ent b.a.ent w a.w b.a.w wc x.wc c0 c1 c2 "
			"c3 c4 c5 c6 c7 c8 c9 c10 dn h0.dn h1.dn c.dn nothing.dn h0.dt c.dt nothing a.nothing".split()] + [zone]

	def pin(self, zone, four, six, neighbour):
		"""Hosts that are the same whatever the seed, each in networks of its own, and an alias to that of the next zone."""
		name, after = "pin." + zone, "pin." + neighbour
		self.pins[zone] = (four, six)
		self.records[zone] += [(name, "A", self.pins[zone][0]), (name, "AAAA", self.pins[zone][1]), (name, "TXT", '"pinned"'),
			(name, "MX", "10 mx.mailhost.gamma."), ("to-pin." + zone, "CNAME", after + ".")]

	def names(self):
		"""All names that an answer can be about."""
		found = set(self.questions) | set(self.servers)
		for records in self.records.values():
			for owner, rtype, data in records:
				found.add(owner)
				if rtype in ("CNAME", "NS"):
					found.add(data.rstrip("."))
		for zone in PLAIN:
			found |= {"%s.dt.%s" % (name, zone) for name in ("h0", "h1", "c", "nothing")}
		return sorted(found)

	def zone_text(self, zone):
		lines = ["$ORIGIN .", "$TTL %d" % TTL]
		lines += ["%s %s %s" % (owner if owner == "." else owner + ".", rtype, data) for owner, rtype, data in self.records[zone]]
		return "\n".join(dict.fromkeys(lines)) + "\n"

	def hints(self):
		return ". 3600000 NS a.rootsrv.\na.rootsrv. 3600000 A %s\n" % self.address("0.1")

	def start(self, here):
		"""One NSD for each level."""
		levels = [["."], list(TOPS), list(LEAVES | GRID), list(BELOW)]
		tails = [["0.1"], ["1.%d" % (i + 1) for i in range(len(TOPS))]] \
			+ [[tail for servers in level.values() for tail in servers.values()] for level in (LEAVES | GRID, BELOW)]
		for number, (zones, addresses) in enumerate(zip(levels, tails)):
			self.start_level(here, number, zones, [self.address(tail) for tail in addresses])

	def start_level(self, here, number, zones, addresses):
		folder = here.path("nsd%d" % number)
		os.mkdir(folder)
		clauses = ""
		for index, zone in enumerate(zones):
			path = os.path.join(folder, "zone%d" % index)
			with open(path, "w") as file:
				file.write(self.zone_text(zone))
			if zone == SIGNED:
				path = sign(folder, zone, path)
			clauses += 'zone:\n\tname: "%s"\n\tzonefile: "%s"\n' % (zone, path)
		listen = "".join("\tip-address: %s@53\n" % address for address in addresses)
		with open(os.path.join(folder, "nsd.conf"), "w") as file:
			file.write("""server:
%s	username: ""
	chroot: ""
	zonesdir: "%s"
	database: ""
	pidfile: "%s/pid"
	xfrdfile: "%s/xfrd"
	zonelistfile: "%s/zonelist"
	xfrdir: "%s"
	server-count: 1
	rrl-ratelimit: 0
remote-control:
	control-enable: no
%s""" % (listen, folder, folder, folder, folder, folder, clauses))
		process = lab.Process([lab.NSD, "-d", "-c", os.path.join(folder, "nsd.conf")], here.path("nsd%d.log" % number))
		lab.wait_for(lambda: answers(addresses[0], zones[0]) or not process.alive(), "NSD:\n" + process.output())
		if not process.alive():
			raise RuntimeError(process.output())


def sign(folder, zone, path):
	"""The zone file with signatures, where the tool is there: nobody validates, but clients may ask for them."""
	if shutil.which("ldns-signzone") is None:
		return path
	key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone], cwd=folder, check=True, capture_output=True,
		text=True).stdout.strip()
	subprocess.run(["ldns-signzone", "-o", zone, "-f", path + ".signed", path, key], cwd=folder, check=True)
	return path + ".signed"


def answers(address, zone):
	import dns.exception
	import dns.message
	import dns.query
	try:
		return dns.query.udp(dns.message.make_query(zone, "SOA"), address, timeout=0.5).rcode() == 0
	except (OSError, dns.exception.DNSException):
		return False


def free_net():
	"""The second octet of a /16 of loopback where port 53 is free; None: it cannot be bound at all."""
	for net in range(53, 250):
		try:
			for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
				with socket.socket(socket.AF_INET, kind) as sock:
					sock.bind(("127.%d.0.1" % net, 53))
			return net
		except PermissionError:
			return None
		except OSError:
			continue
	return None
