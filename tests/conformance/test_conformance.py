#!/usr/bin/python3
"""A part of the conformance test that fits into a minute; `make conformance` runs all of it."""

import itertools
import sys
import time

import conform

import grid
import lab
import tap

SECONDS = 30            # in which sets are begun
JOBS = 4
CASES = 3600


def mixed(private, end):
	"""Every seventh set of the grid and generated ones in turn, until the time is over."""
	turns = itertools.zip_longest(itertools.islice(grid.sets(private), 0, None, 7), conform.generated(private, conform.SEED, CASES))
	return (item for turn in turns for item in turn if item is not None and time.monotonic() < end)


def verdicts_are_those_of_bind(tap):
	end = time.monotonic() + SECONDS
	tap.note("seed %d" % conform.SEED)
	with lab.Lab() as here:
		run = conform.begin(here, conform.SEED)
		for claim, wrong in run.known_rows():
			tap.ok(not wrong, claim, wrong)
		for title, count, report in run.all(mixed(run.world, end), JOBS):
			tap.ok(not report.text, "%s: %d cases as BIND has them" % (title, count), report.text)
		tap.note(run.total.coverage)
		tap.note("%d cases passed, %d failed" % (run.total.passed, run.total.failed))


if __name__ == "__main__":
	reason = conform.missing()
	if reason:
		print("1..0 # SKIP " + reason)
		sys.exit(0)
	tap.run(verdicts_are_those_of_bind)
