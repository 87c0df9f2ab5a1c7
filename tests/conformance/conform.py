#!/usr/bin/python3
"""The verdicts of this library in Unbound against those of BIND 9: the same zones, the same clients, the same questions.

usage: conform.py [--cases N] [--seed N] [--only TEXT] [--jobs N] [--no-voices]

Other resolvers with response policy zones are asked as well, and their answers counted.
"""

import argparse
import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import ask
import coverage
import differences
import grid
import lab
import maker
import resolvers
import rules
import voices
import world

PER_SET = 120
SEED = int(os.environ.get("VERDICT_SEED", "20261121"))
TTL_SLACK = 60          # seconds that a record may have been in one cache longer than in the other
TRIES = 4
SHOWN = 12              # differences of one set


def missing():
	"""What keeps the comparison from running, or None."""
	for path, remedy in ((lab.LIBRARY, "configure --with-unbound and make"), (os.path.join(lab.SBIN, "unbound"), "set UNBOUND_SBIN"),
			(lab.NSD, "set NSD"), (resolvers.NAMED, "install bind9, or set NAMED")):
		if path is None or not os.access(path, os.R_OK):
			return "no %s: %s" % (path or "named", remedy)
	if world.free_net() is None:
		return "port 53 of loopback addresses cannot be bound, which referrals lead to: run as root"
	return None


def same_ttl(one, two, policy):
	"""Of a record in the answers of two resolvers. Local data never comes from a cache."""
	if one == two or not one or not two:   # an alias that Unbound makes from a DNAME has 0
		return True
	if rules.DATA_TTL in (one, two):
		return any(entry.override.startswith("cname") for entry in policy.lists)
	return abs(one - two) <= TTL_SLACK


def same(one, two, policy):
	if one == two:
		return True
	if len(one) != 3 or len(two) != 3:
		return False
	if one[0] == two[0] == "TC":
		return one[2] == two[2]   # the real answer's rcode may stand there
	theirs, ours = dict(one[2]), dict(two[2])
	return one[:2] == two[:2] and theirs.keys() == ours.keys() and all(same_ttl(theirs[key], ours[key], policy) for key in ours)


def alias_asked_for(policy, question, theirs, ours):
	"""A question for CNAME: BIND does not judge where the record leads, we do."""
	return question.qtype in ("CNAME", "DNAME") and len(theirs) == 3 and any(
		owner == question.name + "." and rtype == "CNAME" and ttl != rules.DATA_TTL for (owner, rtype, _), ttl in theirs[2])


def partly_signed(policy, question, theirs, ours):
	"""With break-dnssec no: BIND rewrites at the first name that is not signed, we leave an answer with signatures whole."""
	if policy.options["break-dnssec"] == "yes" or not question.do or len(ours) != 3:
		return False
	names = [name for (owner, rtype, data), _ in ours[2] for name in (owner, data) if name == owner or rtype == "CNAME"]
	return len({name.endswith(world.SIGNED + ".") for name in names}) == 2


# Rows of doc/policy.md that generated cases meet.
KNOWN = {"a question for CNAME or DNAME": alias_asked_for, "an answer that is signed in part": partly_signed}


def known(policy, question, theirs, ours):
	return next((name for name, holds in KNOWN.items() if holds(policy, question, theirs, ours)), None)


def show(result):
	value, why = result
	if len(value) != 3:
		return " ".join(value)
	lines = ["%s %s" % (value[1], value[0])] + ["%s %d %s %s" % (key[0], ttl, key[1], key[2]) for key, ttl in value[2]]
	return "; ".join(lines) + (" [%s]" % why if why else "")


class Report:
	"""What came of one set, or of many."""

	def __init__(self):
		self.passed = self.failed = 0
		self.text = ""          # differences of one set
		self.known = collections.Counter()
		self.coverage = coverage.Coverage()
		self.tally = voices.Tally()

	def add(self, other):
		self.passed += other.passed
		self.failed += other.failed
		self.known += other.known
		self.coverage.add(other.coverage)
		self.tally.add(other.tally)

	def judge(self, policy, questions, title, rounds):
		found = []
		for index, question in enumerate(questions):
			wrong, rows = [], []
			for when, (theirs, ours) in rounds.items():
				(their_value, _), (our_value, why) = theirs[index], ours[index]
				self.coverage.note(their_value, why or our_value == ask.DROPPED)
				if not same(their_value, our_value, policy):
					wrong.append((when, "", theirs[index], ours[index]))
					rows.append(known(policy, question, their_value, our_value))
				elif coverage.empty(their_value, our_value, policy):
					wrong.append((when, coverage.empty(their_value, our_value, policy) + ", ", theirs[index], ours[index]))
					rows.append(None)
			if wrong and all(rows):
				self.known[rows[0]] += 1
				continue
			self.failed += bool(wrong)
			self.passed += not wrong
			if wrong and len(found) < SHOWN:
				found.append(" ".join(map(str, question[:3])) + "".join(" %s" % name for name in ("tcp", "do") if getattr(question, name)))
				found += ["    %s %sBIND: %s\n          ours: %s" % (when, what, show(one), show(two)) for when, what, one, two in wrong]
		self.text = "%s\n%s\n%s" % (title, policy, "\n".join(found)) if found else ""

	def listen(self, part, title, questions, answers, kinds):
		"""`answers`: BIND's, ours, and those of resolvers of these kinds."""
		for voice, said in zip(kinds, answers[2:]):
			for index, question in enumerate(questions):
				self.tally.note(voice, part, "%s %s from %s (%s)" % (question[:3] + (title,)), answers[0][index][0], answers[1][index][0],
					said[index][0])


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


