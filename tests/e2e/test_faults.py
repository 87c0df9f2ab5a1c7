#!/usr/bin/python3
"""Whatever breaks between the resolver and its collector: every answer is a frame, or is told to be lost.

The whole Unbound, the real fstrm_capture, dnsperf with 20,000 questions a second. In each case the books are balanced
(see ledger.py): what dnsperf and Unbound's own statistics count, the numbers of the frames, the frames that came, and
what heartbeats, metrics and `verdictctl tap --gaps` say was lost. A table of all cases is printed at the end.
VERDICT_FAULTS=full (`make faults`): longer, and more rounds. ONLY=NAME: one case.
"""

import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

import lab
import ledger
import load
import tap

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
LISTS = [{"name": "bad", "format": "domains", "action": "refuse", "lines": ["bad.example"]}]
QUESTIONS = [("www%d.%sexample" % (i, "bad." if i % 5 == 0 else ""), "A") for i in range(500)]
FULL = os.environ.get("VERDICT_FAULTS") == "full"
SLOW = float(os.environ.get("VERDICT_SLOW", "1"))
THREADS = 2
END = lab.PATIENCE / 2   # seconds that an orderly end may take: it waits for nobody
PREFIX = "unbound_verdict_"

table = []


def longer(seconds, full):
	return full if FULL else seconds


