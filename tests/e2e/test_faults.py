#!/usr/bin/python3
"""A collector that is absent, killed or stuck never delays an answer, and never holds up the resolver's end."""

import os
import signal
import socket

import lab
import tap
import volley

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
LISTS = [{"name": "one", "format": "domains", "action": "refuse", "lines": ["one.example"]}]
MANY = 3000
SLOWEST = 1.0 * float(os.environ.get("VERDICT_SLOW", "1"))   # seconds; a blocked write would take longer
END = 3.0


def ask_many(here):
	return volley.udp(here.port, [("h%d.example" % (i % 50), "A") for i in range(MANY)], window=16)


def served(tap, here, label):
	results = ask_many(here)
	lost = sum(1 for result in results if result.octets is None)
	slowest = max((result.seconds for result in results if result.octets is not None), default=0)
	tap.equal(lost, 0, "%s: every question is answered" % label)
	tap.ok(slowest < SLOWEST, "%s: in normal time" % label, "slowest: %.3f s" % slowest)


def ended(tap, here, label):
	seconds = here.unbound.stop()
	tap.ok(seconds < END and here.unbound.popen.returncode == 0, "%s: the resolver ends in time" % label,
		"%.1f s, exit %s" % (seconds, here.unbound.popen.returncode))


def an_absent_collector(tap):
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.policy(LISTS, file=False)
		here.start_unbound()
		served(tap, here, "absent")
		ended(tap, here, "absent")


def a_killed_collector(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, file=False)
		served(tap, here, "before the kill")
		here.capture.stop(signal.SIGKILL)
		served(tap, here, "killed")
		here.start_capture()
		served(tap, here, "a new one")
		volley.udp(here.port, [("one.example", "A")])
		ended(tap, here, "a new one")
		captured = here.captured()
		tap.ok(len(captured) > MANY, "the new collector gets frames", len(captured))
		tap.equal(captured[-1].extra["verdict"], "refuse", "up to the last answer")


def a_stopped_collector(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, file=False)
		here.capture.send(signal.SIGSTOP)
		for label in ("stopped", "still stopped"):
			served(tap, here, label)
		ended(tap, here, "stopped")
		here.capture.send(signal.SIGCONT)


def a_collector_that_never_answers(tap):
	with lab.Lab(ZONES) as here:
		with socket.socket(socket.AF_UNIX) as listening:
			listening.bind(here.socket_path)
			listening.listen(1)
			here.start_nsd()
			here.policy(LISTS, file=False)
			here.start_unbound()
			served(tap, here, "silent")
			ended(tap, here, "silent")


def a_stuck_collector_costs_the_file_nothing(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		here.capture.send(signal.SIGSTOP)
		served(tap, here, "file beside a stuck socket")
		ended(tap, here, "file beside a stuck socket")
		tap.equal(len(lab.frames.read(here.frames_file, parse=False)), MANY, "the file has every frame")


def a_full_disk_is_survived(tap):
	"""/dev/full stands for it: every write fails."""
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.policy(LISTS, socket_path=False, file=False, raw='\tfile: "/dev/full"\n')
		here.unbound_conf()
		here.launch_unbound()
		lab.wait_for(lambda: not here.unbound.alive() or "start of service" in here.unbound.output(), "unbound")
		if not here.unbound.alive():
			tap.ok("unbound-verdict" in here.unbound.output(), "a file that cannot be written is said", here.unbound.output())
			return
		served(tap, here, "no room for the file")
		ended(tap, here, "no room for the file")


if __name__ == "__main__":
	lab.require()
	tap.run(an_absent_collector, a_killed_collector, a_stopped_collector, a_collector_that_never_answers,
		a_stuck_collector_costs_the_file_nothing, a_full_disk_is_survived)
