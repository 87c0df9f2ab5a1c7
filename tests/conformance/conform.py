#!/usr/bin/python3
"""The verdicts of this library in Unbound against those of BIND 9: the same zones, the same clients, the same questions.

usage: conform.py [--cases N] [--seed N] [--only TEXT]
"""

import argparse
import collections
import itertools
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import ask
import differences
import grid
import lab
import maker
import resolvers
import rules
import world

PER_SET = 120
SEED = int(os.environ.get("VERDICT_SEED", "20261121"))
TTL_SLACK = 60          # seconds that a record may have been in one cache longer than in the other
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


def alias_asked_for(question, theirs, ours):
	"""The row of doc/policy.md about questions for CNAME: BIND does not judge where the record leads, we do."""
	return question[1] in ("CNAME", "DNAME") and len(theirs) == 3 and any(
		owner == question[0] + "." and rtype == "CNAME" and ttl != rules.DATA_TTL for (owner, rtype, _), ttl in theirs[2])


# Rows of doc/policy.md that generated cases meet.
KNOWN = {"a question for CNAME or DNAME": alias_asked_for}


def known(question, theirs, ours):
	return next((name for name, holds in KNOWN.items() if holds(question, theirs, ours)), None)


def show(result):
	value, why = result
	if len(value) != 3:
		return " ".join(value)
	lines = ["%s %s" % (value[1], value[0])] + ["%s %d %s %s" % (key[0], ttl, key[1], key[2]) for key, ttl in value[2]]
	return "; ".join(lines) + (" [%s]" % why if why else "")


class Comparison:
	def __init__(self, here, private):
		self.here, self.world = here, private
		self.passed = self.failed = self.sets = 0
		self.known = collections.Counter()

	def run(self, policy, questions, title, rng):
		"""Every question twice: of resolvers that know nothing, and then in another order. Returns the differences, as text."""
		self.sets += 1
		theirs = resolvers.Bind(self.here, self.world, policy, self.sets)
		ours = resolvers.Verdict(self.here, self.world, policy, self.sets)
		try:
			theirs.wait()
			ours.wait()
			first = ask.all_of([theirs.port, ours.port], questions)
			order = list(range(len(questions)))
			rng.shuffle(order)
			second = ask.all_of([theirs.port, ours.port], [questions[i] for i in order])
		finally:
			theirs.stop()
			ours.stop()
		for results in second:
			results[:] = [result for _, result in sorted(zip(order, results), key=lambda pair: pair[0])]
		return self.judge(policy, questions, title, {"first": first, "later": second})

	def known_rows(self):
		"""Holds both to each row of the table. Yields (claim, what is wrong or "")."""
		for claim, policy, question, theirs, ours in differences.rows(self.world):
			self.sets += 1
			pair = [kind(self.here, self.world, policy, self.sets) for kind in (resolvers.Bind, resolvers.Verdict)]
			try:
				for resolver in pair:
					resolver.wait()
				got = [differences.brief(results[0][0]) for results in ask.all_of([resolver.port for resolver in pair], [question])]
			finally:
				for resolver in pair:
					resolver.stop()
			wrong = "" if got[0].startswith(theirs) and got[1].startswith(ours) else "BIND: %s, not %s\nours: %s, not %s" % (
				got[0], theirs, got[1], ours)
			self.passed += not wrong
			self.failed += bool(wrong)
			yield "differs: " + claim, wrong

	def judge(self, policy, questions, title, rounds):
		found = []
		for index, question in enumerate(questions):
			wrong = [(when, theirs[index], ours[index]) for when, (theirs, ours) in rounds.items()
				if not same(theirs[index][0], ours[index][0], policy)]
			rows = [known(question, theirs[0], ours[0]) for _, theirs, ours in wrong]
			if wrong and all(rows):
				self.known[rows[0]] += 1
				continue
			self.failed += bool(wrong)
			self.passed += not wrong
			if wrong and len(found) < SHOWN:
				found.append("%s %s from %s%s" % (question[:3] + (" over TCP" if question.tcp else "",)))
				found += ["    %s BIND: %s\n          ours: %s" % (when, show(one), show(two)) for when, one, two in wrong]
		return "%s\n%s\n%s" % (title, policy, "\n".join(found)) if found else ""


def generated(private, seed, cases):
	for number in range(1, -(-cases // PER_SET) + 1):
		rng = random.Random("%d.%d" % (seed, number))
		made = maker.Maker(rng, private)
		policy = made.policy()
		yield "seed %d, set %d" % (seed, number), policy, made.questions(policy, PER_SET)


def begin(here, seed):
	private = world.World(random.Random(seed), world.free_net())
	private.start(here)
	return Comparison(here, private)


def main():
	parser = argparse.ArgumentParser(usage="conform.py [--cases N] [--seed N] [--only TEXT]")
	parser.add_argument("--cases", type=int, default=12000)
	parser.add_argument("--seed", type=int, default=SEED)
	parser.add_argument("--only", default="")
	arguments = parser.parse_args()
	reason = missing()
	if reason:
		sys.exit("conform.py: " + reason)
	print("seed %d" % arguments.seed, flush=True)
	start = time.monotonic()
	with lab.Lab() as here:
		comparison = begin(here, arguments.seed)
		for claim, wrong in comparison.known_rows():
			print("%s: %s" % (claim, wrong or "as described"), flush=True)
		for title, policy, questions in itertools.chain(grid.sets(comparison.world),
				generated(comparison.world, arguments.seed, arguments.cases)):
			if not (title + ",").count(arguments.only):
				continue
			found = comparison.run(policy, questions, title, random.Random(title))
			if found:
				print("--- " + found)
			print("%s: %d passed, %d failed, %.0f s" % (title, comparison.passed, comparison.failed, time.monotonic() - start), flush=True)
	for row, count in comparison.known.items():
		print("differs as doc/policy.md says, %s: %d" % (row, count))
	print("%d passed, %d failed" % (comparison.passed, comparison.failed))
	sys.exit(1 if comparison.failed else 0)


if __name__ == "__main__":
	main()
