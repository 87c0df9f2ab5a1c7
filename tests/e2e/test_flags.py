#!/usr/bin/python3
"""From a detection to a denial in the real resolver: who is cut off, how much got through, and how it ends."""

import base64
import hashlib
import json
import os
import subprocess
import time

import dns.message
import dns.query
import dns.rcode

import lab
import tap

SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
ZONES = {zone: "$ORIGIN %s.\n%s* 5 TXT \"%s\"\n* A 192.0.2.1\nalias CNAME www.tunnel-lab.com.\n" % (zone, HEAD, "a1" * 60)
	for zone in ("tunnel-lab.com", "famous-lab.com", "ours-lab.com", "quiet-lab.com")}
BLOCK = 'detection:\n\tpublic-suffix-list: "%s"\ndetector:\n\tname: tunnel\n\taction: block\n' % SUFFIXES
LISTS = [{"name": "popular", "format": "domains", "lines": ["www.famous-lab.com"], "enrich": "popular"},
	{"name": "approved", "format": "domains", "lines": ["ours-lab.com"], "enrich": "approved"}]
VICTIM, OTHER = "127.0.9.1", "127.0.9.2"
ENOUGH = 250    # names: with so many a zone is a tunnel for sure


def chunk(number):
	"""30 octets in 48 characters."""
	return base64.b32encode(hashlib.sha256(b"%d" % number).digest()[:30]).decode().lower()


def verdictctl(here, *arguments):
	done = subprocess.run([lab.VERDICTCTL, *arguments, "--json", "--config", here.path("verdict.conf")], capture_output=True,
		text=True, timeout=60)
	return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def flags(here, **wanted):
	return [flag for flag in verdictctl(here, "flagged")[1]["flags"]
		if all(flag.get(key) == value for key, value in wanted.items())]


def rcode(here, name, client):
	answer = dns.query.udp(dns.message.make_query(name, "TXT"), "127.0.0.1", port=here.port, timeout=lab.PATIENCE, source=client)
	return dns.rcode.to_text(answer.rcode())


def send(here, zone, first, count, client=VICTIM):
	"""Octets of names that were answered, until one was not; how many were asked. Behind ENOUGH of them the
	denial must come: to make it takes a busy machine its time."""
	passed = 0
	for number in range(first, first + count):
		if count > ENOUGH and number == first + ENOUGH:
			lab.wait_for(lambda: flags(here, zone=zone, client=client + "/32", state="denied"), "the denial of " + zone)
		name = chunk(number) + "." + zone
		if rcode(here, name, client) != "NOERROR":
			return passed, number - first
		passed += 30
		time.sleep(0.02)
	return passed, count


