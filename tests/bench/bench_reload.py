#!/usr/bin/python3
"""What clients notice of a new policy: the real list of a million names, one name more, under 5,000 questions a second.

Runs with and without a reload take turns. `stale_answers` is what the stress of tests/e2e finds in one run: answers by a
policy that was not in force any more. VERDICT_RELOADS (default 5) pairs of runs of VERDICT_RUN_SECONDS (default 6).
"""

import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import dns.rcode     # noqa: E402  (the path comes first)

import lab           # noqa: E402
import resolvers     # noqa: E402
import stress        # noqa: E402

PAIRS = int(os.environ.get("VERDICT_RELOADS", "5"))
SECONDS = int(os.environ.get("VERDICT_RUN_SECONDS", "6"))
RATE = 5000
bench = resolvers.bench


def peak_octets(pid):
	with open("/proc/%d/status" % pid) as file:
		return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def ask_steadily(here, questions):
	"""(lost, longest in ms) of a run at RATE."""
	done = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(here.port), "-d", questions, "-c", "4", "-Q", str(RATE),
		"-l", str(SECONDS), "-t", "5"], capture_output=True, text=True, check=True).stdout
	lost = int(re.search(r"Queries lost:\s+(\d+)", done).group(1))
	return lost, float(re.search(r"Average Latency.*max ([0-9.]+)", done).group(1)) * 1000


def reload(here, name, seen):
	"""Adds the name, which is cached, and measures until an answer denies it."""
	with open(here.path("malware.txt"), "a") as file:
		file.write(name + "\n")
	start = time.monotonic()
	code, text = stress.verdictctl(here, "reload", "--json")
	seen["reported"] = (time.monotonic() - start) * 1000
	answer = here.ask(name)[0]
	seen["denied"] = code == 0 and answer.rcode() == dns.rcode.REFUSED
	seen["text"] = text


def main():
	lab.require()
	with lab.Lab(resolvers.ZONES) as here:
		policy, _ = resolvers.real_list(here.dir)
		if policy is None:
			print("skipped: bench_reload: no %s (set VERDICT_DATA)" % resolvers.LIST)
			return
		here.start_nsd()
		here.policy(policy, socket_path=False, file=False,
			raw="verdict:\n\tcontrol-socket: verdict.sock\n\twatch: no\n")
		here.start_unbound(server="\tmsg-cache-size: 64m\n\trrset-cache-size: 128m\n")
		names = resolvers.cached_names()
		questions = here.write("questions", "".join("%s A\n" % name for name in names))
		resolvers.dnsperf(here, questions, "-n", 2)
		figures = run_pairs(here, questions, names)
		report(here, figures)


def run_pairs(here, questions, names):
	figures = {"lost": [0, 0], "longest": ([], []), "reported": [], "denied": 0}
	figures["rss"] = here.unbound.rss_octets()
	for pair in range(PAIRS):
		for reloading in (0, 1) if pair % 2 else (1, 0):
			seen = {}
			timer = threading.Timer(SECONDS / 3, reload, (here, names[pair], seen))
			if reloading:
				timer.start()
			lost, longest = ask_steadily(here, questions)
			timer.join() if reloading else None
			figures["lost"][reloading] += lost
			figures["longest"][reloading].append(longest)
			if reloading:
				figures["reported"].append(seen["reported"])
				figures["denied"] += seen["denied"]
	return figures


def report(here, figures):
	stats = json.loads(stress.verdictctl(here, "stats", "--json")[1])
	bench("reload_lost_queries", figures["lost"][1], "queries")
	bench("reload_lost_queries_without", figures["lost"][0], "queries")
	bench("reload_longest_ms", statistics.median(figures["longest"][1]), "ms")
	bench("reload_longest_ms_without", statistics.median(figures["longest"][0]), "ms")
	bench("reload_latency_ratio", statistics.median(figures["longest"][1]) / statistics.median(figures["longest"][0]), "ratio")
	bench("reload_in_force_ms", statistics.median(figures["reported"]), "ms")
	bench("reload_cached_name_denied", figures["denied"] / PAIRS, "ratio")
	status = json.loads(stress.verdictctl(here, "status", "--json")[1])
	bench("reload_max_worker_ms", max(find(stats, "longest_answer_us"), find(status, "longest_slice_us")) / 1000, "ms")
	bench("reload_peak_rss_ratio", peak_octets(here.unbound.pid) / figures["rss"], "ratio")
	outcome = stress.run(threads=2, seconds=20)
	bench("stale_answers", len(outcome.wrong), "answers")
	bench("stress_answers", outcome.answers, "answers")
	bench("stress_publishes", outcome.publishes, "policies")


def find(tree, key):
	"""The value of a key, wherever it stands in the answer."""
	if isinstance(tree, dict):
		if key in tree:
			return tree[key]
		tree = list(tree.values())
	if isinstance(tree, list):
		for branch in tree:
			value = find(branch, key)
			if value is not None:
				return value
	return None


if __name__ == "__main__":
	main()
