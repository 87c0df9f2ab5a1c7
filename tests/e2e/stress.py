"""Clients of several groups ask while the policy changes under them: every answer is held against an oracle.

The oracle knows from when to when each policy can have been in force: from the moment its reload was asked for until
the next one was reported done. An answer is right when one of the policies that were possible between its question and
itself gives it. So after a reload has been reported, one answer by the old policy is one error.

Names have short TTLs, so that caching, prefetch, serve-expired and resolution all happen all the time, and an address of
their own each, so that an answer says whose it is.
"""

import collections
import json
import os
import random
import select
import socket
import struct
import subprocess
import threading
import time

import lab
import volley

GROUPS = {"default": "127.0.0.", "a": "127.0.1.", "b": "127.0.2."}
CLIENTS_OF_GROUP = 4
RESEND_AFTER = 0.7       # seconds, as a stub resolver does
SENDS_MAX = 90
REFUSED, NXDOMAIN, NOERROR, SERVFAIL = 5, 3, 0, 2
SINK = "198.51.100.1"
CHANGES, ANSWERS = 4, 1000   # more than that are to be judged

Name = collections.namedtuple("Name", "qname keys address")
# What a policy denies: names by list, and networks by list. Lists in order: all (sinkhole), a (refuse), b (nxdomain).
Policy = collections.namedtuple("Policy", "number asked names networks")


class Universe:
	"""The names asked for; the keys of one are what a QNAME rule can name to deny it."""

	def __init__(self, plain=24, chains=12, addresses=8, missing=6):
		self.names, lines, elsewhere = [], [], []
		for i in range(plain):
			self.add(lines, "n%d.plain.example" % i, [], "10.1.0.%d" % (i + 1))
		# Two zones, so that each link is asked for, and stored, by itself.
		for i in range(chains):
			links = ["c%d.chain.example" % i, "m%d.middle.elsewhere" % i, "t%d.target.example" % i]
			address = "10.2.0.%d" % (i + 1)
			lines.append("c%d.chain 2 CNAME %s." % (i, links[1]))
			elsewhere.append("m%d.middle 3 CNAME %s." % (i, links[2]))
			lines.append("t%d.target 2 A %s" % (i, address))
			self.names += [Name(link, links[at:], address) for at, link in enumerate(links)]
		for i in range(addresses):
			self.add(lines, "i%d.address.example" % i, [], "10.3.0.%d" % (i + 1))
		for i in range(missing):
			self.names.append(Name("x%d.missing.example" % i, ["x%d.missing.example" % i], None))
		self.zones = {zone: "$ORIGIN %s.\n$TTL 2\n@ SOA ns hostmaster 1 3600 600 86400 2\n@ NS ns\nns A 127.0.0.1\n%s\n"
			% (zone, "\n".join(content)) for zone, content in (("example", lines), ("elsewhere", elsewhere))}

	def add(self, lines, qname, more, address):
		lines.append("%s.%s 2 A %s" % (*qname.split(".")[:2], address))
		self.names.append(Name(qname, [qname] + more, address))


def expected(policy, group, name):
	"""(rcode, address that must be there or None): chain position first, then the order of the lists."""
	serving = ["all"] + ([group] if group != "default" else [])
	for position, key in enumerate(name.keys):
		for which in serving:
			if key in policy.names[which]:
				return denial(which)
			last = position == len(name.keys) - 1
			if last and name.address is not None and name.address in policy.networks[which]:
				return denial(which)
	return (NOERROR, name.address) if name.address is not None else (NXDOMAIN, None)


def denial(which):
	return {"all": (NOERROR, SINK), "a": (REFUSED, None), "b": (NXDOMAIN, None)}[which]


