#!/usr/bin/python3
"""Starting and reloading, with good and with bad configuration, and in an Unbound the library was not built for."""

import os
import re
import shutil
import signal
import subprocess

import dns.rcode

import lab
import tap

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
ONE = [{"name": "one", "format": "domains", "action": "refuse", "lines": ["one.example"]}]
TWO = [{"name": "two", "format": "domains", "action": "nxdomain", "lines": ["two.example"]}]
HTML = [{"name": "one", "format": "domains", "action": "refuse", "lines": ["<!DOCTYPE html>", "<html><head><title>503</title>"]}]


def rcodes(here):
	return [dns.rcode.to_text(here.ask(name)[0].rcode()) for name in ("one.example", "two.example", "three.example")]


def reload_by_control(here):
	code, text = here.control("reload")
	if code != 0:
		raise RuntimeError(text)


def reload_by_signal(here):
	here.unbound.send(signal.SIGHUP)


def reloaded(here, way, starts):
	way(here)
	here.wait_ready(starts)


def a_reload_brings_the_new_policy(tap):
	for way, label in ((reload_by_control, "unbound-control reload"), (reload_by_signal, "HUP")):
		with lab.Lab(ZONES) as here:
			here.start(ONE, threads=2)
			tap.equal(rcodes(here), ["REFUSED", "NOERROR", "NOERROR"], "%s: the first policy" % label)
			here.policy(TWO)
			reloaded(here, way, 2)
			tap.equal(rcodes(here), ["NOERROR", "NXDOMAIN", "NOERROR"], "%s: the second policy, for cached names too" % label)
			here.policy(ONE, mode="shadow")
			reloaded(here, way, 3)
			tap.equal(rcodes(here), ["NOERROR", "NOERROR", "NOERROR"], "%s: mode shadow" % label)
			here.finish()
			numbers = [(f.extra["boot"], f.extra["worker"], f.extra["seq"]) for f in here.captured()]
			tap.equal(len(numbers), 9, "%s: a frame for each answer, before and after" % label)
			tap.equal(len(set(numbers)), 9, "%s: no number is used twice" % label)


def a_bad_reload_keeps_the_last_good_policy(tap):
	bad = {
		"a wrong value": lambda here: here.policy(TWO, raw="verdict:\n\tmode: maybe\n"),
		"an unknown option": lambda here: here.policy(TWO, raw="policy-list:\n\tnmae: \"x\"\n"),
		"a list that is a web page": lambda here: here.policy(HTML),
		"an empty list": lambda here: here.policy([dict(TWO[0], lines=["# nothing"])]),
		"a list that is gone": lambda here: here.policy([dict(TWO[0], file=here.path("gone"), lines=None)]),
		"no configuration": lambda here: os.unlink(here.path("verdict.conf")),
	}
	with lab.Lab(ZONES) as here:
		here.start(ONE)
		starts = 1
		for why, damage in bad.items():
			damage(here)
			before = len(here.unbound.output())
			starts += 1
			reloaded(here, reload_by_control, starts)
			said = here.unbound.output()[before:]
			tap.equal(rcodes(here), ["REFUSED", "NOERROR", "NOERROR"], "%s: the last good policy stays" % why)
			tap.ok(re.search(r"error: unbound-verdict: .*%s" % re.escape(here.dir), said), "%s: the log names the file" % why, said)
			if why in ("a wrong value", "an unknown option"):
				tap.ok(re.search(r"verdict\.conf:\d+:\d+: ", said), "%s: with line and column" % why, said)
		here.policy(TWO)
		reloaded(here, reload_by_control, starts + 1)
		tap.equal(rcodes(here), ["NOERROR", "NXDOMAIN", "NOERROR"], "a good policy is taken again after that")


def a_feed_that_broke_off_keeps_the_last_good_policy(tap):
	feed = {"name": "one", "format": "domains", "action": "refuse",
		"lines": ["one.example"] + ["name%d.example" % i for i in range(19)]}
	with lab.Lab(ZONES) as here:
		here.start([feed])
		here.policy([dict(feed, lines=["two.example"] + feed["lines"][1:6])])
		before = len(here.unbound.output())
		reloaded(here, reload_by_control, 2)
		said = here.unbound.output()[before:]
		tap.equal(rcodes(here), ["REFUSED", "NOERROR", "NOERROR"], "14 of 20 rules gone: the last good policy stays")
		tap.ok("has 6 rules, at the last load it had 20" in said, "the log says so", said)
		here.policy([dict(feed, **{"lines": ["two.example"] + feed["lines"][1:6], "shrink-max": "100%"})])
		reloaded(here, reload_by_control, 3)
		tap.equal(rcodes(here), ["NOERROR", "REFUSED", "NOERROR"], "shrink-max: 100% takes it")


def a_bad_first_start_does_not_start(tap):
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		for why, write in (("a wrong value", lambda: here.policy(ONE, raw="verdict:\n\tmode: maybe\n")),
				("a web page as list", lambda: here.policy(HTML)), ("no configuration", lambda: os.unlink(here.policy(ONE)))):
			write()
			here.unbound_conf()
			here.launch_unbound()
			lab.wait_for(lambda: not here.unbound.alive(), "unbound to give up")
			said = here.unbound.output()
			tap.ok(here.unbound.popen.returncode != 0, "%s: Unbound does not start" % why)
			tap.ok(re.search(r"error: unbound-verdict: .*(verdict\.conf|list-one)", said), "%s: and says why" % why, said)
			tap.ok("service stopped" not in said and "start of service" not in said, "%s: it never served" % why, said)


