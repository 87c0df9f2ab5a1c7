#!/usr/bin/python3
"""What policy and frames cost a resolver, beside the same Unbound without the library: CPU per answer, instructions, memory.

Each round has new processes: where in memory one happens to lie is worth several percent. resolvers.py says how they are
compared, and for how long.
"""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import lab   # noqa: E402  (the path comes first)
from resolvers import BARE, MODULE, NAMES, PARTS, ROUNDS, SECONDS, Resolver, Rounds, bench, policy_of, ready   # noqa: E402

MISSES = 5000           # questions of a part of a round of misses: each name once


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
		figures[name] = [resolver.instructions(file)[0] for file in files][-1]
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


def main():
	if not ready("bench_unbound"):
		return
	policy, listed = policy_of(lab.Lab({}))
	cost(policy, listed)
	cost_of_frames(policy)
	instructions(policy, listed)


if __name__ == "__main__":
	main()
