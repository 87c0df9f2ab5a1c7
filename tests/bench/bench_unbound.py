#!/usr/bin/python3
"""What the library costs a resolver, beside the same Unbound without it: CPU per answer, instructions, memory.

The same questions, rounds in turn (which of the two begins changes each round, and each round goes to and fro), so that
whatever else the machine does meets both alike; the resolver has a processor of its own where there are two. Each round
has new processes: where in memory one happens to lie is worth several percent. A ratio is the median of the rounds'
ratios, with the 95 % interval of that median by order statistics. dnsperf asks.

Instructions are counted by callgrind, user space only. VERDICT_ROUNDS (default 15) and VERDICT_ROUND_SECONDS (default 2)
set how long it takes.
"""

import lzma
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import lab   # noqa: E402  (the path comes first)

LIST = os.path.join(lab.DATA, "lists/block_malware_big.txt.xz")
TRAFFIC = os.path.join(lab.DATA, "traffic/rita_desktop_2024-04.tsv")
ROUNDS = int(os.environ.get("VERDICT_ROUNDS", "15"))
SECONDS = float(os.environ.get("VERDICT_ROUND_SECONDS", "2"))
NAMES = 2000
PARTS = 4               # of a round
MISSES = 5000           # questions of a part of a round of misses: each name once
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
	return int(next(line.split()[2] for line in done.stdout.splitlines() if "Queries completed:" in line))


class Resolver:
	"""One Unbound of the comparison, with its cache filled."""

	def __init__(self, module, policy=None, capture=False, callgrind=False, native=False, refused=(), detect=False):
		self.lab = lab.Lab(ZONES)
		self.lab.start_nsd()
		if capture or native:
			self.lab.start_capture()
		self.lab.policy(policy or [], file=False, socket_path=capture, raw=DETECTION % SUFFIXES if detect else "")
		self.lab.unbound_conf(module=module, server="\tmsg-cache-size: 256m\n\trrset-cache-size: 256m\n" +
			"".join("\tlocal-zone: %s. always_refuse\n" % name for name in refused),
			rest=NATIVE % self.lab.socket_path if native else "")
		self.lab.launch_unbound(wrapper=("valgrind", "--tool=callgrind", "--instr-atstart=no", "--fair-sched=yes",
			"--callgrind-out-file=" + self.lab.path("callgrind.out")) if callgrind else APART)
		lab.wait_for(lambda: "start of service" in self.lab.unbound.output(), "unbound", 120)
		self.load_cpu = self.lab.unbound.cpu_seconds()
		self.rss = self.lab.unbound.rss_octets()
		self.cached = self.questions("cached", cached_names())
		dnsperf(self.lab, self.cached, "-n", 2)

	def questions(self, name, names):
		return self.lab.write(name, "".join("%s A\n" % qname for qname in names))

	def cpu(self, questions, *arguments):
		"""Seconds of CPU, and the number of answers."""
		before = self.lab.unbound.cpu_seconds()
		queries = dnsperf(self.lab, questions, *arguments)
		return self.lab.unbound.cpu_seconds() - before, queries

	def instructions(self, questions):
		"""Of user space, for each answer; started with callgrind."""
		pid = str(self.lab.unbound.pid)
		for argument in ("--instr=on", "--zero"):
			subprocess.run(["callgrind_control", argument, pid], capture_output=True, check=True)
		queries = dnsperf(self.lab, questions, "-n", 1)
		subprocess.run(["callgrind_control", "--dump", pid], capture_output=True, check=True)
		dumps = [name for name in os.listdir(self.lab.dir) if name.startswith("callgrind.out.")]
		newest = max(dumps, key=lambda name: int(name.rsplit(".", 1)[1]))
		with open(self.lab.path(newest)) as file:
			return sum(int(line.split()[1]) for line in file if line.startswith("totals:")) / queries


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


def cost(policy, listed):
	rounds = Rounds()
	for number in range(ROUNDS):
		resolvers = (Resolver(BARE), Resolver(BARE), Resolver(MODULE, policy))
		cached = [resolver.cached for resolver in resolvers]
		if listed and number == 0:
			bench("policy_rss_added_mib", (resolvers[2].rss - resolvers[0].rss) / (1 << 20), "MiB")
			bench("policy_load_cpu_s", resolvers[2].load_cpu - resolvers[0].load_cpu, "s")
		rounds.measure(number, "cached", resolvers, lambda _: (cached, ("-l", SECONDS / PARTS)))
		if listed:
			# A denied answer beside a cached one of the resolver without us.
			denied = cached[:2] + [resolvers[2].questions("denied", listed)]
			rounds.measure(number, "denied", resolvers, lambda _: (denied, ("-l", SECONDS / PARTS)))

		def misses(part):
			names = ["r%d-%d.miss%d.example" % (part, i, i % 97) for i in range(MISSES)]
			return [resolver.questions("miss", names) for resolver in resolvers], ("-n", 1)
		rounds.measure(number, "miss", resolvers, misses)
		for resolver in resolvers:
			resolver.lab.stop()
	rounds.print()


