#!/usr/bin/python3
"""What the library costs a resolver: CPU per cached query with and without it, memory and CPU of a real list.

The same Unbound, the same questions, rounds in turn, so that whatever else the machine does meets both alike; the
median of the rounds' figures is printed as `bench NAME VALUE UNIT`. dnsperf asks. VERDICT_ROUNDS (default 7) and
VERDICT_ROUND_SECONDS (default 3) set how long it takes.
"""

import lzma
import os
import random
import re
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import lab   # noqa: E402  (the path comes first)

LIST = os.path.join(lab.DATA, "lists/block_malware_big.txt.xz")
ROUNDS = int(os.environ.get("VERDICT_ROUNDS", "7"))
SECONDS = int(os.environ.get("VERDICT_ROUND_SECONDS", "3"))
NAMES = 2000
ZONES = {"example": "$ORIGIN example.\n$TTL 86400\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}


def bench(name, value, unit):
	print("bench %s %.3f %s" % (name, value, unit), flush=True)


class Resolver:
	"""One Unbound of the comparison, with its cache filled."""

	def __init__(self, module, policy=None, capture=False):
		self.lab = lab.Lab(ZONES)
		self.lab.start_nsd()
		if capture:
			self.lab.start_capture()
		self.lab.policy(policy or [], file=False, socket_path=capture)
		self.lab.start_unbound(module=module)
		self.load_cpu = self.lab.unbound.cpu_seconds()
		self.rss = self.lab.unbound.rss_octets()
		chance = random.Random(1)
		labels = ["".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randrange(4, 14))) for _ in range(NAMES)]
		self.questions = self.lab.write("questions", "".join("%s.w%d.example A\n" % (label, i % 40) for i, label in enumerate(labels)))
		self.dnsperf("-n", "2")
		self.figures = []

	def dnsperf(self, *arguments):
		command = ["dnsperf", "-s", "127.0.0.1", "-p", str(self.lab.port), "-d", self.questions, "-c", "4", "-q", "60", "-e"]
		if shutil.which("taskset") and os.cpu_count() > 1:
			command = ["taskset", "-c", "1"] + command
		done = subprocess.run(command + list(arguments), capture_output=True, text=True, check=True)
		counts = [line.split()[2] for line in done.stdout.splitlines() if "Queries completed:" in line]
		return int(counts[0])

	def round(self):
		before = self.lab.unbound.cpu_seconds()
		queries = self.dnsperf("-l", str(SECONDS))
		self.figures.append((self.lab.unbound.cpu_seconds() - before) / queries * 1e6)

	def figure(self):
		return statistics.median(self.figures)


def real_list(to):
	"""The million names in a plain file, and a policy of it; None without the data."""
	if not os.access(LIST, os.R_OK):
		return None
	path = os.path.join(to, "malware.txt")
	with lzma.open(LIST) as source, open(path, "wb") as plain:
		plain.write(source.read())
	return [{"name": "malware", "format": "domains", "action": "refuse", "file": path}]


def main():
	lab.require()
	if shutil.which("dnsperf") is None:
		print("skipped: bench_unbound: no dnsperf")
		return
	scratch = lab.Lab({})
	policy = real_list(scratch.dir)
	if policy is None:
		print("skipped: the figures of the real list: no %s (set VERDICT_DATA)" % LIST)
	module = "dynlib validator iterator"
	kinds = {
		"bare": Resolver("validator iterator"),
		"module": Resolver(module, policy),
		"module_frames": Resolver(module, policy, capture=True),
	}
	if policy is not None:
		bench("policy_rss_added_mib", (kinds["module"].rss - kinds["bare"].rss) / (1 << 20), "MiB")
		bench("policy_load_cpu_s", kinds["module"].load_cpu - kinds["bare"].load_cpu, "s")
	for _ in range(ROUNDS):
		for resolver in kinds.values():
			resolver.round()
	bare = kinds["bare"].figure()
	for kind, resolver in kinds.items():
		bench("unbound_cached_cpu_us_" + kind, resolver.figure(), "us")
	bench("unbound_cached_cpu_ratio", kinds["module"].figure() / bare, "ratio")
	bench("unbound_cached_cpu_ratio_frames", kinds["module_frames"].figure() / bare, "ratio")
	frames_per_answer(kinds["module_frames"])


def frames_per_answer(resolver):
	"""dnsperf asks as fast as it can, so frames may be dropped; each that is must be counted."""
	answers = int(float(resolver.lab.statistics()["total.num.queries"]))
	resolver.lab.unbound.stop()
	frames = len(resolver.lab.captured(parse=False))
	made, sent = re.findall(r"(\d+) frames, of which \d+ reached the file and (\d+) the socket",
		resolver.lab.unbound.output())[-1]
	dropped = int(made) - int(sent)
	bench("frames_per_answer", frames / answers, "ratio")
	bench("frames_dropped", dropped, "frames")
	bench("frames_missing_uncounted", answers - frames - dropped, "frames")


if __name__ == "__main__":
	main()
