"""Test Anything Protocol: every claim of a test is one line; the plan comes last, so that a dead test shows."""

import os
import sys
import traceback


class Tap:
	def __init__(self):
		self.count = 0
		self.failed = 0

	def ok(self, passed, claim, why=""):
		"""One claim; `why` (text or object) is shown when it does not hold. Returns whether it holds."""
		self.count += 1
		print("%s %d - %s" % ("ok" if passed else "not ok", self.count, claim.replace("#", "number")), flush=True)
		if not passed:
			self.failed += 1
			self.note(why)
		return bool(passed)

	def equal(self, got, want, claim):
		return self.ok(got == want, claim, "got  %r\nwant %r" % (got, want))

	def skip(self, claim, reason):
		self.count += 1
		print("ok %d - %s # SKIP %s" % (self.count, claim, reason), flush=True)

	def note(self, text):
		for line in str(text).splitlines():
			print("# " + line, flush=True)


def run(*claims):
	"""Runs each function of one Tap argument; an exception is a failed claim, and the next one still runs."""
	tap = Tap()
	chosen = os.environ.get("ONLY")
	for claim in claims:
		if chosen and chosen not in claim.__name__:
			continue
		try:
			claim(tap)
		except Exception:
			tap.ok(False, claim.__name__.replace("_", " "), traceback.format_exc())
	print("1..%d" % tap.count, flush=True)
	sys.exit(1 if tap.failed else 0)