class Case(lab.Lab):
	"""One fault: a resolver with one target, `far`, and a collector that can go and come."""

	def __init__(self, name):
		super().__init__(ZONES)
		self.name = name
		self.answers = 0           # that dnsperf got
		self.queries = 0           # that Unbound counts; None: its counts went with it
		self.kills = 0

	def configure(self, ring="16m", frames_mode="all", commit=1, more=""):
		self.policy(LISTS, socket_path=False, file=False, frames_mode=frames_mode, raw="\theartbeat-interval: 1\n\tring-size: %s\n%s"
			'dnstap-target:\n\tname: far\n\tsocket-path: "%s"\n\tcommit-interval: %d\nverdict:\n\tcontrol-socket: "%s"\n'
			% (ring, more, self.socket_path, commit, self.path("verdict.sock")))

	def begin(self, collector=True, **options):
		self.start_nsd()
		self.configure(**options)
		if collector:
			self.start_capture()
		self.start_unbound(threads=THREADS)

	def move_state(self, path):
		with open(self.path("verdict.conf")) as file:
			text = file.read()
		self.write("verdict.conf", text.replace('"%s"' % self.path("state"), '"%s"' % path))

	def restart(self):
		self.launch_unbound()
		self.wait_ready()

	def load(self, seconds, **options):
		return load.Load(self, QUESTIONS, seconds, **options)

	def loaded(self, load):
		"""Waits for the load's end, and notes its answers."""
		load.wait()
		self.answers += load.answers
		return load

	def load_until(self, seconds, condition, what):
		"""At least so long, and on until the condition holds. Returns how many were refused."""
		end, refused = time.monotonic() + 60 * SLOW, self.loaded(self.load(seconds)).refused
		while not condition():
			if time.monotonic() > end:
				raise TimeoutError("loaded in vain for " + what)
			refused += self.loaded(self.load(1)).refused
		return refused

	def status(self):
		def asked():
			done = subprocess.run([lab.VERDICTCTL, "status", "--json", "--config", self.path("verdict.conf")], capture_output=True,
				text=True, timeout=60)
			return json.loads(done.stdout)["frames"] if done.stdout else None
		return lab.wait_for(asked, "the resolver's status")

	def metrics(self):
		done = subprocess.run([lab.VERDICTCTL, "metrics", "--config", self.path("verdict.conf")], capture_output=True, text=True, timeout=60)
		lines = (line.rsplit(" ", 1) for line in done.stdout.splitlines() if line.startswith(PREFIX))
		return {name[len(PREFIX):]: int(float(value)) for name, value in lines}

	def count_queries(self):
		"""Before the resolver ends in order."""
		if self.queries is not None:
			self.queries += int(float(self.statistics()["total.num.queries"]))

	def settle(self):
		"""Until the collector has all that is to be had, with two heartbeats behind it."""
		begun = self.status()["heartbeats"]

		def is_settled():
			status = self.status()
			return status["heartbeats"] >= begun + 2 and status["targets"][0]["unread"] == 0
		lab.wait_for(is_settled, "the frames", 2 * lab.PATIENCE)

	def end(self):
		self.count_queries()
		seconds = self.unbound.stop()
		self.end_capture()
		return seconds

	def captures_written(self):
		paths = [self.path("capture%d.fstrm" % number) for number in range(1, self.captures + 1)]
		return [path for path in paths if os.path.exists(path)]

	def gaps(self):
		"""What verdictctl tells of the same files: exit code, missing, awaited (overtaken by the last verdicts)."""
		done = subprocess.run([lab.VERDICTCTL, "tap", "--json", "--quiet", "--gaps", "--dedup", *self.captures_written()],
			capture_output=True, text=True, timeout=120)
		reports = [json.loads(line) for line in done.stdout.splitlines()]
		missing = sum(one["missing"] for one in reports if one["report"] == "gaps")
		told = sum(one.get("dropped", 0) + one.get("lost", 0) + one.get("unsure", 0) for one in reports)
		awaited = sum(one.get("awaited", 0) for one in reports)
		# 3: a file that a killed collector left is cut inside a frame.
		return (missing > told if done.returncode == 3 else done.returncode), missing, awaited

	def balance(self, tap, unknown=0):
		"""Writes the row, and claims what holds in every case. `unknown`: the most that may be unknown. Returns the books."""
		books = ledger.Ledger(self.captures_written())
		numbered, came, lost = books.answers(), books.frames(), books.lost("far")
		code, missing, awaited = self.gaps()
		beyond = max(0, self.answers - numbered)       # answers behind the last number that is known
		if unknown:
			numbered, beyond = numbered - awaited, beyond + awaited
		uncounted = abs(numbered - came - lost) + (0 if unknown else beyond)
		table.append((self.name, self.answers, "-" if self.queries is None else self.queries, numbered, came, books.twice, lost,
			beyond if unknown else 0, uncounted))
		tap.equal(uncounted, 0, "%s: answers = frames + what is told to be lost" % self.name)
		if unknown:
			tap.ok(beyond <= unknown, "%s: no more is unknown than may be" % self.name, "%d of at most %d" % (beyond, unknown))
		if self.queries is not None:
			tap.equal(numbered, self.queries, "%s: as many as Unbound counts" % self.name)
		tap.equal((code, missing), (0, numbered - came), "%s: verdictctl tap --gaps says the same" % self.name)
		return books


# --- collectors


def a_killed_collector(tap):
	with Case("collector killed 3 times") as here:
		here.begin()
		run = here.load(longer(4, 12))
		for _ in range(3):
			time.sleep(longer(0.8, 2.5))
			here.capture.stop(signal.SIGKILL)
			time.sleep(longer(0.3, 1))
			here.start_capture()
		here.loaded(run)
		here.settle()
		seconds = here.end()
		tap.ok(seconds < END, "killed collectors: the resolver ends in time", seconds)
		books = here.balance(tap)
		tap.equal(books.lost("far") - sum(books.dropped.values()), 0, "killed collectors: nothing is lost on the way")


def a_quiet_killed_collector(tap):
	"""fstrm_capture has confirmed everything, and not written the last of it."""
	with Case("quiet collector killed") as here:
		here.begin()
		here.loaded(here.load(0.5))
		here.settle()
		here.settle()
		here.capture.stop(signal.SIGKILL)
		here.start_capture()
		here.settle()
		here.end()
		here.balance(tap)


