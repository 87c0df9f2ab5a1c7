#!/usr/bin/python3
"""How many recorded answers `verdictctl replay` judges a second, by CPU time and less what loading the policy takes."""

import lzma
import os
import random
import resource
import subprocess
import tempfile

BUILD = os.environ.get("builddir", ".")
COMMAND = os.path.join(BUILD, "verdictctl")
DATA = os.environ.get("VERDICT_DATA", os.path.join(os.environ.get("srcdir", "."), "../shared/data"))
LIST = os.path.join(DATA, "lists/block_malware_big.txt.xz")
RECORDS = 2000000


def cpu(*command):
	before = resource.getrusage(resource.RUSAGE_CHILDREN)
	subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
	after = resource.getrusage(resource.RUSAGE_CHILDREN)
	return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def names():
	if os.access(LIST, os.R_OK):
		with lzma.open(LIST, "rt") as source:
			return [line.strip() for line in source if line.strip() and not line.startswith("#")]
	print("skipped: the real list: no %s (set VERDICT_DATA); a made one instead" % LIST)
	return ["n%d.listed%d.example" % (i, i % 997) for i in range(1000000)]


def main():
	with tempfile.TemporaryDirectory(prefix="verdict-bench-") as folder:
		listed, chance = names(), random.Random(4)
		with open(os.path.join(folder, "list.txt"), "w") as file:
			file.write("\n".join(listed) + "\n")
		policy = os.path.join(folder, "v.conf")
		with open(policy, "w") as file:
			file.write("policy-list:\n\tname: listed\n\tfile: list.txt\n\tformat: domains\n")
		recording, empty = os.path.join(folder, "r.tsv"), os.path.join(folder, "e.tsv")
		with open(recording, "w") as file:
			for i in range(RECORDS):
				name = chance.choice(listed) if i % 20 == 0 else "w%d.site%d.example" % (i % 50021, i % 997)
				file.write("%d.5\t192.0.2.%d\t%s\tA\t0\tCNAME 60 cdn%d.example; A 60 198.51.100.%d\n"
					% (i, i % 250, name, i % 31, i % 250))
		with open(empty, "w") as file:
			file.write("only.example A\n")
		load = min(cpu(COMMAND, "replay", "-p", policy, empty) for _ in range(3))
		took = min(cpu(COMMAND, "replay", "-p", policy, recording) for _ in range(3))
		print("bench replay_tsv_records_per_s %.0f /s" % (RECORDS / (took - load)))


if __name__ == "__main__":
	main()
