#!/usr/bin/python3
"""`verdictctl hunt` and `report` while a collector writes, and while retention removes day files under them: right, or it
is said what went away. Also for who may only read."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab    # noqa: E402
import tap    # noqa: E402
from test_collect import Collector   # noqa: E402

sys.path.insert(0, os.path.join(lab.SRCDIR, "tests", "unit"))
import dnstap_bytes as dnstap   # noqa: E402

DAY = 86400
BOOT = "3f2a9c1b7d40"
HUNTS = 60
PIVOTS = [("domain", "*.live.example"), ("coverage",), ("top",), ("host", "10.0.0.7"), ("ip", "192.0.2.7"),
	("new", "--from", "2d"), ("coverage",), ("changes", "steady.live.example"), ("rule", "bad"), ("domain", "*.live.example")]
NOBODY = {"user": 65534, "group": os.getgid(), "extra_groups": []} if os.geteuid() == 0 else None


class Feeder(threading.Thread):
	"""Sends numbered answers of the last days, over and over: of today without a gap, one in seven denied."""
	def __init__(self, place, days):
		super().__init__(daemon=True)
		self.socket = socket.socket(socket.AF_UNIX)
		self.socket.connect(place)
		self.midnight = (int(time.time()) + 3600) // DAY * DAY   # the day that it is to the end
		self.days, self.sent, self.halt = days, {day: 0 for day in days}, threading.Event()
		self.error = None

	def frame(self, back):
		self.sent[back] += 1
		seq, at = self.sent[back], self.midnight - back * DAY + self.sent[back] // 1000
		denied = seq % 7 == 0
		extra = dict(dnstap.extra(verdict="nxdomain", list="bad", rule="live.example") if denied else
			dnstap.extra(verdict="allow"), boot=BOOT, worker=back, seq=seq)
		name = "%s.live.example" % ("steady" if back == 0 else "day%d" % back)
		answers = [] if denied else [dnstap.record(name, 1, bytes([192, 0, 2, 7]))]
		return dnstap.data(dnstap.frame(identity="steady" if back == 0 else "passing", extra=extra, query_time=None,
			response_time=at, response=dnstap.dns(name, 1, 3 if denied else 0, answers)))

	def run(self):
		try:
			self.socket.sendall(dnstap.control(dnstap.START))
			while not self.halt.is_set():
				self.socket.sendall(b"".join(self.frame(back) for back in self.days for _ in range(40)))
				time.sleep(0.005)
			self.socket.sendall(dnstap.control(dnstap.STOP, None))
		except OSError as error:
			self.error = error
		self.socket.close()

	def end(self):
		self.halt.set()
		self.join(60)


def day_text(feeder, back):
	return time.strftime("%Y-%m-%d", time.gmtime(feeder.midnight - back * DAY))


def ask(collector, words, command=lab.VERDICTCTL, **as_whom):
	done = subprocess.run([command, "hunt", *words, "--json", "--limit", "0", "--directory", collector.directory],
		capture_output=True, text=True, timeout=300, **as_whom)
	return done, json.loads(done.stdout) if done.returncode == 0 else None


class Judge:
	"""What an answer must be, whatever went away meanwhile."""
	def __init__(self, feeder, steady):
		self.feeder, self.steady, self.wrong, self.gone, self.counts = feeder, steady, [], 0, {}

	def blame(self, *what):
		self.wrong.append(" ".join(map(str, what))[:600])

	def judge(self, words, done, got):
		sent = dict(self.feeder.sent)
		if got is None:
			return self.blame(words, done.returncode, done.stderr)
		if got["passed_over"] != 0:
			self.blame(words, "passes over", done.stderr)
		told = [line for line in done.stderr.splitlines() if "was removed while it was asked" in line]
		if len(told) != got["gone"] or len(told) != len(done.stderr.splitlines()):
			self.blame(words, got["gone"], done.stderr)
		self.gone += got["gone"]
		if words[0] == "domain":
			self.judge_counts({row["name"]: row["count"] for row in got["names"]}, sent)
		if words[0] == "coverage":
			for row in got["resolvers"]:
				if row["resolver"] == "steady" and row["missing"] != 0:
					self.blame("steady lacks", row["missing"], [gap for gap in got["gaps"] if gap["resolver"] == "steady"])

	def judge_counts(self, counts, sent):
		for back, most in sent.items():
			name = "steady.live.example" if back == 0 else "day%d.live.example" % back
			count, least = counts.get(name, 0), self.counts.get(name, 0) if back < self.steady else 0
			if not least <= count <= most:
				self.blame(name, count, "is not from", least, "to", most)
			self.counts[name] = count


def files(collector):
	return sorted(name for name in os.listdir(collector.directory) if ".sqlite" in name)


def hunts_on(tap, options, days, steady):
	"""`steady`: so many days, the last ones, retention leaves alone."""
	with lab.Lab() as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place, options=options)
		os.chmod(here.path("."), 0o755)
		feeder = Feeder(place, days)
		feeder.start()
		judge = Judge(feeder, steady)
		command = shutil.copy(lab.VERDICTCTL, here.path("verdictctl"))   # nobody may not look into every home
		lab.wait_for(lambda: any(day_text(feeder, 0) in name for name in files(collector)), "a day file", 60)
		lab.wait_for(lambda: "day files were removed" in collector.process.output(), "retention", 120)
		for number in range(HUNTS):
			words = PIVOTS[number % len(PIVOTS)]
			judge.judge(words, *ask(collector, words, command, **(NOBODY if NOBODY and number % 2 else {})))
		tap.equal(judge.wrong[:5], [], "each of %d hunts is right, or says what went away" % HUNTS)
		tap.note("%d times a file went away" % judge.gone)
		page = here.path("report.html")
		done = subprocess.run([lab.VERDICTCTL, "report", "--directory", collector.directory, "--from", "30d", "--output", page],
			capture_output=True, text=True, timeout=300)
		tap.ok(done.returncode == 0 and open(page).read().rstrip().endswith("</html>"), "so does a report", done.stderr)
		feeder.end()
		tap.equal(feeder.error, None, "the collector took everything")
		collector.stop()
		tap.equal(collector.process.popen.returncode, 0, "and ends as it should")
		tap.equal([name for name in files(collector) if not name.endswith(".sqlite")], [], "nothing is left beside day files")
		tap.equal(collector.count("event", "source IN (SELECT id FROM source WHERE worker = 0)"), feeder.sent[0],
			"all of today is there")


def by_age(tap):
	hunts_on(tap, ["--keep-plain", "4", "--keep-verdicts", "5"], [0, 1, 2, 6, 7, 8, 9], 3)


def by_size(tap):
	hunts_on(tap, ["--keep-size", "3m"], list(range(8)), 1)


def a_file_that_is_gone_is_named(tap):
	"""Removed between two steps of one hunt: a file that the hunt waits for keeps it there."""
	with lab.Lab() as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place)
		feeder = Feeder(place, [0, 1, 2])
		feeder.start()
		lab.wait_for(lambda: collector.count() > 100 and len({name[:10] for name in files(collector)}) == 3, "three days", 60)
		feeder.end()
		collector.stop()
		first = os.path.join(collector.directory, day_text(feeder, 2) + "-plain.sqlite")
		gone = os.path.join(collector.directory, day_text(feeder, 1) + "-plain.sqlite")
		held = sqlite3.connect(first, isolation_level=None)
		held.execute("BEGIN EXCLUSIVE")
		hunt = subprocess.Popen([lab.VERDICTCTL, "hunt", "domain", "*.live.example", "--directory", collector.directory,
			"--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
		lab.wait_for(lambda: first in "".join(opened(hunt.pid)), "the hunt at the first file")
		os.unlink(gone)
		held.execute("COMMIT")
		held.close()
		out, err = hunt.communicate(timeout=120)
		tap.equal((hunt.returncode, json.loads(out)["gone"], json.loads(out)["passed_over"]), (0, 1, 0), "it is no error")
		tap.equal(err, "verdictctl: %s: was removed while it was asked: its day is not, or only in part, in the answer\n" % gone,
			"and is named")


def opened(pid):
	try:
		return [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
	except OSError:
		return []


if __name__ == "__main__":
	lab.require()
	tap.run(a_file_that_is_gone_is_named, by_age, by_size)
