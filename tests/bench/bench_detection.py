#!/usr/bin/python3
"""What all detectors cost a resolver, beside the library without them and beside no library: CPU per answer, instructions.

Twice: where a miss is one question to the one server that there is, and nothing is validated, which is as little as a
resolver can have to do (`stub`); and where it goes down from a signed root and validates, as it does by default
(`recursed`). Each round has new processes; resolvers.py says how they are compared, and for how long. Arguments: which of
the two, if not both.
"""

import itertools
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import dns.flags     # noqa: E402  (the path comes first)
import dns.rcode     # noqa: E402

import hierarchy     # noqa: E402
import lab           # noqa: E402
from resolvers import BARE, MODULE, NAMES, PARTS, ROUNDS, SECONDS, SUFFIXES, Resolver, Rounds, bench, cached_names, policy_of, \
	ready            # noqa: E402

TRAFFIC = os.path.join(lab.DATA, "traffic/rita_desktop_2024-04.tsv")
HOSTS = 500             # zones that were asked for before
# At callgrind's pace more at a time would wait for so long that they are asked for again. That a zone is insecure (NSEC3) holds
# for the second in which it was proved: none is asked for twice in one, as few are by real clients.
COUNTED = ("-q", 8, "-Q", HOSTS * 4 // 5)


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


class Misses:
	"""Questions that are not in a cache, so many of each kind, in a round, or part of one, of that number."""

	def __init__(self, tlds, count):
		self.tlds, self.count = tlds, count
		self.kinds = {"known": self.known, "new": self.new}
		if os.access(TRAFFIC, os.R_OK):
			misses = real_misses()
			self.mix = misses[-count:]
			self.kinds["mixed"] = self.mixed

	def below(self, name, number):
		return "%s.%s" % (name, self.tlds[number % len(self.tlds)])

	def known_one(self, i):
		return self.below("www%d.host%d" % (i % 3, i % HOSTS), i % HOSTS)

	def known(self, _):
		"""Names that were asked for before, as most are."""
		return [self.known_one(i) for i in range(self.count)]

	def new(self, number):
		"""Neither they were nor their zones."""
		return [self.below("www.new%d-%dx%d" % (number, i, i * 7919 % 1000), i) for i in range(self.count)]

	def mixed(self, number):
		"""As many of each kind as in real traffic, in that order, under names of our own: the zones of before, new names in them,
		and new zones."""
		words = ("mail", "shop", "river", "cloud", "blue", "north", "data", "photo")
		return [self.known_one(i) if kind == "known" else
			self.below("r%d-%d.host%d" % (number, i, i % HOSTS), i % HOSTS) if kind == "name" else
			self.below("www.%s%s%d" % (words[i % 8], words[i // 8 % 8], number * self.count + i), i)
			for i, kind in enumerate(self.mix)]


def say_mix():
	if not os.access(TRAFFIC, os.R_OK):
		print("skipped: misses as in real traffic: no %s (set VERDICT_DATA)" % TRAFFIC)
		return
	kinds = real_misses()
	print("# mixed: %d misses of real clients: %s" % (len(kinds), ", ".join("%d %% of %s" % (
		round(100 * kinds.count(kind) / len(kinds)), what) for kind, what in (("known", "names asked for before"),
		("name", "new names of zones asked for before"), ("zone", "new zones")))), flush=True)


class Stub:
	"""Resolvers that ask one server for all."""
	prefix, counted, first, hierarchy = "", (), None, None
	times = {"cached": ("-l", SECONDS / PARTS), "miss": ("-l", SECONDS / PARTS)}

	def __init__(self):
		kinds = Misses(("org",), NAMES).kinds
		self.kinds = {"cached": lambda _: cached_names("com"), "miss": kinds.pop("known"), **kinds}


class Recursed:
	"""Resolvers that go down from the root and validate."""
	prefix, counted, first = "recursed_", COUNTED, 200
	times = {"known": ("-n", 2)}

	def __init__(self):
		misses = Misses(tuple(hierarchy.TLDS), NAMES)
		# The zones are those of each round, which has new processes; no part of it has one of another part.
		self.kinds = {kind: lambda part, names=names: names(part % PARTS) for kind, names in misses.kinds.items()}
		self.hierarchy = hierarchy.Hierarchy(itertools.chain.from_iterable(names(part) for part in range(PARTS)
			for names in misses.kinds.values()), [misses.known_one(i) for i in range(3 * HOSTS)])

	def check(self, resolver):
		"""Are answers what they are to be, validated where the zone is signed? And what does one take?"""
		secure = 0
		for kind, names in self.kinds.items():
			before = resolver.upstream()
			answers = resolver.cpu(resolver.questions(kind, names(0)), "-n", 1)[1]
			bench("unbound_recursed_%s_upstream_queries" % kind, (resolver.upstream() - before) / answers, "queries")
			for name in names(0)[::5]:
				answer, _ = resolver.lab.ask(name, want_dnssec=True)
				validated = bool(answer.flags & dns.flags.AD)
				if answer.rcode() != dns.rcode.NOERROR or not lab.rdata(answer) or validated != self.hierarchy.is_signed(name):
					raise RuntimeError("%s is not answered as it should be: %s" % (name, answer))
				secure += validated
		if not secure:
			raise RuntimeError("nothing was validated")
		resolver.lab.stop()


def trio(policy, setting, **options):
	"""What is compared, one after the other."""
	for module, lists, detect in ((BARE, None, False), (MODULE, policy, False), (MODULE, policy, True)):
		yield Resolver(module, lists, detect=detect, hierarchy=setting.hierarchy, **options)


def cost(policy, setting):
	rounds = Rounds("ratio_without")
	for number in range(ROUNDS):
		resolvers = tuple(trio(policy, setting))
		if number == 0 and not setting.hierarchy:
			bench("detection_rss_added_mib", (resolvers[2].rss - resolvers[1].rss) / (1 << 20), "MiB")
		for kind, names in setting.kinds.items():
			rounds.measure(number, "%s%s_detect" % (setting.prefix, kind), resolvers,
				lambda part: ([resolver.questions(kind, names(part)) for resolver in resolvers],
					setting.times.get(kind, ("-n", 1))))
		for resolver in resolvers:
			resolver.lab.stop()
	rounds.print()


def count_instructions(resolver, setting, called):
	"""The first run of each kind instruments the code."""
	figures = {}
	for kind, names in setting.kinds.items():
		name = "unbound_%s%s_detect_instructions" % (setting.prefix, kind)
		figures[name], crypto = [resolver.instructions(resolver.questions(kind, some), *setting.counted)
			for some in (names(0)[:setting.first], names(1))][-1]
		bench("%s_%s" % (name, called), figures[name], "instructions")
		if setting.hierarchy:
			bench("%s_%s_libcrypto" % (name, called), crypto, "instructions")
	resolver.lab.stop()
	return figures


def instructions(policy, setting):
	if shutil.which("callgrind_control") is None:
		print("skipped: the figures in instructions: no callgrind_control (install valgrind)")
		return
	bare, without, detect = (count_instructions(resolver, setting, called) for resolver, called in
		zip(trio(policy, setting, callgrind=True), ("bare", "without", "module")))
	for name in bare:
		bench(name + "_ratio", detect[name] / bare[name], "ratio")
		bench(name + "_ratio_without", without[name] / bare[name], "ratio")


def main():
	if not ready("bench_detection"):
		return
	if not os.access(SUFFIXES, os.R_OK):
		print("skipped: bench_detection: no %s (install publicsuffix)" % SUFFIXES)
		return
	scratch = lab.Lab({})
	policy, _ = policy_of(scratch)
	wanted = sys.argv[1:] or ["stub", "recursed"]
	say_mix()
	if "stub" in wanted:
		stub = Stub()
		cost(policy, stub)
		instructions(policy, stub)
	if "recursed" not in wanted:
		return
	reason = hierarchy.missing()
	if reason:
		print("skipped: the figures of a resolver that recurses: " + reason)
		return
	recursed = Recursed()
	recursed.check(Resolver(MODULE, policy, detect=True, hierarchy=recursed.hierarchy))
	cost(policy, recursed)
	instructions(policy, recursed)


if __name__ == "__main__":
	main()
