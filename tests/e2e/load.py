"""Load from dnsperf: so many questions a second, over whatever happens to the resolver, every answer counted and timed."""

import functools
import os
import subprocess

import lab

RATE = int(20000 / float(os.environ.get("VERDICT_SLOW", "1")))   # questions a second


class Load:
	"""Begins at once. It never sends a question twice, and waits `patience` seconds for each answer."""

	def __init__(self, here, questions, seconds, rate=RATE, outstanding=400, patience=2):
		self.file = here.write("questions", "".join("%s %s\n" % one for one in questions))
		self.output = here.path("dnsperf")
		with open(self.output, "w") as out:
			self.popen = subprocess.Popen(["dnsperf", "-s", "127.0.0.1", "-p", str(here.port), "-d", self.file, "-c", "4", "-e", "-v",
				"-q", str(outstanding), "-Q", str(rate), "-l", str(seconds), "-t", str(patience), "-W"], stdin=subprocess.DEVNULL, stdout=out,
				stderr=subprocess.DEVNULL, preexec_fn=functools.partial(lab.die_with, os.getpid()))
		self.seconds = seconds
		self.sent = self.answers = self.refused = 0
		self.times = []

	def running(self):
		return self.popen.poll() is None

	def wait(self):
		"""Until its end. Returns itself: sent, answers, times (of the answers, in seconds, rising)."""
		self.popen.wait(self.seconds + 60)
		with open(self.output) as file:
			for line in file:
				if line.startswith("> ") and not line.startswith("> T "):
					self.times.append(float(line.rsplit(None, 1)[1]))
					self.refused += line.startswith("> REFUSED ")
				elif line.startswith("  Queries sent:"):
					self.sent = int(line.split()[2])
				elif line.startswith("  Queries completed:"):
					self.answers = int(line.split()[2])
		self.times.sort()
		return self

	def percentile(self, part):
		return self.times[min(len(self.times) - 1, int(len(self.times) * part))] if self.times else 0.0
