#!/usr/bin/python3
"""The verdicts of this library in Unbound against those of BIND 9: the same zones, the same clients, the same questions.

usage: conform.py [--cases N] [--seed N] [--only TEXT] [--jobs N] [--no-voices]

Other resolvers with response policy zones are asked as well, and their answers counted.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import itertools
import multiprocessing
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import ask
import differences
import grid
import lab
import maker
import report
import resolvers
import world

PAIR = (resolvers.Bind, resolvers.Verdict)
PER_SET = 120
SEED = int(os.environ.get("VERDICT_SEED", "20261121"))
TRIES = 4


def missing():
	"""What keeps the comparison from running, or None."""
	for path, remedy in ((lab.LIBRARY, "configure --with-unbound and make"), (os.path.join(lab.SBIN, "unbound"), "set UNBOUND_SBIN"),
			(lab.NSD, "set NSD"), (resolvers.NAMED, "install bind9, or set NAMED")):
		if path is None or not os.access(path, os.R_OK):
			return "no %s: %s" % (path or "named", remedy)
	if world.free_net() is None:
		return "port 53 of loopback addresses cannot be bound, which referrals lead to: run as root"
	return None


def start(here, private, policy, number, kinds):
	"""Resolvers of these kinds, when all of them are ready; those that were started when one fails are ended."""
	found = []
	try:
		for kind in kinds:
			found.append(kind(here, private, policy, number))
		for resolver in found:
			resolver.wait()
	except BaseException:
		for resolver in found:
			resolver.stop()
		raise
	return found


def started(here, private, policy, number, kinds):
	"""The same, with another try: a port can be taken in the meantime, by a query of somebody's resolver."""
	for again in range(TRIES):
		try:
			return start(here, private, policy, "%s.%d" % (number, again), kinds)
		except RuntimeError:
			if again == TRIES - 1:
				raise


class Mute(Exception):
	"""One of the pair gave no answer to most of a set: it tells nothing about policies."""


def silent(results):
	return sum(value == ask.DROPPED for value, _ in results) * 3 > len(results) * 2


class Comparison:
	def __init__(self, here, private, kinds=()):
		self.here, self.world = here, private
		self.voices = kinds
		self.total = report.Report()

	def run(self, number, part, title, policy, questions, mute=True):
		"""Every question twice: of resolvers that know nothing, and then in another order. The others hear it once."""
		came = report.Report()
		kinds = [kind for kind in self.voices if kind.supports(policy)]
		for kind in self.voices:
			if kind not in kinds:
				came.tally.silent(kind.voice, part, "unsupported", len(questions))
		try:
			pair = started(self.here, self.world, policy, number, [*PAIR, *kinds])
		except RuntimeError:   # a voice may refuse a policy; where it is one of the pair, this fails again
			for kind in kinds:
				came.tally.ended(kind.voice, part, title, len(questions))
			pair = started(self.here, self.world, policy, "%s.alone" % number, PAIR)
		ports = [resolver.port for resolver in pair]
		order = list(range(len(questions)))
		random.Random(title).shuffle(order)
		try:
			first = ask.all_of(ports, questions)
			second = ask.all_of(ports[:2], [questions[i] for i in order])
			came.coverage.rewritten = pair[0].rewritten()
			came.listen(part, title, questions, first, pair[2:])
			if mute and any(silent(results) for results in first[:2] + second):
				raise Mute
			dead = [resolver.voice for resolver in pair[:2] if not resolver.process.alive()]
		finally:
			for resolver in pair:
				resolver.stop()
		for results in second:
			results[:] = [result for _, result in sorted(zip(order, results), key=lambda pair: pair[0])]
		came.judge(policy, questions, title, {"first": first[:2], "later": second} if policy.waits() else {"later": second})
		if dead:
			came.failed += len(dead)
			came.text += "\n%s\n%s: ended" % (title, ", ".join(dead))
		return came

	def known_rows(self):
		"""Holds both to each row of the table. Yields (claim, what is wrong or "")."""
		for number, (claim, policy, question, theirs, ours) in enumerate(differences.rows(self.world)):
			kinds = [kind for kind in self.voices if kind.supports(policy)]
			pair = started(self.here, self.world, policy, "row%d" % number, [*PAIR, *kinds])
			try:
				answers = ask.all_of([resolver.port for resolver in pair], [question])
				self.total.listen("rows of the table", claim, [question], answers, pair[2:])
			finally:
				for resolver in pair:
					resolver.stop()
			got = [differences.brief(results[0][0]) for results in answers]
			wrong = "" if got[0].startswith(theirs) and got[1].startswith(ours) else "BIND: %s, not %s\nours: %s, not %s" % (
				got[0], theirs, got[1], ours)
			self.total.passed += not wrong
			self.total.failed += bool(wrong)
			yield "differs: " + claim, wrong

	def all(self, sets, jobs):
		"""Runs the sets, several at a time, and yields (title, number of questions, Report) in their order. Closed before
		the end, it ends its processes, and they their resolvers."""
		global comparison
		comparison = self
		context = multiprocessing.get_context("fork")
		waiting = collections.deque()
		sets = enumerate(sets)
		pool = concurrent.futures.ProcessPoolExecutor(jobs, context, begin_process, (os.getpid(),))
		try:
			while True:
				for number, item in itertools.islice(sets, max(0, 5 * jobs - len(waiting))):
					waiting.append((item[1], len(item[3]), pool.submit(run_one, number, item)))
				if not waiting:
					break
				title, count, future = waiting.popleft()
				came = future.result()
				self.total.add(came)
				yield title, count, came
		finally:
			for process in multiprocessing.active_children() if waiting else ():
				process.terminate()   # a pool waits for all that it has handed out
			pool.shutdown(cancel_futures=True)