class Comparison:
	def __init__(self, here, private, kinds=()):
		self.here, self.world = here, private
		self.voices = kinds
		self.total = Report()

	def run(self, number, part, title, policy, questions):
		"""Every question twice: of resolvers that know nothing, and then in another order. The others hear it once."""
		report = Report()
		kinds = [kind for kind in self.voices if kind.supports(policy)]
		for kind in self.voices:
			if kind not in kinds:
				report.tally.unsupported(kind.voice, part, len(questions))
		pair = started(self.here, self.world, policy, number, [resolvers.Bind, resolvers.Verdict] + kinds)
		ports = [resolver.port for resolver in pair]
		order = list(range(len(questions)))
		random.Random(title).shuffle(order)
		try:
			first = ask.all_of(ports, questions)
			second = ask.all_of(ports[:2], [questions[i] for i in order])
			report.coverage.rewritten = pair[0].rewritten()
		finally:
			for resolver in pair:
				resolver.stop()
		for results in second:
			results[:] = [result for _, result in sorted(zip(order, results), key=lambda pair: pair[0])]
		report.listen(part, title, questions, first, [kind.voice for kind in kinds])
		report.judge(policy, questions, title, {"first": first[:2], "later": second})
		return report

	def known_rows(self):
		"""Holds both to each row of the table. Yields (claim, what is wrong or "")."""
		for number, (claim, policy, question, theirs, ours) in enumerate(differences.rows(self.world)):
			kinds = [resolvers.Bind, resolvers.Verdict] + [kind for kind in self.voices if kind.supports(policy)]
			pair = started(self.here, self.world, policy, "row%d" % number, kinds)
			try:
				answers = ask.all_of([resolver.port for resolver in pair], [question])
			finally:
				for resolver in pair:
					resolver.stop()
			got = [differences.brief(results[0][0]) for results in answers]
			wrong = "" if got[0].startswith(theirs) and got[1].startswith(ours) else "BIND: %s, not %s\nours: %s, not %s" % (
				got[0], theirs, got[1], ours)
			self.total.listen("rows of the table", claim, [question], answers, [kind.voice for kind in kinds[2:]])
			self.total.passed += not wrong
			self.total.failed += bool(wrong)
			yield "differs: " + claim, wrong

	def all(self, sets, jobs):
		"""Runs the sets, several at a time, and yields (title, number of questions, report) in their order."""
		global comparison
		comparison = self
		context = multiprocessing.get_context("fork")
		slots = context.Value("i", 0)
		waiting = collections.deque()
		sets = enumerate(sets)
		with concurrent.futures.ProcessPoolExecutor(jobs, context, take_slot, (slots,)) as pool:
			while True:
				for number, item in itertools.islice(sets, max(0, 5 * jobs - len(waiting))):
					waiting.append((item[1], len(item[3]), pool.submit(run_one, number, item)))
				if not waiting:
					break
				title, count, future = waiting.popleft()
				report = future.result()
				self.total.add(report)
				yield title, count, report


comparison = None       # what the processes have from their parent


def take_slot(slots):
	with slots.get_lock():
		slots.value += 1
		resolvers.slot = slots.value % resolvers.SLOTS


def run_one(number, item):
	return comparison.run(number, *item)


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
	parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1))
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
		for title, _, report in run.all((item for item in sets if arguments.only in item[1] + ","), arguments.jobs):
			if report.text:
				print("--- " + report.text)
			print("%s: %d passed, %d failed, %.0f s" % (title, run.total.passed, run.total.failed, time.monotonic() - begun), flush=True)
		sys.exit(0 if finish(run.total, not arguments.only) else 1)


if __name__ == "__main__":
	main()
