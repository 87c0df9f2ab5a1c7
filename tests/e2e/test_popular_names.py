#!/usr/bin/python3
"""Real names that many ask for, at speed, with every detector on alert: nothing is an alert, nobody is flagged, none is lost.

Reads VERDICT_DATA (default ../shared/data beside the checkout): benign/umbrella_hostnames.csv.xz, `rank,name` a line. The
first 5,000 are the popular list, as `make eval` has it. VERDICT_SAMPLE sets how many names are asked for (default 25000).
"""

import collections
import itertools
import json
import lzma
import os
import random
import subprocess

import lab
import tap
import volley

NAMES = os.path.join(lab.DATA, "benign/umbrella_hostnames.csv.xz")
SUFFIXES = os.path.join(lab.DATA, "lists/public_suffix_list.dat")
SAMPLE = int(os.environ.get("VERDICT_SAMPLE", "25000"))
POPULAR = 5000
CLIENTS = ["127.0.%d.%d" % (10 + number // 10, 1 + number % 10) for number in range(50)]
# A root that knows every name.
ROOT = """$TTL 300
. SOA a.lab-root. hostmaster.lab-root. 1 3600 600 86400 60
. NS a.lab-root.
a.lab-root. A 127.0.0.1
* A 192.0.2.80
* AAAA 2001:db8::80
"""
ALERTS = ("alert", "high", "block")
# All that may lead to an alert.
DETECTORS = ("tunnel", "tunnel-down", "weak-channel", "nxdomain-burst", "name-server", "delegation-change", "rebinding",
	"rebinding-flip", "fast-flux", "look-alike", "recon", "random-subdomain", "odd-type", "resolver-bypass", "dnssec-drop")


def names():
	with lzma.open(NAMES, "rt", errors="replace") as file:
		rows = (line.strip().split(",", 1) for line in file)
		return [row[1] for row in itertools.islice((row for row in rows if row[0].isdigit()), SAMPLE)]


def questions(found, seed=1):
	"""Each name's address, of every fifth name the IPv6 one too, in no order."""
	asked = [(name, "A") for name in found] + [(name, "AAAA") for name in found[::5]]
	random.Random(seed).shuffle(asked)
	return asked


def clauses():
	"""From the first question on everything can be new."""
	text = 'detection:\n\tpublic-suffix-list: "%s"\ndetector:\n\tname: newly-observed\n\twarm-up: 0\n' % SUFFIXES
	return text + "".join("detector:\n\tname: %s\n\taction: alert\n" % name for name in DETECTORS)


def flags(here):
	done = subprocess.run([lab.VERDICTCTL, "flagged", "--json", "--config", here.path("verdict.conf")], capture_output=True,
		text=True, timeout=60)
	return json.loads(done.stdout)["flags"]


def none_is_an_alert(tap):
	found = names()
	asked = questions(found)
	popular = {"name": "popular", "format": "domains", "lines": found[:POPULAR], "enrich": "popular"}
	with lab.Lab({".": ROOT}) as here:
		here.start([popular], threads=2, file=False, raw=clauses(), server="\tmsg-cache-size: 64m\n\trrset-cache-size: 64m\n")
		results = volley.udp(here.port, asked, window=96, sockets=len(CLIENTS), clients=CLIENTS)
		unanswered = [question for question, result in zip(asked, results) if result.octets is None]
		tap.ok(not unanswered, "each of %d questions is answered" % len(asked), unanswered[:10])
		here.wait_sent()
		flagged = flags(here)
		here.unbound.stop()
		frames = here.captured(parse=False)
		tap.equal(len(frames), len(asked), "and has its frame")
		said = [(one["detector"], one["tier"], frame.query) for frame in frames for one in frame.extra.get("detections", [])]
		tap.note(collections.Counter(one[:2] for one in said))
		tap.ok(any(one[0] == "newly-observed" for one in said), "the detectors were there")
		wrong = [one for one in said if one[1] in ALERTS]
		tap.equal(wrong[:10], [], "no detector is alarmed by any of them")
		tap.equal(flagged, [], "and nobody is flagged")


if __name__ == "__main__":
	lab.require()
	for path in (NAMES, SUFFIXES):
		if not os.access(path, os.R_OK):
			print("1..0 # SKIP no real data: %s (set VERDICT_DATA)" % path)
			raise SystemExit(0)
	tap.run(none_is_an_alert)