def real_misses():
	"""What a cache between the clients of a real capture and their resolver would not have had, by the lifetimes of its
	answers: for each, whether its name ("known") or its zone ("name") was asked for before, or neither ("zone"). It
	remembers nothing before the capture and serves a handful of clients: a resolver with more and a month of memory meets
	fewer new zones."""
	kinds, expires, names, zones = [], {}, set(), set()
	with open(TRAFFIC) as file:
		rows = [line.rstrip("\n").split("\t") for line in file]
	for row in rows:
		if len(row) < 10 or row[4] != "53":
			continue
		at, name, question = float(row[0]), row[6], (row[6], row[7])
		if expires.get(question, 0) > at:
			continue
		expires[question] = at + min([int(one.split()[0]) for one in row[9].split("; ") if one], default=60)
		zone = ".".join(name.split(".")[-2:])
		kinds.append("known" if name in names else "name" if zone in zones else "zone")
		names.add(name)
		zones.add(zone)
	return kinds


def mixed_names(number):
	"""As many of each kind, in that order, under names of our own: the zones of before, new names in them, and new zones."""
	kinds, words = real_misses()[-NAMES:], ("mail", "shop", "river", "cloud", "blue", "north", "data", "photo")
	return ["www%d.host%d.org" % (i % 3, i % 500) if kind == "known" else
		"r%d-%d.host%d.org" % (number, i, i % 500) if kind == "name" else
		"www.%s%s%d.org" % (words[i % 8], words[i // 8 % 8], number * NAMES + i) for i, kind in enumerate(kinds)]


def detection_questions():
	"""Kind of answer: its questions, in a round of that number. Misses are of names that were asked for before, as most
	are, and of 500 zones; new ones of names and zones that were not; mixed ones as in real traffic."""
	kinds = {"cached": lambda number: cached_names("com"),
		"miss": lambda number: ["www%d.host%d.org" % (i % 3, i % 500) for i in range(NAMES)],
		"new": lambda number: ["www.new%d-%dx%d.org" % (number, i, i * 7919 % 1000) for i in range(NAMES)]}
	if os.access(TRAFFIC, os.R_OK):
		kinds["mixed"] = mixed_names
	return kinds


def say_mix():
	if not os.access(TRAFFIC, os.R_OK):
		print("skipped: misses as in real traffic: no %s (set VERDICT_DATA)" % TRAFFIC)
		return
	kinds = real_misses()
	print("# mixed: %d misses of real clients: %s" % (len(kinds), ", ".join("%d %% of %s" % (
		round(100 * kinds.count(kind) / len(kinds)), what) for kind, what in (("known", "names asked for before"),
		("name", "new names of zones asked for before"), ("zone", "new zones")))), flush=True)


def cost_of_detection(policy):
	"""All detectors on, beside no library and beside the library without them."""
	rounds = Rounds("ratio_without")
	for number in range(ROUNDS):
		resolvers = (Resolver(BARE), Resolver(MODULE, policy), Resolver(MODULE, policy, detect=True))
		if number == 0:
			bench("detection_rss_added_mib", (resolvers[2].rss - resolvers[1].rss) / (1 << 20), "MiB")
		for kind, names in detection_questions().items():
			once = ("-n", 1) if kind in ("new", "mixed") else ("-l", SECONDS / PARTS)
			rounds.measure(number, kind + "_detect", resolvers,
				lambda part: ([resolver.questions(kind, names(part)) for resolver in resolvers], once))
		for resolver in resolvers:
			resolver.lab.stop()
	rounds.print()


def count_detection_instructions(resolver, kind):
	figures = {}
	for name, names in detection_questions().items():
		figures[name] = [resolver.instructions(resolver.questions(name, names(number))) for number in range(2)][-1]
		bench("unbound_%s_detect_instructions_%s" % (name, kind), figures[name], "instructions")
	resolver.lab.stop()
	return figures


def detection_instructions(policy):
	bare = count_detection_instructions(Resolver(BARE, callgrind=True), "bare")
	without = count_detection_instructions(Resolver(MODULE, policy, callgrind=True), "without")
	detect = count_detection_instructions(Resolver(MODULE, policy, callgrind=True, detect=True), "module")
	for name in bare:
		bench("unbound_%s_detect_instructions_ratio" % name, detect[name] / bare[name], "ratio")
		bench("unbound_%s_detect_instructions_ratio_without" % name, without[name] / bare[name], "ratio")


def cost_of_frames(policy):
	"""Policy and frames of all answers with both messages, and Unbound's own dnstap of client responses alone."""
	bare, module, native = Resolver(BARE), Resolver(MODULE, policy, capture=True), Resolver(BARE, native=True)
	rounds = Rounds()
	for number in range(ROUNDS):
		for kind, other in ("cached_frames", module), ("native_dnstap", native):
			rounds.measure(number, kind, (bare, other), lambda _: ((bare.cached, other.cached), ("-l", SECONDS / PARTS)))
	rounds.print()
	bench("tap_cpu_us_per_frame", rounds.added("cached_frames"), "us")
	bench("native_dnstap_cpu_us_per_frame", rounds.added("native_dnstap"), "us")
	frames_per_answer(module)
	bare.lab.stop()
	native.lab.stop()


def frames_per_answer(resolver):
	"""dnsperf asks as fast as it can, so frames may be dropped; each that is must be counted."""
	answers = int(float(resolver.lab.statistics()["total.num.queries"]))
	resolver.lab.unbound.stop()
	frames = len({lab.frames.number(frame) for frame in resolver.lab.captured(parse=False)})
	lost, unsent = re.findall(r"frames, of which (\d+) were dropped; at the last end (\d+) were not sent", resolver.lab.unbound.output())[-1]
	dropped = int(lost) + int(unsent)
	bench("frames_per_answer", frames / answers, "ratio")
	bench("frames_dropped", dropped, "frames")
	bench("tap_lost_uncounted", answers - frames - dropped, "frames")


def missing_names(number):
	return ["r%d-%d.miss%d.example" % (number, i, i % 97) for i in range(NAMES)]


def count_instructions(resolver, kind, listed):
	"""Of each kind of answer. The first run of each instruments the code; names that are to be missing are new each time."""
	questions = {"cached": [resolver.cached] * 2,
		"miss": [resolver.questions("miss%d" % number, missing_names(number)) for number in range(2)]}
	if listed:
		questions["denied"] = [resolver.questions("denied", listed)] * 2
	figures = {}
	for name, files in questions.items():
		figures[name] = [resolver.instructions(file) for file in files][-1]
		bench("unbound_%s_instructions_%s" % (name, kind), figures[name], "instructions")
	resolver.lab.stop()
	return figures


def instructions(policy, listed):
	if shutil.which("callgrind_control") is None:
		print("skipped: the figures in instructions: no callgrind_control (install valgrind)")
		return
	bare = count_instructions(Resolver(BARE, callgrind=True), "bare", [])
	module = count_instructions(Resolver(MODULE, policy, callgrind=True), "module", listed)
	bench("unbound_cached_instructions_ratio", module["cached"] / bare["cached"], "ratio")
	bench("unbound_miss_instructions_ratio", module["miss"] / bare["miss"], "ratio")
	if not listed:
		return
	# As the ratio of CPU has it: beside a cached answer of the resolver without us. What it pays itself for refusing
	# those names, as local zones, is for information.
	bench("unbound_denied_instructions_ratio", module["denied"] / bare["cached"], "ratio")
	count_instructions(Resolver(BARE, callgrind=True, refused=listed), "local_zone", listed)


def detection(policy):
	if not os.access(SUFFIXES, os.R_OK):
		print("skipped: the figures of detection: no %s (install publicsuffix)" % SUFFIXES)
		return
	say_mix()
	cost_of_detection(policy)
	if shutil.which("callgrind_control") is not None:
		detection_instructions(policy)


def main():
	lab.require()
	if shutil.which("dnsperf") is None:
		print("skipped: bench_unbound: no dnsperf")
		return
	scratch = lab.Lab({})
	policy, listed = real_list(scratch.dir)
	if policy is None:
		print("skipped: the figures of the real list: no %s (set VERDICT_DATA)" % LIST)
	if APART:
		os.sched_setaffinity(0, {1})   # and whatever this one starts, but for the resolvers
	cost(policy, listed)
	cost_of_frames(policy)
	instructions(policy, listed)
	detection(policy)


if __name__ == "__main__":
	main()
