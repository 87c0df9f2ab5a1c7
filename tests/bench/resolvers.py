"""Resolvers beside one another, with the library and without it: what an answer costs each.

The same questions, rounds in turn (which of them begins changes each round, and each round goes to and fro), so that
whatever else the machine does meets all alike; a resolver has a processor of its own where there are two. A ratio is the
median of the rounds' ratios, with the 95 % interval of that median by order statistics. dnsperf asks.

Instructions are counted by callgrind, user space only. VERDICT_ROUNDS (default 15) and VERDICT_ROUND_SECONDS (default 2)
set how long it takes, VERDICT_THREADS (default 1) how many threads each Unbound has: what a process pays for its second
one is part of the library's ratio with one, and of no ratio with more.
"""

import lzma
import math
import os
import random
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import lab   # noqa: E402  (the path comes first)

LIST = os.path.join(lab.DATA, "lists/block_malware_big.txt.xz")
ROUNDS = int(os.environ.get("VERDICT_ROUNDS", "15"))
SECONDS = float(os.environ.get("VERDICT_ROUND_SECONDS", "2"))
THREADS = int(os.environ.get("VERDICT_THREADS", "1"))
NAMES = 2000
PARTS = 4               # of a round
APART = ("taskset", "-c", "0") if shutil.which("taskset") and os.cpu_count() > 1 else ()
ZONE = "$ORIGIN %s.\n$TTL %d\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"
# Detectors tell zones by the top-level domains that there are; what lives for no time is resolved each time.
ZONES = {"example": ZONE % ("example", 86400), "com": ZONE % ("com", 86400), "org": ZONE % ("org", 0)}
DETECTION = 'detection:\n\tpublic-suffix-list: "%s"\n'
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
MODULE = "dynlib validator iterator"
BARE = "validator iterator"
NATIVE = """dnstap:
	dnstap-enable: yes
	dnstap-bidirectional: yes
	dnstap-socket-path: "%s"
	dnstap-log-client-response-messages: yes
"""


def bench(name, value, unit):
	print("bench %s %.3f %s" % (name, value, unit), flush=True)


def interval(values):
	"""The 95 % interval of the median: ranks by the binomial distribution's normal approximation."""
	ordered = sorted(values)
	half = 0.98 * math.sqrt(len(ordered))
	low = max(0, math.floor(len(ordered) / 2 - half))
	high = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + half) - 1)
	return ordered[low], ordered[high]


def bench_ratio(name, ratios):
	low, high = interval(ratios)
	bench(name, statistics.median(ratios), "ratio")
	print("# %s: median of %d rounds, 95 %% interval %.3f to %.3f" % (name, len(ratios), low, high), flush=True)


def cached_names(domain="example"):
	chance = random.Random(1)
	labels = ["".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randrange(4, 14))) for _ in range(NAMES)]
	return ["%s.w%d.%s" % (label, i % 40, domain) for i, label in enumerate(labels)]


def dnsperf(here, questions, *arguments):
	command = ["dnsperf", "-s", "127.0.0.1", "-p", str(here.port), "-d", questions, "-c", "4", "-q", "60", "-e"]
	done = subprocess.run(command + [str(a) for a in arguments], capture_output=True, text=True, check=True)
	if "SERVFAIL" in done.stdout:
		raise RuntimeError("answers that failed:\n" + done.stdout)
	return int(next(line.split()[2] for line in done.stdout.splitlines() if "Queries completed:" in line))


def by_object(dump):
	"""How many instructions callgrind counted in program and libraries; None before it has written all. The line behind `calls=`
	has those of who is called."""
	names, counts, here, called, total = {}, {}, None, False, None
	with open(dump) as file:
		for line in file:
			kind, _, rest = line.strip().partition("=")
			if kind in ("ob", "cob"):
				number, _, name = rest.partition(" ")
				name = names.setdefault(number, name)
				here = name if kind == "ob" else here
			elif line[0] in "0123456789+-*" and not called:
				counts[here] = counts.get(here, 0) + int(line.split()[1])
			elif line.startswith("totals:"):
				total = int(line.split()[1])
			called = kind == "calls"
	return counts if total is not None and total == sum(counts.values()) else None


