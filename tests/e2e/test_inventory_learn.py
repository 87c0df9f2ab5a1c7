#!/usr/bin/python3
"""What `verdictctl inventory learn` makes of what a real Unbound records of a zone's name servers: its own dnstap with
the resolver's messages, and its cache; and what becomes of a hijack afterwards."""

import json
import socket
import subprocess
import sys
import threading

import dns.rcode

import lab
import tap
import test_inventory
from test_inventory import GOOD, RIGHT, SWAPPED_ADDRESS, SWAPPED_NAME

ZONES = {"example.test": "$ORIGIN example.test.\n$TTL 9\n@ SOA a. a. 1 1 1 1 1\n@ NS a.\n"}
DNSTAP = "dnstap:\n\tdnstap-enable: yes\n\tdnstap-socket-path: \"%s\"\n" \
	"\tdnstap-bidirectional: no\n\tdnstap-log-resolver-response-messages: yes\n"
NAMES = ("blog", "mail", "shop", "wiki")


def verdictctl(*arguments, text=None):
	return subprocess.run([lab.VERDICTCTL] + list(arguments), input=text, capture_output=True, text=True,
		timeout=lab.PATIENCE)


class Collector:
	"""Keeps what one sender that expects no reply writes, which is what a file of frames holds."""

	def __init__(self, path):
		self.octets = b""
		self.sock = socket.socket(socket.AF_UNIX)
		self.sock.bind(path)
		self.sock.listen(1)
		self.thread = threading.Thread(target=self.serve, daemon=True)
		self.thread.start()

	def serve(self):
		sender = self.sock.accept()[0]
		for octets in iter(lambda: sender.recv(65536), b""):
			self.octets += octets


def record(delegation):
	"""Asks for some names below the zone. Returns (laboratory, frames of Unbound's own dnstap, its cache); the caller
	ends the laboratory."""
	test_inventory.WORLD.delegation = delegation
	here = lab.Lab(ZONES)
	collector = Collector(here.path("native.sock"))
	here.start([], rest=test_inventory.WORLD.stub() + DNSTAP % here.path("native.sock"))
	for name in NAMES:
		here.ask(name + ".bank.parent.test")
	here.write("cache", here.control("dump_cache")[1])
	lab.wait_for(lambda: all(b"\x04" + name.encode() + b"\x04bank" in collector.octets for name in NAMES), "Unbound's frames")
	here.unbound.stop()
	collector.thread.join()
	with open(here.path("native.fstrm"), "wb") as file:
		file.write(collector.octets)
	return here, here.path("native.fstrm"), here.path("cache")


def learn(here, name, *arguments):
	done = verdictctl("inventory", "learn", "--zone", "bank.parent.test", "--action", "refuse", *arguments)
	return done, here.write(name, done.stdout)


def replayed(policy, recording):
	"""How many answers of name servers the policy denies, of how many."""
	done = verdictctl("replay", "--servers", "--json", "--policy", policy, recording)
	report = json.loads(done.stdout)
	return report["denied"], report["records"]


def what_is_learned_fits_and_a_hijack_does_not(tap):
	here, native, cache = record(RIGHT)
	learned = {}
	for what, path, seen in (("dnstap", native, "2"), ("cache", cache, "1")):
		done, conf = learn(here, what + ".conf", "--seen", seen, path)
		learned[what] = conf
		tap.equal(done.returncode, 0, "%s: servers are seen" % what)
		lines = [line.strip() for line in done.stdout.splitlines() if line.strip() and not line.strip().startswith("#")]
		tap.equal(lines, ["approved-name-server:", 'zone: "bank.parent.test"', "action: refuse",
			'name-server: "ns1.bank.parent.test"', "network: %s" % GOOD], "%s: the clause" % what)
		tap.equal(verdictctl("check", "--config", conf).returncode, 0, "%s: check takes it" % what)
		tap.equal(learn(here, "again", "--seen", seen, path)[0].stdout, done.stdout, "%s: the same again" % what)
		denied, records = replayed(conf, path)
		tap.equal((denied, records > 0), (0, True), "%s: nothing recorded is an intruder" % what)
	done, conf = learn(here, "few.conf", "--seen", "100", native)
	tap.ok("\napproved" not in done.stdout and verdictctl("check", "--config", conf).returncode == 0,
		"what was seen too few times is a comment", done.stdout)
	for swapped, why in ((SWAPPED_NAME, "another name"), (SWAPPED_ADDRESS, "another address")):
		there, hijacked, poisoned = record(swapped)
		for what, path in (("dnstap", hijacked), ("cache", poisoned)):
			if what == "dnstap" or swapped == SWAPPED_NAME:
				denied, records = replayed(learned["dnstap"], path)
				tap.ok(denied > 0, "%s: an intruder in the recording: %s" % (why, what), (denied, records))
		there.stop()
	here.stop()
	with open(learned["dnstap"]) as file:
		clause = file.read()
	test_inventory.WORLD.delegation = RIGHT
	with lab.Lab(ZONES) as here:
		here.start([], raw=clause, rest=test_inventory.WORLD.stub())
		tap.equal(lab.rdata(here.ask("www.bank.parent.test")[0]), ["192.0.2.10"], "in force: the zone is answered")
		test_inventory.WORLD.delegation = SWAPPED_NAME
		here.control("flush_zone", "bank.parent.test")
		answer, frame = here.ask("mail.bank.parent.test")
		tap.equal((dns.rcode.to_text(answer.rcode()), test_inventory.said(frame)[:3]),
			("REFUSED", ("refuse", "(name-server)", "NSDNAME")), "in force: hijacked, it is refused")


if __name__ == "__main__":
	lab.require()
	try:
		test_inventory.WORLD = test_inventory.World()
	except OSError as error:
		print("1..0 # SKIP no port 53 on %s: %s" % (GOOD, error))
		sys.exit(0)
	tap.run(what_is_learned_fits_and_a_hijack_does_not)