def a_tunnel_is_cut_off(tap):
	with lab.Lab(dict(ZONES)) as here:
		keep = {"name": "keep", "format": "domains", "lines": ["keep.tunnel-lab.com"], "action": "pass"}
		here.start([*LISTS, keep], raw=BLOCK, threads=2)
		passed, asked = send(here, "tunnel-lab.com", 0, 600)
		lab.wait_for(lambda: flags(here, state="denied"), "the flag")
		late, tried = send(here, "tunnel-lab.com", 1000, 50)
		print("# %d octets in %d names got through, %d after the flag was in force" % (passed, asked, late))
		tap.ok(2048 <= passed <= 8000, "after the threshold it is cut off", passed)
		tap.equal((late, tried), (0, 0), "nothing gets through from then on")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NXDOMAIN", "the zone is denied to that client")
		for name in ("www", "mail", "www"):
			tap.equal(rcode(here, name + ".tunnel-lab.com", OTHER), "NOERROR", "and to no other that asks a little")
		for name in ("keep", "a.keep", "keep"):
			tap.equal(rcode(here, name + ".tunnel-lab.com", VICTIM), "NOERROR", "but for what a list passes")
		rules = verdictctl(here, "explain", "--live", "keep.tunnel-lab.com", "--client", VICTIM)[1]["rules"]
		tap.equal([(rule["list"], rule["decides"]) for rule in rules], [("keep", True), ("(override)", False)],
			"explain tells the list before the detector")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NXDOMAIN", "also when it is cached")
		tap.equal(rcode(here, "www.quiet-lab.com", VICTIM), "NOERROR", "nor anything else to that client")
		for client, zone, code in ((VICTIM, "quiet-lab.com", "NXDOMAIN"), (VICTIM, "famous-lab.com", "NOERROR"),
				(VICTIM, "ours-lab.com", "NOERROR"), (OTHER, "quiet-lab.com", "NOERROR"), (VICTIM, "quiet-lab.com", "NXDOMAIN")):
			tap.equal(rcode(here, "alias." + zone, client), code, "%s gets %s for an alias to it in %s" % (client, code, zone))
		flag = flags(here)[0]
		tap.equal([flag[key] for key in ("zone", "client", "detector", "action", "technique")],
			["tunnel-lab.com", VICTIM + "/32", "tunnel", "block", "T1071.004 T1048.003 T1572"], "flagged says whose")
		tap.ok(flag["value"] > flag["threshold"] >= 2048 and flag["features"]["names"] > 60 and flag["points"] >= 8 and flag["hits"] > 0,
			"and why, in numbers", flag)
		tap.equal(flag["until"] - flag["last"], 3600, "for an hour")
		detectors = verdictctl(here, "status")[1]["detectors"]
		tap.equal((detectors["flags"]["in_force"], detectors["flags"]["denied"]), (1, 1), "status counts it")
		tap.ok({part["name"]: part["used"] for part in detectors["parts"]}["zones"] >= 2, "and what is remembered", detectors)
		metrics = verdictctl(here, "metrics")[1]["text"]
		for line in ('flags_denied 1', 'detections_total{detector="tunnel",tier="high"} ', 'detect_lost_total{part="zones"} '):
			tap.ok("unbound_verdict_" + line in metrics, "metrics have " + line)
		override = verdictctl(here, "overrides")[1]["overrides"][0]
		tap.equal((override["id"], override["who"]), (flag["override"], "detector:tunnel"), "it is an override as any")
		with open(here.path("state/audit.log")) as audit:
			tap.ok("deny id=%d" % override["id"] in (text := audit.read()) and "names=" in text, "and stands in the audit", text)


def popular_and_approved_zones_are_left_alone(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK)
		for zone in ("famous-lab.com", "ours-lab.com"):
			tap.equal(send(here, zone, 0, 250)[1], 250, zone + " is not cut off")
		tap.equal(flags(here), [], "nor flagged")


def shadow_only_says_it(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK, mode="shadow")
		tap.equal(send(here, "tunnel-lab.com", 0, 250)[1], 250, "in shadow nothing is cut off")
		lab.wait_for(lambda: flags(here, state="would deny"), "the flag")
		tap.equal(verdictctl(here, "overrides")[1]["overrides"], [], "there is no override")
		tap.ok("in shadow: would deny" in here.unbound.output(), "the log says what would have been")


def alert_changes_nothing(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK.replace("action: block", "action: alert"))
		tap.equal(send(here, "tunnel-lab.com", 0, 250)[1], 250, "an alert cuts nobody off")
		lab.wait_for(lambda: flags(here, state="alert", tier="block"), "the flag")
		tap.ok("flag: detector=tunnel" in here.unbound.output(), "the log has it")