def another_unbound_is_refused(tap):
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.policy(ONE)
		here.unbound_conf()
		binary = here.path("unbound")
		with open(os.path.join(lab.SBIN, "unbound"), "rb") as file:
			octets = file.read()
		version = re.search(rb"\0(unbound \d+\.\d+\.\d+)\0", octets).group(1)
		other = version[:-1] + (b"9" if version[-1:] != b"9" else b"8")
		with open(binary, "wb") as file:
			file.write(octets.replace(version + b"\0", other + b"\0"))
		os.chmod(binary, 0o755)
		here.launch_unbound(binary=binary)
		lab.wait_for(lambda: not here.unbound.alive(), "unbound to give up")
		said = here.unbound.output()
		tap.ok(here.unbound.popen.returncode != 0, "an Unbound of another version does not start with the library")
		line = next((line for line in said.splitlines() if "error: unbound-verdict" in line), "")
		tap.ok(version.decode() in line and other.decode() in line, "and both versions are named", said)


def checkconf_accepts_the_configuration(tap):
	with lab.Lab(ZONES) as here:
		here.policy(ONE)
		for module in ("dynlib validator iterator", "dynlib iterator", "dynlib respip validator iterator"):
			here.unbound_conf(module=module)
			done = subprocess.run([os.path.join(lab.SBIN, "unbound-checkconf"), here.path("unbound.conf")], capture_output=True, text=True,
				env=dict(os.environ, UNBOUND_VERDICT_CONF=here.path("verdict.conf")))
			tap.ok(done.returncode == 0, "unbound-checkconf accepts \"%s\"" % module, done.stdout + done.stderr)


def a_wrong_order_of_modules_is_said(tap):
	rows = [
		("dns64 dynlib validator iterator", "dns64"),
		("respip dns64 dynlib validator iterator", "respip, dns64"),
		("validator iterator dynlib", "validator, iterator"),
		("dynlib dns64 respip validator iterator", None),
	]
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.policy(ONE + TWO, socket_path=False)
		for module, above in rows:
			here.start_unbound(module=module)
			answers = [here.ask(name, qtype)[0] for name, qtype in (("one.example", "A"), ("two.example", "A"),
				("two.example", "AAAA"))]
			reloaded(here, reload_by_control, 2)
			here.unbound.stop()
			said = [line for line in here.unbound.output().splitlines() if "error: unbound-verdict: module-config" in line]
			tap.equal(len(said), 2 if above else 0, "\"%s\": said at each load, if it is wrong" % module)
			tap.ok(not above or "stored above it (%s)" % above in said[0], "\"%s\": names what is above" % module, said)
			tap.equal([dns.rcode.to_text(answer.rcode()) for answer in answers],
				["NOERROR"] * 3 if module.endswith("dynlib") else ["REFUSED", "NXDOMAIN", "NXDOMAIN"],
				"\"%s\": what is left to judge is judged, and what is made can be stored" % module)


def a_second_one_of_it_does_nothing(tap):
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.start_capture()
		here.policy(ONE)
		here.start_unbound(module="dynlib dynlib validator iterator", rest='dynlib:\n\tdynlib-file: "%s"\n' % lab.LIBRARY)
		for starts in (2, 3):
			for round in range(2):
				tap.equal(rcodes(here), ["REFUSED", "NOERROR", "NOERROR"], "twice in module-config: judged once, round %d" % round)
			reloaded(here, reload_by_control, starts)
		here.finish()
		errors = [line for line in here.unbound.output().splitlines() if "error:" in line]
		tap.equal(len([line for line in errors if "names the library twice: only the first one works" in line]), 3,
			"the log says so at each load")
		tap.equal(len(errors), 3, "and there is no other error")
		tap.equal(len(here.captured()), 12, "one frame for each answer")


def it_starts_and_stops_cleanly(tap):
	with lab.Lab(ZONES) as here:
		here.start(ONE, threads=4)
		rcodes(here)
		code, text = here.control("stop")
		lab.wait_for(lambda: not here.unbound.alive(), "unbound to stop")
		tap.equal(here.unbound.popen.returncode, 0, "unbound-control stop ends it with 0")
		tap.ok("error" not in here.unbound.output(), "and without an error in the log", here.unbound.output())


def nothing_leaks_or_is_misused(tap):
	"""Memory errors only: Unbound itself leaves some memory at exit."""
	if shutil.which("valgrind") is None:
		tap.skip("valgrind finds no error", "no valgrind")
		return
	with open(os.path.join(lab.SBIN, "unbound"), "rb") as file:
		if b"__asan_init" in file.read():
			tap.skip("valgrind finds no error", "this Unbound has AddressSanitizer instead")
			return
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.start_capture()
		here.policy(ONE)
		here.unbound_conf()
		here.launch_unbound(wrapper=("valgrind", "-q", "--error-exitcode=99", "--leak-check=no", "--fair-sched=yes"))
		lab.wait_for(lambda: "start of service" in here.unbound.output(), "unbound under valgrind", 240)
		tap.equal(rcodes(here), ["REFUSED", "NOERROR", "NOERROR"], "answers under valgrind")
		here.policy(TWO)
		reloaded(here, reload_by_control, 2)
		tap.equal(rcodes(here), ["NOERROR", "NXDOMAIN", "NOERROR"], "answers after a reload under valgrind")
		here.unbound.stop()
		tap.ok(here.unbound.popen.returncode != 99, "valgrind finds no error", here.unbound.output())


if __name__ == "__main__":
	lab.require()
	tap.run(a_reload_brings_the_new_policy, a_bad_reload_keeps_the_last_good_policy,
		a_feed_that_broke_off_keeps_the_last_good_policy, a_bad_first_start_does_not_start,
		another_unbound_is_refused, checkconf_accepts_the_configuration, a_wrong_order_of_modules_is_said,
		a_second_one_of_it_does_nothing, it_starts_and_stops_cleanly, nothing_leaks_or_is_misused)