class Publisher(threading.Thread):
	"""Changes the lists and asks for a reload, again and again. `names_alone`: one list of names for everybody, no more."""

	def __init__(self, here, universe, seed, names_alone):
		super().__init__(daemon=True)
		self.here, self.universe, self.chance = here, universe, random.Random(seed)
		self.shares = {"all": (0.15, 0.08), "a": (0.15, 0.08), "b": (0.15, 0.08)}
		if names_alone:
			self.shares = {"all": (0.3, 0), "a": (0, 0), "b": (0, 0)}
		self.policies, self.done, self.errors = [], [], []
		self.stopping = threading.Event()
		self.write()

	def choose(self, share):
		keys = sorted({key for name in self.universe.names for key in name.keys})
		return frozenset(key for key in keys if self.chance.random() < share)

	def write(self):
		addresses = sorted(name.address for name in self.universe.names if name.address)
		policy = Policy(len(self.policies), time.monotonic(), {w: self.choose(names) for w, (names, _) in self.shares.items()},
			{w: frozenset(a for a in addresses if self.chance.random() < nets) for w, (_, nets) in self.shares.items()})
		self.policies.append(policy)
		for which in ("all", "a", "b"):
			# Never empty: an empty list is an error, for good reasons.
			self.replace("list-names-" + which, ["never.invalid"] + sorted(policy.names[which]))
			self.replace("list-nets-" + which, ["203.0.113.1/32"] + sorted(a + "/32" for a in policy.networks[which]))

	def replace(self, name, lines):
		self.here.write(name + ".new", "\n".join(lines) + "\n")
		os.rename(self.here.path(name + ".new"), self.here.path(name))

	def run(self):
		while not self.stopping.is_set():
			self.write()
			code, text = verdictctl(self.here, "reload", "--json")
			if code != 0:
				self.errors.append(text)
				return
			self.done.append(time.monotonic())
			time.sleep(self.chance.choice((0, 0.01, 0.05, 0.3)))

	def possible(self, sent, received):
		"""The policies that can have been in force at some moment of that time: k ends when k + 1 is reported."""
		for k, policy in enumerate(self.policies):
			if policy.asked > received:
				return
			if k + 1 >= len(self.done) or self.done[k + 1] >= sent:
				yield policy


def verdictctl(here, *arguments):
	done = subprocess.run([lab.VERDICTCTL] + list(arguments) + ["--socket", here.path("verdict.sock")],
		capture_output=True, text=True, timeout=60)
	return done.returncode, done.stdout + done.stderr


def lists(names_alone):
	made = []
	for which, action in (("all", "sinkhole"), ("a", "refuse"), ("b", "nxdomain")):
		for kind, text in (("names", "domains"), ("nets", "cidr")):
			entry = {"name": "%s-%s" % (kind, which), "file": "list-%s-%s" % (kind, which), "format": text, "action": action,
				"shrink-max": "100"}
			if kind == "names":
				entry["subdomains"] = "no"
			if action == "sinkhole":
				entry["sinkhole-address"] = SINK
			if which != "all":
				entry["group"] = which
			made.append(entry)
	return made[:1] if names_alone else made


def groups():
	return "".join("client-group:\n\tname: %s\n\tnetwork: %s0/24\n" % (group, prefix)
		for group, prefix in GROUPS.items() if group != "default")


class Asker:
	"""All clients, one loop: a window of questions is always on its way."""

	def __init__(self, port, universe, seed, window):
		self.universe, self.chance, self.window = universe, random.Random(seed), window
		self.socks, self.waiting, self.identifier = {}, {}, 0
		self.records, self.resent, self.lost = [], 0, []
		for group, prefix in GROUPS.items():
			for i in range(CLIENTS_OF_GROUP):
				sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
				sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
				sock.bind((prefix + str(i + 1), 0))
				sock.connect(("127.0.0.1", port))
				sock.setblocking(False)
				self.socks[sock] = group

	def ask(self):
		# The same name from clients of several groups at the same moment, as often as not.
		name = self.chance.choice(self.universe.names)
		for sock in self.chance.sample(list(self.socks), self.chance.choice((1, 1, 3, 6))):
			self.identifier = (self.identifier + 1) & 0xffff
			octets = volley.question(name.qname, "A", self.identifier)
			now = time.monotonic()
			self.waiting[sock, self.identifier] = [name, octets, now, now, 1]
			sock.send(octets)

	def take(self, sock):
		octets = volley.take(sock)
		while octets is not None:
			found = self.waiting.pop((sock, struct.unpack_from(">H", octets)[0]), None)
			if found is not None:
				self.records.append((self.socks[sock], found[0], found[2], time.monotonic(), octets))
			octets = volley.take(sock)

	def resend(self):
		now = time.monotonic()
		for key, entry in list(self.waiting.items()):
			if now - entry[3] < RESEND_AFTER:
				continue
			if entry[4] == SENDS_MAX:
				self.lost.append(self.waiting.pop(key)[0].qname)
				continue
			entry[3], entry[4] = now, entry[4] + 1
			self.resent += 1
			key[0].send(entry[1])

	def run(self, seconds, enough=lambda: True):
		"""So long, and on until it is enough, but for a machine that does not get there."""
		end = time.monotonic() + seconds
		last, asking = end + 4 * lab.PATIENCE, True
		while asking or self.waiting:
			now = time.monotonic()
			asking = asking and (now < end or (now < last and not enough()))
			while asking and len(self.waiting) < self.window:
				self.ask()
			for sock in select.select(list(self.socks), [], [], 0.05)[0]:
				self.take(sock)
			self.resend()