def an_allow_ends_it_and_keeps_it_away(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK)
		send(here, "tunnel-lab.com", 0, 600)
		lab.wait_for(lambda: flags(here, state="denied"), "the flag")
		here.control("reload")
		here.wait_ready(2)
		tap.equal(rcode(here, "a.tunnel-lab.com", VICTIM), "NXDOMAIN", "a reload changes nothing")
		tap.equal(len(flags(here, state="denied")), 1, "it is still flagged")
		code, found, wrong = verdictctl(here, "allow", "tunnel-lab.com", "--for", "1h", "--why", "ours")
		tap.equal((code, wrong, [gone["who"] for gone in found["removed"]]), (0, "", ["detector:tunnel"]), "allow takes its denial back")
		tap.equal(flags(here), [], "the flag has ended")
		tap.equal(send(here, "tunnel-lab.com", 2000, 250)[1], 250, "it does not come back while it is allowed")
		tap.equal(flags(here), [], "nor is it flagged")
		verdictctl(here, "revoke", "tunnel-lab.com")
		time.sleep(5)   # of one client and zone no more is called for at once
		tap.ok(send(here, "tunnel-lab.com", 3000, 600)[1] < 600, "without the allow it is cut off again")
		lab.wait_for(lambda: flags(here, state="denied"), "the flag")
		tap.equal(verdictctl(here, "revoke", str(flags(here)[0]["override"]))[0], 0, "a denial can be revoked by its number")
		tap.equal(flags(here), [], "and the flag ends with it")
		tap.equal(rcode(here, "b.tunnel-lab.com", VICTIM), "NOERROR", "and the client gets answers")


def reload_with(here, *change):
	with open(here.path("verdict.conf")) as file:
		text = file.read()
	here.write("verdict.conf", text.replace(*change))
	return verdictctl(here, "reload")[0]


def the_same_by_a_file(tap, here):
	"""Without a command: the denial is not only without effect, but gone, though nobody asks."""
	tap.equal(reload_with(here, "action: observe", "action: block"), 0, "blocking again")
	send(here, "tunnel-lab.com", 6000, 600)
	lab.wait_for(lambda: flags(here, state="denied"), "the flag")
	override = flags(here)[0]["override"]
	with open(here.path("verdict.conf")) as file:
		text = file.read()
	here.write("verdict.conf", text.replace("action: block", "action: observe"))

	def revoked():
		with open(here.path("state/audit.log")) as audit:
			return any("revoke id=%d " % override in line for line in audit)
	lab.wait_for(revoked, "the denial to be taken out")
	lab.wait_for(lambda: not flags(here, state="denied"), "the flag to end with it")
	tap.equal(verdictctl(here, "overrides")[1]["overrides"], [], "a file that changes ends it for operators, too")


def a_denial_ends_with_its_detectors_action(tap):
	"""By verdictctl reload and by the resolver's own; what is cached obeys, too."""
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK)
		send(here, "tunnel-lab.com", 0, 600)
		lab.wait_for(lambda: flags(here, state="denied"), "the flag")
		override = flags(here)[0]["override"]
		tap.equal(rcode(here, "www.tunnel-lab.com", OTHER), "NOERROR", "another client's answer is kept")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NXDOMAIN", "and denied to this one")
		tap.equal(reload_with(here, "action: block", "action: observe"), 0, "the detector is to observe")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NOERROR", "the first question after that is answered")
		lab.wait_for(lambda: not verdictctl(here, "overrides")[1]["overrides"], "the denial to be taken out")
		lab.wait_for(lambda: not flags(here, state="denied"), "the flag to end with it")
		with open(here.path("state/audit.log")) as audit:
			lines = [line for line in audit if "revoke id=%d " % override in line]
		tap.ok(len(lines) == 1 and "does not block any more" in lines[0], "the audit tells why", lines)
		the_same_by_a_file(tap, here)
		tap.equal(reload_with(here, "action: observe", "action: block"), 0, "it is to block again")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NOERROR", "which brings nothing back")
		send(here, "quiet-lab.com", 4000, 600)
		lab.wait_for(lambda: flags(here, zone="quiet-lab.com", state="denied"), "another flag")
		with open(here.path("verdict.conf")) as file:
			text = file.read()
		here.write("verdict.conf", text.replace(BLOCK, ""))
		here.control("reload")
		here.wait_ready(2)
		tap.equal(rcode(here, "www.quiet-lab.com", VICTIM), "NOERROR", "without detectors nothing of them is denied")
		lab.wait_for(lambda: not verdictctl(here, "overrides")[1]["overrides"], "the denial to be taken out")


