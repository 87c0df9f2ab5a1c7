#!/usr/bin/python3
"""The bounded form of the stress: many policies, three client groups or none, an oracle; `make stress` runs it for minutes.

Environment: VERDICT_STRESS_SECONDS for each run (default 8), VERDICT_STRESS_SEED (default: by chance, printed).
"""

import os
import random

import lab
import stress
import tap

SECONDS = float(os.environ.get("VERDICT_STRESS_SECONDS", "8"))
SEED = int(os.environ.get("VERDICT_STRESS_SEED", str(random.randrange(1 << 30))))
GROWTH_MAX = 24 << 20   # octets: the resolver's caches fill meanwhile
SANITIZED = "asan" in os.environ.get("UNBOUND_SBIN", "").lower()


def holds(tap, why, **options):
	outcome = stress.run(seconds=SECONDS, seed=SEED, **options)
	tap.note("%s: seed %d, %d answers, %d policies, %d questions sent again" % (why, SEED, outcome.answers, outcome.publishes,
		outcome.resent))
	tap.ok(outcome.alive, why + ": the resolver lives", outcome.log[-3000:])
	tap.equal(outcome.errors, [], why + ": every reload is done")
	tap.ok(outcome.publishes > stress.CHANGES, why + ": the policy changed all the time", outcome.publishes)
	tap.ok(outcome.answers > stress.ANSWERS, why + ": there were answers to judge", outcome.answers)
	tap.equal(outcome.wrong[:5], [], why + ": no answer by an old policy or for another group (%d wrong)" % len(outcome.wrong))
	tap.equal(outcome.lost, [], why + ": no question is lost")
	if not SANITIZED:
		tap.ok(outcome.rss_last - outcome.rss_first < GROWTH_MAX, why + ": memory stays flat", outcome[7:9])
	tap.ok("Sanitizer" not in outcome.log and "runtime error" not in outcome.log, why + ": no sanitizer complains",
		outcome.log[-3000:])


def holds_with_one_thread(tap):
	holds(tap, "one thread", threads=1)


def holds_with_two_threads_and_expired_answers(tap):
	holds(tap, "two threads", threads=2, server="\tserve-expired-client-timeout: 50\n\tserve-expired-ttl: 0\n")


def holds_with_eight_threads_and_an_authority_that_pauses(tap):
	holds(tap, "eight threads", threads=8, pauses=True, server="\tserve-expired-client-timeout: 200\n")


def holds_where_most_answers_are_not_judged(tap):
	holds(tap, "names alone", threads=4, names_alone=True)


if __name__ == "__main__":
	lab.require()
	tap.run(holds_with_one_thread, holds_with_two_threads_and_expired_answers,
		holds_with_eight_threads_and_an_authority_that_pauses,
		holds_where_most_answers_are_not_judged)