def is_right(policy, group, name, octets, may_fail):
	rcode, address = expected(policy, group, name)
	got = volley.rcode(octets)
	if may_fail and got == SERVFAIL:
		return True
	if got != rcode:
		return False
	others = [a for a in (name.address, SINK) if a is not None and a != address]
	return (address is None or socket.inet_aton(address) in octets) and \
		not any(socket.inet_aton(other) in octets for other in others)


def judge(publisher, asker, may_fail=False):
	"""(answers, wrong ones as text)."""
	wrong = []
	for group, name, sent, received, octets in asker.records:
		if not any(is_right(p, group, name, octets, may_fail) for p in publisher.possible(sent, received)):
			policies = [p.number for p in publisher.possible(sent, received)]
			wrong.append("%s of group %s after %.3f s: rcode %d by none of the policies %s, which say %s" % (name.qname, group,
				received - sent, volley.rcode(octets), policies,
				sorted({expected(p, group, name) for p in publisher.possible(sent, received)}, key=str)))
	return len(asker.records), wrong


Outcome = collections.namedtuple("Outcome", "answers wrong lost resent publishes errors alive rss_first rss_last stats log")


def run(threads=2, seconds=10, seed=1, server="", window=150, pauses=False, names_alone=False):
	"""One resolver under stress. `pauses`: the authority sleeps now and then, so that expired answers are served.
	`names_alone`: no groups and no addresses, so that most answers need not be judged at all."""
	universe = Universe()
	with lab.Lab(universe.zones) as here:
		publisher = Publisher(here, universe, seed, names_alone)
		here.start_nsd()
		here.policy(lists(names_alone), frames_mode="verdicts", socket_path=False, file=False,
			raw="verdict:\n\tcontrol-socket: verdict.sock\n\tdeny-share-max: 100\n\twatch: no\n" + ("" if names_alone else groups()))
		here.start_unbound(threads=threads, server="\taccess-control: 127.0.0.0/8 allow\n\tprefetch: yes\n\tserve-expired: yes\n"
			"\tcache-min-ttl: 0\n\tmsg-cache-size: 4m\n\trrset-cache-size: 4m\n" + server)
		publisher.done.append(time.monotonic())   # the first one is in force
		asker = Asker(here.port, universe, seed + 1, window)
		asker.run(1.0)
		rss_first = here.unbound.rss_octets()
		publisher.start()
		pauser = pause_authority(here, publisher) if pauses else None
		asker.run(seconds, lambda: publisher.errors or len(publisher.done) - 1 > CHANGES and len(asker.records) > ANSWERS)
		publisher.stopping.set()
		publisher.join(lab.PATIENCE)
		if pauser:
			pauser.join(lab.PATIENCE)
		answers, wrong = judge(publisher, asker, pauses)
		alive = here.unbound.alive()
		rss_last = here.unbound.rss_octets() if alive else 0
		stats = verdictctl(here, "stats", "--json")[1] if alive else ""
		here.unbound.stop()
		return Outcome(answers, wrong, asker.lost, asker.resent, len(publisher.done) - 1, publisher.errors, alive, rss_first,
			rss_last, stats, here.unbound.output())


def pause_authority(here, publisher):
	def pause():
		import signal
		while not publisher.stopping.is_set():
			time.sleep(1.0)
			here.nsd.send(signal.SIGSTOP)
			time.sleep(1.5)
			here.nsd.send(signal.SIGCONT)
	thread = threading.Thread(target=pause, daemon=True)
	thread.start()
	return thread


def parse_stats(outcome):
	return json.loads(outcome.stats) if outcome.stats.startswith("{") else {}