comparison = None       # what the processes have from their parent


def begin_process(parent):
	lab.die_with(parent)
	signal.signal(signal.SIGINT, signal.SIG_IGN)    # its parent ends it
	signal.signal(signal.SIGTERM, end_process)


busy = ending = False


def end_process(number, frame):
	"""Ends the set at hand; those that this process is given afterwards end at once."""
	global ending
	ending = True
	if busy:
		sys.exit(143)


def run_one(number, item):
	global busy
	busy = True
	try:
		if ending:
			return None
		try:
			return comparison.run(number, *item)
		except Mute:   # it was asked while the machine did something else; a resolver that is broken is mute again
			return comparison.run("%d.again" % number, *item, mute=False)
	finally:
		busy = False


def generated(private, seed, cases):
	for number in range(1, -(-cases // PER_SET) + 1):
		rng = random.Random("%d.%d" % (seed, number))
		made = maker.Maker(rng, private)
		policy = made.policy()
		yield "generated", "seed %d, set %d" % (seed, number), policy, made.questions(policy, PER_SET)


def begin(here, seed, kinds=()):
	private = world.World(random.Random(seed), world.free_net())
	private.start(here)
	return Comparison(here, private, kinds)


def chosen_voices():
	kinds = []
	for kind in resolvers.VOICES:
		if kind.lacks():
			print("SKIPPED: %s is not heard: %s" % (kind.voice, kind.lacks()), flush=True)
		else:
			kinds.append(kind)
	return kinds


def finish(total, whole):
	"""Prints what there is to know at the end; the last line counts. Returns whether all is well."""
	for row, count in total.known.items():
		print("differs as doc/policy.md says, %s: %d" % (row, count))
	print(total.coverage)
	for cell in total.coverage.unmet() if whole else ():
		print("not met by any question: " + cell)
		total.failed += 1
	if total.tally.counts:
		print(total.tally)
	print("%d passed, %d failed" % (total.passed, total.failed))
	return total.failed == 0


def parse():
	parser = argparse.ArgumentParser(usage="conform.py [--cases N] [--seed N] [--only TEXT] [--jobs N] [--no-voices]")
	parser.add_argument("--cases", type=int, default=12000)
	parser.add_argument("--seed", type=int, default=SEED)
	parser.add_argument("--only", default="")
	parser.add_argument("--jobs", type=int, default=6 * (os.cpu_count() or 1))
	parser.add_argument("--no-voices", action="store_true")
	return parser.parse_args()


def main():
	arguments = parse()
	reason = missing()
	if reason:
		sys.exit("conform.py: " + reason)
	print("seed %d" % arguments.seed, flush=True)
	begun = time.monotonic()
	with lab.Lab() as here:
		run = begin(here, arguments.seed, () if arguments.no_voices else chosen_voices())
		for claim, wrong in run.known_rows():
			print("%s: %s" % (claim, wrong or "as described"), flush=True)
		sets = itertools.chain(grid.sets(run.world), generated(run.world, arguments.seed, arguments.cases))
		wanted = (item for item in sets if arguments.only in item[1] + ",")
		with contextlib.closing(run.all(wanted, arguments.jobs)) as done:
			for title, _, came in done:
				if came.text:
					print("--- " + came.text)
				print("%s: %d passed, %d failed, %.0f s" % (title, run.total.passed, run.total.failed, time.monotonic() - begun), flush=True)
		sys.exit(0 if finish(run.total, not arguments.only) else 1)


if __name__ == "__main__":
	main()