def a_stopped_collector(tap):
	with Case("collector stopped") as here:
		here.begin()
		here.loaded(here.load(longer(0.5, 1)))
		here.capture.send(signal.SIGSTOP)
		stop = time.monotonic()
		here.loaded(here.load(longer(1, 8)))
		time.sleep(max(0, longer(5.5, 10) - (time.monotonic() - stop)))
		here.capture.send(signal.SIGCONT)
		here.settle()
		tap.equal(here.status()["targets"][0]["lost"], 0, "a stopped collector: nothing is lost on the way")
		here.end()
		here.balance(tap)


def a_resolver_that_ends_before_a_stopped_collector(tap):
	"""It does not wait; the next one sends on."""
	with Case("ends before a stopped collector") as here:
		here.begin()
		here.capture.send(signal.SIGSTOP)
		here.loaded(here.load(1))
		here.count_queries()
		seconds = here.unbound.stop()
		tap.ok(seconds < END and here.unbound.popen.returncode == 0, "a stopped collector: the resolver ends in time", "%.1f s, exit %s"
			% (seconds, here.unbound.popen.returncode))
		here.capture.send(signal.SIGCONT)
		here.restart()
		here.settle()
		here.end()
		here.balance(tap)


def a_collector_that_never_answers(tap):
	with Case("collector never answers") as here:
		with socket.socket(socket.AF_UNIX) as listening:
			listening.bind(here.socket_path)
			listening.listen(8)
			here.begin(collector=False)
			here.loaded(here.load(longer(1, 8)))
			lab.wait_for(lambda: here.status()["targets"][0]["errors"] > 0, "the target to give up")
		here.start_capture()
		here.settle()
		here.end()
		here.balance(tap)


def a_late_answer(tap):
	"""Side by side: how long answers take with a collector that is healthy, stopped, dead."""
	times = {"healthy": [], "stopped": [], "dead": []}
	with Case("collector healthy, stopped, dead") as here:
		here.begin()
		here.loaded(here.load(0.5))
		for _ in range(longer(1, 5)):
			times["healthy"].append(here.loaded(here.load(longer(1, 3))).percentile(0.99))
			here.capture.send(signal.SIGSTOP)
			times["stopped"].append(here.loaded(here.load(longer(1, 3))).percentile(0.99))
			here.capture.stop(signal.SIGKILL)
			times["dead"].append(here.loaded(here.load(longer(1, 3))).percentile(0.99))
			here.start_capture()
			here.settle()
		here.end()
		here.balance(tap)
	usual = statistics.median(times["healthy"])
	for state, found in times.items():
		p99 = statistics.median(found)
		print("BENCH tap_p99_%s_us %.0f us" % (state, p99 * 1e6))
		print("BENCH tap_p99_%s_ratio %.2f ratio" % (state, p99 / usual if usual else 0), flush=True)


# --- disks


class Disk:
	"""A file system of its own, mounted at the spool's directory."""

	def __init__(self, here, size):
		self.path = os.path.join(here.path("state"), "frames")
		os.makedirs(self.path, 0o700)
		self.mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=" + size, "none", self.path],
			stderr=subprocess.DEVNULL).returncode == 0

	def __enter__(self):
		return self

	def __exit__(self, *_):
		if self.mounted:
			subprocess.run(["umount", "-l", self.path], check=False)

	def remount(self, options):
		"""Nobody may have a file there open for writing."""
		subprocess.run(["mount", "-o", "remount,bind," + options, self.path], check=True)


def with_disk(tap, here, size, what):
	disk = Disk(here, size)
	if not disk.mounted:
		tap.skip(what, "a small file system can not be mounted here (needs root)")
	return disk


def a_full_disk(tap):
	with Case("disk full") as here, with_disk(tap, here, "8m", "a full disk") as disk:
		if not disk.mounted:
			return
		here.begin(collector=False, ring="2m", more="\tmemory-size: 128m\n")
		here.load_until(longer(1.5, 4), lambda: here.status()["spool_errors"] > 0, "a full disk")
		tap.ok(not here.status()["durable"], "a full disk: what waits in memory is not called durable")
		here.start_capture()
		here.loaded(here.load(longer(1, 4)))
		here.settle()
		here.end()
		here.balance(tap)


