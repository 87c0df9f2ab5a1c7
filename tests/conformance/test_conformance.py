#!/usr/bin/python3
"""A part of the conformance test that fits into a minute; `make conformance` runs all of it."""

import itertools
import random
import sys
import time

import conform

import grid
import lab
import tap

SECONDS = 60
CASES = 3600


def mixed(private):
	"""Every ninth set of the grid, and the generated ones, in turn."""
	turns = itertools.zip_longest(itertools.islice(grid.sets(private), 0, None, 9), conform.generated(private, conform.SEED, CASES))
	return (item for turn in turns for item in turn if item is not None)


def verdicts_are_those_of_bind(tap):
	start = time.monotonic()
	tap.note("seed %d" % conform.SEED)
	with lab.Lab() as here:
		comparison = conform.begin(here, conform.SEED)
		for claim, wrong in comparison.known_rows():
			tap.ok(not wrong, claim, wrong)
		for title, policy, questions in mixed(comparison.world):
			found = comparison.run(policy, questions, title, random.Random(title))
			tap.ok(not found, "%s: %d cases as BIND has them" % (title, len(questions)), found)
			if time.monotonic() - start > SECONDS:
				break
		tap.note("%d cases passed, %d failed" % (comparison.passed, comparison.failed))


if __name__ == "__main__":
	reason = conform.missing()
	if reason:
		print("1..0 # SKIP " + reason)
		sys.exit(0)
	tap.run(verdicts_are_those_of_bind)
