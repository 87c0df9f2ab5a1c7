#!/usr/bin/python3
"""The real Unbound opens a compiled policy, and reads lists exactly when it has to."""

import json
import os
import re
import subprocess

import dns.message
import dns.query
import dns.rcode

import lab
import tap

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
NAMES = ["name%d.example" % i for i in range(20)]


def a_list(first):
	return [{"name": "one", "format": "domains", "action": "refuse", "lines": [first] + NAMES}]


def replace(here, lines, name="list-one"):
	here.write(name + ".new", "\n".join(lines) + "\n")
	os.rename(here.path(name + ".new"), here.path(name))


def rcode(here, name):
	query = dns.message.make_query(name, "A")
	return dns.rcode.to_text(dns.query.udp(query, "127.0.0.1", port=here.port, timeout=lab.PATIENCE).rcode())


def wait_said(here, pattern):
	return lab.wait_for(lambda: re.search(pattern, here.unbound.output()), "the log to say " + pattern)


def verdictctl(here, *arguments):
	option = "--policy" if arguments[0] == "compile" else "--config"
	done = subprocess.run([lab.VERDICTCTL] + list(arguments) + ["--json", option, here.path("verdict.conf")],
		capture_output=True, text=True, timeout=60)
	return done.returncode, json.loads(done.stdout)


def compile_here(here):
	"""The resolver's own, whoever that is."""
	code, answer = verdictctl(here, "compile")
	if code == 0:
		state = os.stat(os.path.dirname(answer["file"]))
		os.chown(answer["file"], state.st_uid, state.st_gid)
	return code, answer


def policy_of(here):
	return verdictctl(here, "status")[1]["policy"]


def opened_until_a_list_changes(tap):
	with lab.Lab(ZONES) as here:
		here.start(a_list("one.example"), raw="verdict:\n\twatch: no\n\tdeny-share-max: 100%\n")
		tap.equal(policy_of(here)["from"], "text", "without a compiled file the lists are read")
		code, answer = compile_here(here)
		tap.ok(code == 0 and answer["rules"] == 21, "verdictctl compile writes it", str(answer))
		verdictctl(here, "reload")
		policy = policy_of(here)
		tap.equal([policy["from"], policy["rules"]], ["compiled", 21], "and a reload opens it")
		wait_said(here, r"policy 2 \([^)]*, compiled\): 1 lists, 21 rules")
		tap.equal([rcode(here, "one.example"), rcode(here, "two.example")], ["REFUSED", "NOERROR"], "what it denies is denied")
		replace(here, ["two.example"] + NAMES)
		verdictctl(here, "reload")
		policy = policy_of(here)
		tap.equal(policy["from"], "text", "a list that changed is read")
		tap.ok("list-one changed" in policy["compiled_wrong"], "and status says why", str(policy))
		wait_said(here, r"the compiled policy was not used, the lists were read: .*list-one changed")
		tap.equal([rcode(here, "one.example"), rcode(here, "two.example")], ["NOERROR", "REFUSED"], "and in force")
		compile_here(here)
		verdictctl(here, "reload")
		tap.equal(policy_of(here)["from"], "compiled", "compiled again, it is opened again")
		tap.equal(rcode(here, "two.example"), "REFUSED", "and says the same")


def damage_is_refused_and_the_lists_are_read(tap):
	with lab.Lab(ZONES) as here:
		here.start(a_list("one.example"), raw="verdict:\n\twatch: no\n")
		code, answer = compile_here(here)
		with open(answer["file"], "r+b") as file:
			file.seek(-9, os.SEEK_END)
			octet = file.read(1)
			file.seek(-1, os.SEEK_CUR)
			file.write(bytes([octet[0] ^ 1]))
		verdictctl(here, "reload")
		policy = policy_of(here)
		tap.equal(policy["from"], "text", "a damaged file is not used")
		tap.ok(re.search(r"offset \d+: .*damaged", policy["compiled_wrong"]), "and the offset is told", str(policy))
		compile_here(here)
		os.chmod(answer["file"], 0o644)
		verdictctl(here, "reload")
		tap.ok("mode 0644" in policy_of(here).get("compiled_wrong", ""), "nor is one that everybody can read")
		tap.equal(rcode(here, "one.example"), "REFUSED", "the policy is in force whatever happens")


def the_next_start_opens_it_and_the_file_wakes_nobody(tap):
	with lab.Lab(ZONES) as here:
		here.start(a_list("one.example"))
		compile_here(here)
		# What the watch would do comes before the next change that it does see.
		replace(here, ["two.example"] + NAMES)
		wait_said(here, r"policy 2 \(files changed\)")
		tap.equal(here.unbound.output().count("files changed"), 1, "a compiled file that appears is no change")
		compile_here(here)
		here.unbound.stop()
		here.start_unbound()
		wait_said(here, r"policy 1 \(start, compiled\): 1 lists, 21 rules")
		tap.equal(rcode(here, "two.example"), "REFUSED", "and the next start opens it")


if __name__ == "__main__":
	lab.require()
	tap.run(opened_until_a_list_changes, damage_is_refused_and_the_lists_are_read,
		the_next_start_opens_it_and_the_file_wakes_nobody)
