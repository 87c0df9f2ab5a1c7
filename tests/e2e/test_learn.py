#!/usr/bin/python3
"""Learning from what a real Unbound has framed: a service that carries data in names and that everybody uses is approved,
a tunnel of one client is not; and what becomes of both with the proposal in force."""

import base64
import hashlib
import json
import os
import subprocess
import sys

import dns.message
import dns.query

import lab
import tap

SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
CLAUSES = 'detection:\n\tpublic-suffix-list: "%s"\n' % SUFFIXES
HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n* A 192.0.2.1\n"
SITES = ["site%d-lab.com" % number for number in range(12)]
ZONES = {zone: "$ORIGIN %s.\n" % zone + HEAD for zone in ["av-lab.com", "tunnel-lab.com"] + SITES}
CLIENTS = ["127.0.10.%d" % number for number in range(1, 6)]


def ask(here, client, name):
	dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=here.port, source=client, timeout=lab.PATIENCE)


def chunk(*seed):
	return base64.b32encode(hashlib.sha256(repr(seed).encode()).digest()[:20]).decode().lower()


def traffic(here, salt):
	for site in SITES:
		for client in CLIENTS:
			ask(here, client, "www." + site)
	for number in range(30):
		for client in CLIENTS:
			ask(here, client, chunk(salt, number, client) + ".av-lab.com")
	for number in range(130):
		ask(here, CLIENTS[0], chunk(salt, number) + ".tunnel-lab.com")
	return len(SITES) * len(CLIENTS) + 30 * len(CLIENTS) + 130


def framed(here, count):
	def all_are():
		found = [frame for frame in lab.frames.read(here.frames_file) if frame.response is not None]
		return len(found) >= count and found
	return lab.wait_for(all_are, "all frames")


def told(found):
	"""Zones that frames tell of a tunnel."""
	return {".".join(str(frame.query.question[0].name).split(".")[-3:-1]) for frame in found
		for detection in (frame.extra or {}).get("detections", []) if detection["detector"] == "tunnel"}


def verdictctl(*arguments):
	return subprocess.run([lab.VERDICTCTL] + list(arguments), capture_output=True, text=True, timeout=4 * lab.PATIENCE)


def what_is_learned_quiets_the_service_alone(tap):
	with lab.Lab(ZONES) as here:
		here.start([], raw=CLAUSES)
		found = framed(here, traffic(here, "before"))
		tap.equal(told(found), {"av-lab.com", "tunnel-lab.com"}, "at first both are told")
		arguments = ["learn", "--policy", here.path("verdict.conf"), "--days", "1", here.frames_file]
		report = json.loads(verdictctl(*arguments, "--json").stdout)
		tap.equal({one["zone"]: one["proposed"] for one in report["zones"]}, {"av-lab.com": True, "tunnel-lab.com": False},
			"what is proposed")
		tap.equal(sorted({one["zone"] for one in report["alarms"]}), ["av-lab.com", "tunnel-lab.com"], "what would be flagged")
		tap.equal({one["zone"] for one in report["alarms_left"]}, {"tunnel-lab.com"}, "and what is left of it")
		done = verdictctl(*arguments, "--list", here.path("approved.txt"))
		learned = here.write("learned.conf", done.stdout)
		tap.equal((done.returncode, verdictctl("check", "--config", learned).returncode), (0, 0), "check takes it")
	with lab.Lab(ZONES) as again:
		again.start([], raw=CLAUSES + 'include: "%s"\n' % learned)
		tap.equal(verdictctl("check", "--config", again.path("verdict.conf")).returncode, 0, "check takes it, included")
		tap.equal(told(framed(again, traffic(again, "after"))), {"tunnel-lab.com"}, "in force: only the tunnel is told")


if __name__ == "__main__":
	lab.require()
	if not os.path.exists(SUFFIXES):
		print("1..0 # SKIP no %s: install publicsuffix" % SUFFIXES)
		sys.exit(0)
	tap.run(what_is_learned_quiets_the_service_alone)