def a_full_disk_and_a_killed_resolver(tap):
	"""What was in memory is gone, and nobody says that all is there."""
	with Case("disk full, then killed") as here, with_disk(tap, here, "8m", "a full disk and a killed resolver") as disk:
		if not disk.mounted:
			return
		here.queries = None
		here.begin(collector=False, ring="2m", more="\tmemory-size: 128m\n")
		here.load_until(1.5, lambda: here.status()["memory_octets"] > 0, "a full disk")
		memory = here.status()["memory_octets"]
		here.unbound.stop(signal.SIGKILL)
		here.start_capture()
		here.restart()
		here.settle()
		here.end()
		books = ledger.Ledger(here.captures_written())
		code, missing, _ = here.gaps()
		tap.ok(0 < books.missing() <= memory // 100 and books.answers() >= here.answers, "a full disk and a kill: what is missing is known",
			(books.answers(), here.answers, books.missing()))
		tap.equal((code, missing), (1, books.missing()), "a full disk and a kill: verdictctl tap --gaps says that it is missing")
		table.append((here.name, here.answers, "-", books.answers(), books.frames(), books.twice, books.lost("far"), books.missing(), 0))


def a_read_only_directory(tap):
	with Case("read-only directory") as here, with_disk(tap, here, "64m", "a read-only directory") as disk:
		if not disk.mounted:
			return
		here.begin(collector=False)
		here.loaded(here.load(0.5))
		here.count_queries()
		here.unbound.stop()
		disk.remount("ro")
		here.start_capture()
		here.restart()
		here.loaded(here.load(longer(1, 4)))
		found = here.status()
		tap.ok(not found["durable"] and "ead-only" in found.get("note", ""), "a read-only directory: status says so", found)
		here.settle()
		here.count_queries()
		here.unbound.stop()
		disk.remount("rw")
		here.restart()   # and what was in the directory is sent
		here.settle()
		here.end()
		here.balance(tap)


def a_spool_at_its_cap(tap):
	with Case("spool at its cap") as here:
		here.begin(collector=False, more="\tspool-size: 8m\n")
		refused = here.load_until(2, lambda: here.status()["targets"][0]["lost"] > 0, "a full spool")
		here.start_capture()
		here.settle()
		metrics = here.metrics()
		here.end()
		books = here.balance(tap)
		lost = books.lost("far") - sum(books.dropped.values())
		tap.ok(lost > 0, "a spool at its cap: the oldest goes", lost)
		tap.equal(metrics['target_frames_lost_total{target="far"}'], lost + books.lost_beats(), "a spool at its cap: metrics say the same")
		tap.ok(books.verdicts["refuse"] >= refused > 0, "a spool at its cap: plain answers go, every verdict is there", (books.verdicts, refused))


# --- the resolver


def a_killed_resolver(tap):
	with Case("resolver killed") as here:
		here.queries = None
		here.begin()
		chance = random.Random(os.environ.get("VERDICT_SEED", "1"))
		rounds = longer(3, 12)
		run = here.load(rounds * 2, patience=1)
		for _ in range(rounds):
			time.sleep(chance.uniform(0.02, 1))
			here.unbound.stop(signal.SIGKILL)
			here.restart()
		here.loaded(run)
		here.settle()
		here.end()
		books = here.balance(tap)
		tap.ok(here.answers <= books.answers(), "a killed resolver: every answer has a number", (here.answers, books.answers()))
		tap.note("%d answers were numbered and did not reach the client" % (books.answers() - here.answers))
		tap.ok(not any(one["former"]["damaged"] for one in books.former), "a killed resolver: no ring is damaged", books.former)


