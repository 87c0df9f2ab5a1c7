#!/usr/bin/python3
"""A part of the conformance test that fits into a minute; `make conformance` runs all of it."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import conform

import grid
import lab
import tap

SECONDS = 30            # in which sets are begun
JOBS = 4
CASES = 3600


def mixed(private, end):
	"""What the order of precedence rests on; then sets of the grid, drawn so that each part of it comes up early, and
	generated ones in turn, until the time is over."""
	drawn = list(grid.sets(private))
	random.Random(conform.SEED).shuffle(drawn)
	first = [item for item in drawn if item[0] in ("every pair", "nested")]
	turns = itertools.zip_longest([item for item in drawn if item not in first], conform.generated(private, conform.SEED, CASES))
	return itertools.chain(first, (item for turn in turns for item in turn if item is not None and time.monotonic() < end))


def verdicts_are_those_of_bind(tap):
	tap.note("seed %d" % conform.SEED)
	with lab.Lab() as here:
		run = conform.begin(here, conform.SEED)
		for claim, wrong in run.known_rows():
			tap.ok(not wrong, claim, wrong)
		end = time.monotonic() + SECONDS
		with contextlib.closing(run.all(mixed(run.world, end), JOBS)) as done:
			for title, count, report in done:
				tap.ok(not report.text, "%s: %d cases as BIND has them" % (title, count), report.text)
		tap.note(run.total.coverage)
		tap.note("%d cases passed, %d failed" % (run.total.passed, run.total.failed))


def of_session(session):
	"""Processes that live there, as (pid, command)."""
	found = []
	for pid in filter(str.isdigit, os.listdir("/proc")):
		try:
			with open("/proc/%s/stat" % pid) as file:
				command, _, rest = file.read().partition("(")[2].rpartition(")")
		except OSError:
			continue
		if rest.split()[0] != "Z" and int(rest.split()[3]) == session:
			found.append((int(pid), command))
	return found


def nothing_is_left_of_a_run_that_is_ended(tap):
	for number in (signal.SIGTERM, signal.SIGKILL):
		with tempfile.TemporaryDirectory() as folder:
			run = subprocess.Popen([sys.executable, "-B", conform.__file__, "--jobs", "3", "--no-voices"], stdout=subprocess.DEVNULL,
				stderr=subprocess.DEVNULL, start_new_session=True, env=dict(os.environ, TMPDIR=folder))
			at_work = lambda: [command for _, command in of_session(run.pid)].count("unbound") > 1
			try:
				lab.wait_for(at_work, "several resolvers at a time", 4 * lab.PATIENCE)
				run.send_signal(number)
				run.wait(lab.PATIENCE)
				lab.wait_for(lambda: not of_session(run.pid), "the end of its processes")
			except (subprocess.TimeoutExpired, TimeoutError) as late:
				tap.note(late)
			left = of_session(run.pid)
			for pid, _ in left:
				os.kill(pid, signal.SIGKILL)
			tap.equal((run.poll(), left), (143 if number == signal.SIGTERM else -number, []), number.name + " ends all its processes")


if __name__ == "__main__":
	reason = conform.missing()
	if reason:
		print("1..0 # SKIP " + reason)
		sys.exit(0)
	tap.run(verdicts_are_those_of_bind, nothing_is_left_of_a_run_that_is_ended)