class Resolver:
	"""One Unbound of the comparison, with its cache filled. It asks one server for all, or goes down from the root of a
	`hierarchy`."""

	def __init__(self, module, policy=None, capture=False, callgrind=False, native=False, refused=(), detect=False, hierarchy=None):
		self.lab = lab.Lab({} if hierarchy else ZONES)
		if not hierarchy:
			self.lab.start_nsd()
		if capture or native:
			self.lab.start_capture()
		self.lab.policy(policy or [], file=False, socket_path=capture, raw=DETECTION % SUFFIXES if detect else "")
		self.lab.unbound_conf(THREADS, module=module, server="\tmsg-cache-size: 256m\n\trrset-cache-size: 256m\n" +
			"".join("\tlocal-zone: %s. always_refuse\n" % name for name in refused) + (hierarchy.server(self.lab) if hierarchy else ""),
			rest=NATIVE % self.lab.socket_path if native else "")
		self.lab.launch_unbound(wrapper=("valgrind", "--tool=callgrind", "--instr-atstart=no", "--fair-sched=yes",
			"--callgrind-out-file=" + self.lab.path("callgrind.out")) if callgrind else APART)
		lab.wait_for(lambda: "start of service" in self.lab.unbound.output(), "unbound", 120)
		self.load_cpu = self.lab.unbound.cpu_seconds()
		self.rss = self.lab.unbound.rss_octets()
		self.cached = self.questions("cached", hierarchy.asked_before if hierarchy else cached_names())
		dnsperf(self.lab, self.cached, "-n", 2)

	def questions(self, name, names):
		return self.lab.write(name, "".join("%s A\n" % qname for qname in names))

	def cpu(self, questions, *arguments):
		"""Seconds of CPU, and the number of answers."""
		before = self.lab.unbound.cpu_seconds()
		queries = dnsperf(self.lab, questions, *arguments)
		return self.lab.unbound.cpu_seconds() - before, queries

	def instructions(self, questions, *arguments):
		"""Of user space, for each answer: all, and those of libcrypto. Started with callgrind."""
		subprocess.run(["callgrind_control", "--instr=on", str(self.lab.unbound.pid)], capture_output=True, check=True)
		self.lab.ask("localhost")   # so that there is something to be dumped
		self.dump()
		queries = dnsperf(self.lab, questions, "-n", 1, *arguments)
		objects = self.dump()
		return (sum(objects.values()) / queries,
			sum(count for name, count in objects.items() if "libcrypto" in name) / queries)

	def dump(self):
		"""What was counted since the last one, which is over when this returns."""
		def dumps():
			return {self.lab.path(name) for name in os.listdir(self.lab.dir) if name.startswith("callgrind.out.")}
		before = dumps()
		subprocess.run(["callgrind_control", "--dump", str(self.lab.unbound.pid)], capture_output=True, check=True)
		return lab.wait_for(lambda: by_object(max(dumps() - before, default=os.devnull)), "callgrind's dump")

	def upstream(self):
		"""How many questions it has asked so far. What else it would count costs something, so only now."""
		self.lab.control("set_option", "extended-statistics:", "yes")
		statistics_now = self.lab.statistics()
		self.lab.control("set_option", "extended-statistics:", "no")
		return int(statistics_now["num.query.udpout"]) + int(statistics_now["num.query.tcpout"])


def real_list(to):
	"""The million names in a plain file, and a policy of it; None without the data."""
	if not os.access(LIST, os.R_OK):
		return None, []
	path = os.path.join(to, "malware.txt")
	with lzma.open(LIST) as source:
		text = source.read()
	with open(path, "wb") as plain:
		plain.write(text)
	names = [line for line in text.decode().split("\n") if line and not line.startswith("#")]
	return [{"name": "malware", "format": "domains", "action": "refuse", "file": path}], random.Random(2).sample(names, NAMES)


class Rounds:
	"""What several resolvers take for the same answers: bare, perhaps bare again, and what is compared with them. Bare
	again shows what a ratio of this run is worth; `second` says what is there instead."""

	def __init__(self, second="noise"):
		self.second = second
		self.figures = {}

	def measure(self, number, kind, resolvers, questions):
		"""A round; `questions` gives a file for each of them and dnsperf's arguments, for each part of a round."""
		order = [(number + place) % len(resolvers) for place in range(len(resolvers))]
		used = [[] for _ in resolvers]
		for part in range(PARTS):
			files, arguments = questions(number * PARTS + part)
			for which in reversed(order) if part % 2 else order:
				used[which].append(resolvers[which].cpu(files[which], *arguments))
		self.figures.setdefault(kind, []).append(
			[sum(cpu for cpu, _ in parts) / sum(queries for _, queries in parts) * 1e6 for parts in used])

	def print(self):
		for kind, figures in self.figures.items():
			bench("unbound_%s_cpu_us_bare" % kind, statistics.median(one[0] for one in figures), "us")
			bench("unbound_%s_cpu_us_module" % kind, statistics.median(one[-1] for one in figures), "us")
			bench_ratio("unbound_%s_cpu_ratio" % kind, [one[-1] / one[0] for one in figures])
			if len(figures[0]) > 2:
				bench_ratio("unbound_%s_cpu_%s" % (kind, self.second), [one[1] / one[0] for one in figures])

	def added(self, kind):
		return statistics.median(one[-1] - one[0] for one in self.figures[kind])


def ready(name):
	"""Is there what it takes? Then this process, and whatever it starts but resolvers, leaves them their processor."""
	lab.require()
	if shutil.which("dnsperf") is None:
		print("skipped: %s: no dnsperf" % name)
		return False
	if APART:
		os.sched_setaffinity(0, {1})
	return True


def policy_of(scratch):
	"""The real list, or what is said without it."""
	policy, listed = real_list(scratch.dir)
	if policy is None:
		print("skipped: the figures of the real list: no %s (set VERDICT_DATA)" % LIST)
	return policy, listed