def a_reloaded_resolver(tap):
	with Case("resolver reloaded") as here:
		here.queries = None   # Unbound begins to count anew
		here.begin(ring="64k", more="\tspool-size: 256m\n")
		rounds = longer(3, 8)
		run = here.load(rounds * 1.2)
		for number in range(rounds):
			time.sleep(0.7)
			code, text = here.control("reload")
			tap.equal(code, 0, "unbound-control reload") if code else None
			here.wait_ready(number + 2)
			subprocess.run([lab.VERDICTCTL, "reload", "--config", here.path("verdict.conf")], capture_output=True, timeout=60)
		here.loaded(run)
		here.settle()
		here.end()
		books = here.balance(tap)
		tap.equal(len({boot for boot, _ in books.got}), 1, "a reloaded resolver: goes on counting")


def no_state_directory(tap):
	with Case("no state directory, killed") as here:
		here.queries = None
		here.start_nsd()
		here.start_capture()
		here.configure(ring="1m")
		here.move_state(here.path("nsd.conf") + "/none")
		here.start_unbound(threads=THREADS)
		run = here.load(2, patience=1)
		time.sleep(1.5)
		here.unbound.stop(signal.SIGKILL)
		here.loaded(run)
		here.restart()
		here.settle()
		here.end()
		books = here.balance(tap, unknown=THREADS * (1 << 20) // 64)
		tap.ok(all(not beat["spool"]["durable"] for beat in books.beats.values()), "no state directory: heartbeats say so")


def two_writers_on_one_directory(tap):
	with Case("two writers: the first") as one, Case("two writers: the second") as two:
		one.begin()
		two.start_nsd()
		two.configure()
		two.start_capture()
		two.move_state(one.path("state"))
		two.start_unbound(threads=THREADS)
		loads = [one.load(longer(1.5, 5), rate=load.RATE // 2), two.load(longer(1.5, 5), rate=load.RATE // 2)]
		for here, run in zip((one, two), loads):
			here.loaded(run)
			here.settle()
		for here in (two, one):
			here.end()
			here.balance(tap)
		beats = ledger.Ledger(two.captures_written()).beats.values()
		tap.ok(beats and all(not beat["spool"]["durable"] for beat in beats), "two writers: the second keeps its frames in memory")


def a_clock_that_jumps(tap):
	if lab.FAKETIME is None:
		tap.skip("a clock that jumps", "no libfaketime: install faketime")
		return
	with Case("clock jumps") as here:
		here.start_nsd()
		here.configure()
		here.start_capture()
		here.unbound_conf(threads=THREADS)
		here.launch_unbound(wrapper=lab.by_clock(file=here.replace("clock", "+0\n")))
		here.wait_ready()
		for jump in ("+1d", "-1d", "+0"):
			here.replace("clock", jump + "\n")
			here.loaded(here.load(longer(0.7, 3), rate=load.RATE // 4))
		here.settle()
		here.end()
		here.queries = None     # what waits while a day passes is given up by Unbound
		books = here.balance(tap)
		times = [one.response_time for path in here.captures_written() for one in lab.frames.read(path, parse=False)]
		tap.ok(max(times) - min(times) > 86400, "a clock that jumps: it did", (min(times), max(times)))
		tap.equal(len({boot for boot, _ in books.got}), 1, "a clock that jumps: one boot")


def show_table():
	rows = [("case", "answers", "Unbound's", "numbered", "frames", "twice", "lost", "unknown", "uncounted")] + table
	for row in rows:
		print("# %-34s" % row[0] + "".join("%10s" % column for column in row[1:]))
	if table:
		print("BENCH tap_lost_uncounted_in_faults %d frames" % sum(row[-1] for row in table), flush=True)


if __name__ == "__main__":
	lab.require()
	if shutil.which("dnsperf") is None:
		print("1..0 # SKIP no dnsperf: install dnsperf")
		sys.exit(0)
	import atexit
	atexit.register(show_table)
	tap.run(a_killed_collector, a_quiet_killed_collector, a_stopped_collector, a_resolver_that_ends_before_a_stopped_collector,
		a_collector_that_never_answers, a_late_answer, a_full_disk, a_full_disk_and_a_killed_resolver, a_read_only_directory,
		a_spool_at_its_cap, a_killed_resolver, a_reloaded_resolver, no_state_directory, two_writers_on_one_directory, a_clock_that_jumps)