def flags_and_memory_outlive_a_restart(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK)
		send(here, "quiet-lab.com", 0, 20, OTHER)
		send(here, "tunnel-lab.com", 0, 600)
		lab.wait_for(lambda: flags(here, state="denied"), "the flag")
		before = flags(here)
		here.unbound.stop()
		tap.equal(oct(os.stat(here.path("state/detectors")).st_mode & 0o777), "0o600", "the file is the resolver's alone")
		here.launch_unbound()
		here.wait_ready()
		tap.equal([(f["zone"], f["client"], f["features"], f["override"], f["until"]) for f in flags(here)],
			[(f["zone"], f["client"], f["features"], f["override"], f["until"]) for f in before], "flags come back")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NXDOMAIN", "the client stays cut off")
		send(here, "quiet-lab.com", 100, 64, OTHER)   # of 76 that it takes
		lab.wait_for(lambda: flags(here, zone="quiet-lab.com", state="denied"), "what was sent before to count")
		here.unbound.stop()
		with open(here.path("state/detectors"), "r+b") as file:
			file.seek(300)
			file.write(b"damage")
		here.launch_unbound()
		here.wait_ready()
		tap.ok("its checksum is wrong; it is now" in here.unbound.output(), "a damaged file is said in the log")
		tap.ok(os.path.exists(here.path("state/detectors.damaged")), "and set aside")
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NXDOMAIN", "denials stand without it")


def views(here, zone):
	"""What operators are shown of a zone: flags of it, those that explain shows, and the verdict on a name in it."""
	told = verdictctl(here, "explain", "--live", "www." + zone, "--client", VICTIM)[1]
	return ([flag["state"] for flag in flags(here, zone=zone)], [flag["state"] for flag in told["behaviour"]["flags"]], told["verdict"])


def flags_after_a_restart_are_those_that_are_in_force(tap):
	"""In the operators' view and for clients: also when the denial of one was taken out while the resolver was away."""
	names = ("tunnel-lab.com", "quiet-lab.com")
	with lab.Lab(dict(ZONES)) as here:
		here.start(LISTS, raw=BLOCK)
		for zone in names:
			send(here, zone, 0, 600)
			lab.wait_for(lambda zone=zone: flags(here, zone=zone, state="denied"), "the flag of " + zone)
		gone = flags(here, zone="quiet-lab.com")[0]["override"]
		here.unbound.stop()
		with open(here.path("state/overrides")) as file:
			kept = json.load(file)
		kept["overrides"] = [one for one in kept["overrides"] if one["id"] != gone]
		here.write("state/overrides", json.dumps(kept))
		here.launch_unbound()
		here.wait_ready()
		tap.equal(views(here, "tunnel-lab.com"), (["denied"], ["denied"], "nxdomain"), "a flag with its denial is in force at once")
		tap.equal(views(here, "quiet-lab.com"), ([], [], "allow"), "one without has ended")
		counts = verdictctl(here, "status")[1]["detectors"]["flags"]
		tap.equal((counts["in_force"], counts["denied"]), (1, 1), "and is not counted")
		tap.equal([rcode(here, "www." + zone, VICTIM) for zone in names], ["NXDOMAIN", "NOERROR"], "clients get what operators are told")
		here.unbound.stop()
		with open(here.path("verdict.conf")) as file:
			text = file.read()
		here.write("verdict.conf", text.replace("action: block", "action: observe"))
		here.launch_unbound()
		here.wait_ready()
		tap.equal(rcode(here, "www.tunnel-lab.com", VICTIM), "NOERROR", "started with a detector that observes: nothing of it is denied")
		lab.wait_for(lambda: views(here, "tunnel-lab.com") == ([], [], "allow"), "the flag to end with it")


if __name__ == "__main__":
	lab.require()
	tap.run(a_tunnel_is_cut_off, popular_and_approved_zones_are_left_alone, shadow_only_says_it, alert_changes_nothing,
		an_allow_ends_it_and_keeps_it_away, a_denial_ends_with_its_detectors_action, flags_and_memory_outlive_a_restart,
		flags_after_a_restart_are_those_that_are_in_force)
