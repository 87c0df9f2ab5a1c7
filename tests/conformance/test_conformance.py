#!/usr/bin/python3
"""A part of the conformance test that fits into a minute; `make conformance` runs all of it."""

import sys
import time

import conform

import lab
import tap

SECONDS = 60
CASES = 3600


def verdicts_are_those_of_bind(tap):
	start = time.monotonic()
	tap.note("seed %d" % conform.SEED)
	with lab.Lab() as here:
		comparison = conform.begin(here, conform.SEED)
		for title, differences in conform.generated(comparison, conform.SEED, CASES):
			tap.ok(not differences, "%s: %d cases as BIND has them" % (title, conform.PER_SET), differences)
			if time.monotonic() - start > SECONDS:
				break
		tap.note("%d cases passed, %d failed" % (comparison.passed, comparison.failed))


if __name__ == "__main__":
	reason = conform.missing()
	if reason:
		print("1..0 # SKIP " + reason)
		sys.exit(0)
	tap.run(verdicts_are_those_of_bind)
