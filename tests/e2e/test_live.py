#!/usr/bin/python3
"""What operators do to a running Unbound by verdictctl: overrides, flush, explain, metrics, and the log of denials."""

import collections
import json
import os
import random
import re
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode

import lab
import tap

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
LISTS = [{"name": "malware", "format": "domains", "action": "refuse", "lines": ["evil.example", "worse.example"]}]
LIVE = 'verdict:\n\tdenial-log: "%s"\n\tprotected-name: "bank.example"\n'
ELSEWHERE = "127.0.9.1"


def verdictctl(here, *arguments):
	"""Exit code, what --json printed, and complaints."""
	done = subprocess.run([lab.VERDICTCTL, *arguments, "--json", "--config", here.path("verdict.conf")], capture_output=True,
		text=True, timeout=60)
	return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def text_of(here, name):
	with open(here.path(name)) as file:
		return file.read()


def rcode(here, name, **options):
	return dns.rcode.to_text(here.ask(name, **options)[0].rcode())


def start(here, **more):
	here.start(LISTS, raw=LIVE % here.path("denials.log"), **more)


def overrides_take_effect_for_what_is_cached(tap):
	with lab.Lab(ZONES) as here:
		start(here, threads=2)
		for name in ("www.good.example", "www.bank.example"):
			tap.equal(rcode(here, name), "NOERROR", name + " is resolved")
		tap.ok(here.cached("www.good.example"), "and cached")
		code, found, wrong = verdictctl(here, "deny", "good.example", "--for", "1h", "--why", "a test")
		tap.equal((code, wrong), (0, ""), "deny")
		tap.ok(found["load"]["sweep"]["messages_removed"] >= 1, "swept it out of the cache", str(found))
		for _ in range(20):
			tap.equal(rcode(here, "www.good.example"), "NXDOMAIN", "it is denied at once")
		tap.equal(rcode(here, "evil.example"), "REFUSED", "a list denies another")
		tap.equal(verdictctl(here, "allow", "evil.example", "--for", "1h", "--why", "a test", "--client", "127.0.9.0/24")[0], 0, "allow")
		for _ in range(5):
			tap.equal(rcode(here, "evil.example", client=ELSEWHERE), "NOERROR", "allowed to some")
			tap.equal(rcode(here, "evil.example"), "REFUSED", "and to nobody else")
		code, found, wrong = verdictctl(here, "deny", "example", "--for", "1h", "--why", "a test")
		tap.equal(code, 1, "a protected name cannot be denied")
		tap.ok("protected" in wrong and "bank.example" in wrong, "and that is said", wrong)
		tap.equal(rcode(here, "www.bank.example"), "NOERROR", "it is still there")
		code, found, _ = verdictctl(here, "explain", "--live", "www.good.example")
		tap.equal((code, found["verdict"], found["rules"][0]["override"]["why"]), (1, "nxdomain", "a test"), "explain --live tells of it")
		code, found, _ = verdictctl(here, "explain", "--live", "evil.example", "--client", ELSEWHERE)
		tap.equal((code, found["verdict"]), (0, "pass"), "and of the client's")
		tap.equal(verdictctl(here, "revoke", "good.example")[0], 0, "revoke")
		tap.equal(rcode(here, "www.good.example"), "NOERROR", "resolved again")
		tap.equal([row["name"] for row in verdictctl(here, "overrides")[1]["overrides"]], ["evil.example"], "one is left")


def overrides_survive_and_end(tap):
	with lab.Lab(ZONES) as here:
		start(here)
		verdictctl(here, "deny", "good.example", "--for", "1h", "--why", "a test")
		verdictctl(here, "deny", "short.example", "--for", "10s", "--why", "a test")
		tap.equal(rcode(here, "short.example"), "NXDOMAIN", "denied for ten seconds")
		tap.equal(here.control("reload")[0], 0, "reload of the resolver")
		lab.wait_for(lambda: verdictctl(here, "status")[0] == 0, "the control socket")
		tap.equal(rcode(here, "good.example"), "NXDOMAIN", "still denied after it")
		lab.wait_for(lambda: rcode(here, "short.example") == "NOERROR", "the short one to end")
		here.unbound.stop()
		here.start_unbound()
		tap.equal(rcode(here, "good.example"), "NXDOMAIN", "and after a start")
		tap.equal(rcode(here, "short.example"), "NOERROR", "what has ended has ended")
		here.finish()
		audit = [line.split()[1] for line in text_of(here, "state/audit.log").splitlines()]
		tap.equal(audit, ["deny", "deny", "end"], "the audit log has each")
		rules = {frame.extra.get("rule") for frame in here.captured() if frame.extra.get("list") == "(override)"}
		tap.equal(rules, {"good.example", "short.example"}, "frames tell of overrides")


def a_name_is_flushed(tap):
	with lab.Lab(ZONES) as here:
		start(here)
		for name in ("a.flush.example", "b.flush.example", "c.example"):
			rcode(here, name)
		code, found, wrong = verdictctl(here, "flush", "a.flush.example")
		tap.equal((code, wrong), (0, ""), "flush")
		tap.equal([here.cached(name) for name in ("a.flush.example", "b.flush.example")], [False, True], "that name alone")
		verdictctl(here, "flush", "flush.example", "--below")
		tap.equal([here.cached(name) for name in ("b.flush.example", "c.example")], [False, True], "and with --below what is below")


def has_open(here, name):
	"""Is it a file that the resolver has open?"""
	folder = "/proc/%d/fd" % here.unbound.pid
	return here.path(name) in (os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder)
		if os.path.lexists(os.path.join(folder, fd)))


def denials_are_logged_and_counted(tap):
	with lab.Lab(ZONES) as here:
		start(here)
		for _ in range(3):
			rcode(here, "evil.example")
		rcode(here, "good.example")
		log = lab.wait_for(lambda: text_of(here, "denials.log").count("\n") == 3 and text_of(here, "denials.log"), "three lines")
		tap.ok(re.match(r"time=\S+Z client=127\.0\.0\.1 name=evil\.example type=A action=refuse list=malware rule=evil\.example "
			r"trigger=QNAME ede=\d+ incident=[0-9a-f]{12}\.\d+\.\d+\n", log), "each tells who, what and why", log)
		os.rename(here.path("denials.log"), here.path("denials.log.1"))
		tap.equal(verdictctl(here, "log-reopen")[0], 0, "log-reopen")
		lab.wait_for(lambda: not has_open(here, "denials.log.1"), "the old file to be closed")
		rcode(here, "worse.example")
		lab.wait_for(lambda: os.path.exists(here.path("denials.log")) and text_of(here, "denials.log").count("\n") == 1, "a line in the new file")
		code, found, _ = verdictctl(here, "stats")
		tap.equal([(row["list"], row["action"], row["trigger"], row["count"]) for row in found["lists"]],
			[("malware", "refuse", "QNAME", 4)], "the list's counter")
		tap.equal(found["verdicts"]["refuse"], 4, "the action's")
		code, found, _ = verdictctl(here, "metrics")
		tap.ok('\nunbound_verdict_list_matches_total{list="malware",action="refuse",trigger="QNAME"} 4\n' in found["text"], "metrics")
		code, found, _ = verdictctl(here, "status")
		tap.equal((code, found["policy"]["rules"], [row["name"] for row in found["lists"]]), (0, 2, ["malware"]), "status")


def recent_questions_are_a_recording(tap):
	groups = 'client-group:\n\tname: "branch"\n\tnetwork: %s/32\n' % ELSEWHERE
	with lab.Lab(ZONES) as here:
		here.start(LISTS, raw=LIVE % here.path("denials.log") + groups, threads=2)
		for _ in range(64):
			rcode(here, "www.good.example")
			rcode(here, "www.good.example", client=ELSEWHERE)
			rcode(here, "evil.example", client=ELSEWHERE)
		code, found, wrong = verdictctl(here, "recent")
		tap.equal((code, wrong), (0, ""), "recent")
		asked = {(row["name"], row["type"], row["group"]) for row in found["questions"]}
		tap.ok(asked and asked <= {("www.good.example", "A", "default"), ("www.good.example", "A", "branch"),
			("evil.example", "A", "branch")}, "names, types and groups", str(found))
		noted = sum(row["count"] for row in found["questions"]) * found["every"]
		tap.ok(192 - 2 * found["every"] <= noted <= 192, "one in eight of each thread", str(found))
		tap.ok("127.0" not in json.dumps(found), "no client's address", str(found))
		with open(here.path("new.conf"), "w") as file, open(here.path("verdict.conf")) as old:
			file.write(old.read() + 'policy-list:\n\tname: "new"\n\tfile: "new.txt"\n\tgroup: "branch"\n')
		here.write("new.txt", "good.example\n")
		recording = subprocess.run([lab.VERDICTCTL, "recent", "--config", here.path("verdict.conf")], capture_output=True,
			text=True, timeout=60).stdout
		done = subprocess.run([lab.VERDICTCTL, "diff", "--json", "--queries", "-", here.path("verdict.conf"), here.path("new.conf")],
			input=recording, capture_output=True, text=True, timeout=60)
		questions = json.loads(done.stdout)["questions"] if done.stdout else {}
		wanted = sum(row["count"] for row in found["questions"] if (row["name"], row["group"]) == ("www.good.example", "branch"))
		tap.equal((questions.get("newly_denied"), questions.get("unreadable"), questions.get("unknown_group")), (wanted, 0, 0),
			"diff reads it, and judges it for the group")
		tap.equal((done.returncode, done.stderr), (int(wanted > 0), ""), "and says so")


def recent_questions_keep_their_group_over_reloads(tap):
	group = 'client-group:\n\tname: "%s"\n\tnetwork: %s/32\n'
	asked = lambda: {row["group"] for row in verdictctl(here, "recent")[1]["questions"]}
	with lab.Lab(ZONES) as here:
		here.start(LISTS, raw=LIVE % here.path("denials.log") + group % ("branch", ELSEWHERE) + group % ("kiosk", "192.0.2.1"))
		for _ in range(16):
			rcode(here, "www.good.example", client=ELSEWHERE)
		tap.equal(asked(), {"branch"}, "before")
		for groups, why in ((group % ("kiosk", "192.0.2.1") + group % ("branch", ELSEWHERE), "numbers changed"),
				(group % ("kiosk", ELSEWHERE), "the group is gone"), ("", "there are no groups")):
			with open(here.path("verdict.conf")) as file:
				text = file.read()
			here.write("verdict.conf", text[:text.index("client-group:")] + groups + "# client-group:\n")
			code, answer, wrong = verdictctl(here, "reload")
			tap.equal((code, asked()), (0, {"branch"}), why)


def counters(here):
	found = {}
	for line in verdictctl(here, "metrics")[1]["text"].splitlines():
		name, value = line.rsplit(" ", 1)
		if not line.startswith("#") and name.split("{")[0].endswith("_total"):
			found[name] = float(value)
	return found


def counters_go_on_over_reloads_of_the_resolver(tap):
	prefix = "unbound_verdict_"
	with lab.Lab(ZONES) as here:
		start(here)
		for name in ("evil.example", "good.example", "evil.example"):
			rcode(here, name)
		frames = prefix + "frames_total", prefix + 'target_frames_written_total{target="file"}'
		lab.wait_for(lambda: counters(here)[prefix + "denial_log_lines_total"] == 2 and counters(here)[frames[1]] >= 3, "what was asked")
		before = counters(here)
		for again in range(2):
			tap.equal(here.control("reload")[0], 0, "reload of the resolver")
			lab.wait_for(lambda: verdictctl(here, "status")[0] == 0, "the control socket")
			rcode(here, "evil.example")
			lab.wait_for(lambda: counters(here)[prefix + "denial_log_lines_total"] >= 3 + again, "a line")
		lab.wait_for(lambda: counters(here)[frames[1]] >= before[frames[1]] + 2, "its frame in the file")
		after = counters(here)
		tap.equal({name: (value, after.get(name)) for name, value in before.items() if after.get(name, -1) < value}, {},
			"no counter went back")
		tap.ok(all(after[name] >= before[name] + 2 for name in frames), "frames", str([(before[name], after[name]) for name in frames]))
		tap.equal(after[prefix + "denial_log_lines_total"], 4, "lines of the denial log")


def ask_on(path, stop, answered):
	"""Asks the control socket without a pause. Between two loads there is none, or it closes."""
	while not stop.is_set():
		for command in ("status", "stats", "metrics"):
			try:
				with socket.socket(socket.AF_UNIX) as sock:
					sock.settimeout(lab.PATIENCE)
					sock.connect(path)
					sock.sendall(b'{"command": "%s"}\n' % command.encode())
					answered[command] += json.loads(sock.makefile().read())["ok"]
			except (OSError, ValueError):
				pass


def what_is_counted_may_be_asked_for_while_the_resolver_loads(tap):
	"""Its caches are deleted and made anew then, one after the other."""
	stop, answered, loads = threading.Event(), collections.Counter(), 20
	with lab.Lab(ZONES) as here:
		start(here, threads=2)
		askers = [threading.Thread(target=ask_on, args=(here.path("state/control.sock"), stop, answered)) for _ in range(3)]
		for asker in askers:
			asker.start()
		try:
			for load in range(loads):
				rcode(here, "evil.example")
				here.control("reload")
				here.wait_ready(load + 2)
		except RuntimeError as error:
			tap.ok(False, "the resolver lives", str(error)[-2000:])
			return
		finally:
			stop.set()
			for asker in askers:
				asker.join()
		tap.ok(here.unbound.alive(), "the resolver lives")
		tap.ok(all(answered[command] > 0 for command in ("status", "stats", "metrics")), "all were answered", str(answered))
		tap.equal(verdictctl(here, "status")[0], 0, "and are")


GROUPS = 'client-group:\n\tname: kids\n\tnetwork: 127.0.9.0/24\nclient-group:\n\tname: room\n\tnetwork: 127.0.9.2\n\tparent: kids\n'
CLIENTS = ["127.0.0.1", "127.0.8.1", "127.0.9.1", "127.0.9.2"]


def random_lists(dice):
	"""What they say is drawn anew each time, and some are gone."""
	def names(count):
		return ["%st%d.example" % (dice.choice(["", "n%d." % dice.randrange(4)]), dice.randrange(4)) for _ in range(count)]
	def rpz(*records):
		return ["$ORIGIN rpz.", "$TTL 60", "@ SOA . . 1 60 60 999999999 60", "@ NS .", *records]
	lists = [
		{"name": "let", "format": "domains", "action": "pass", "lines": names(2)},
		{"name": "kids", "format": "domains", "action": "refuse", "group": "kids", "lines": names(3)},
		{"name": "room", "format": "wildcard", "action": "nodata", "group": "room", "lines": ["*." + name for name in names(3)]},
		{"name": "shadowed", "format": "domains", "shadow": "yes", "lines": names(3)},
		{"name": "sink", "format": "domains", "action": "sinkhole", "sinkhole-address": "192.0.2.66", "qtype": "A", "lines": names(2)},
		{"name": "watched", "format": "domains", "action": "observe", "lines": names(3)},
		{"name": "zone", "format": "rpz", "zone": "rpz", "lines": rpz(*["%s CNAME %s" % (name, dice.choice([".", "*.", "rpz-passthru.",
			"rpz-tcp-only."])) for name in sorted(set(names(4)))], "32.1.8.0.127.rpz-client-ip CNAME %s" % dice.choice([".", "*."]),
			"own.%s A 192.0.2.67" % dice.choice(names(1)))},
		{"name": "all", "format": "domains", "lines": names(4)},
	]
	return [entry for entry in lists if dice.random() < 0.8]


def answer_to(here, name, qtype, client):
	query = dns.message.make_query(name, qtype)
	answer = dns.query.udp(query, "127.0.0.1", port=here.port, timeout=lab.PATIENCE, source=client)
	return dns.rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.TC), sorted(lab.rdata(answer, qtype))


def answer_foretold(found, qtype):
	if found["verdict"] == "truncate":
		return "NOERROR", True, []
	if found["denied"]:
		return found["rcode"], False, sorted(line.split()[4] for line in found["answers"])
	return "NOERROR", False, ["192.0.2.80"] if qtype == "A" else []


def explain_and_the_resolver_agree(tap):
	seed = int(os.environ.get("SEED", time.time()))
	dice, wrong, verdicts = random.Random(seed), [], set()
	print("# SEED=%d" % seed)
	with lab.Lab(ZONES) as here:
		here.start(random_lists(dice), raw=GROUPS, threads=2, socket_path=False, file=False)
		ids = []
		for turn in range(240):
			name = "%s%st%d.example" % (dice.choice(["", "own."]), dice.choice(["", "n%d." % dice.randrange(4)]), dice.randrange(4))
			if turn % 60 == 59:
				here.policy(random_lists(dice), raw=GROUPS, socket_path=False, file=False)
				code, found, said = verdictctl(here, "reload", "--force")
				tap.equal((code, said), (0, ""), "reload")
			elif turn % 6 == 5 and ids and dice.random() < 0.4:
				verdictctl(here, "revoke", str(ids.pop(dice.randrange(len(ids)))))
			elif turn % 6 == 5:
				code, found, said = verdictctl(here, dice.choice(["allow", "deny"]), name, "--for", "1h", "--why", "x",
					*dice.choice([[], ["--client", "127.0.9.0/24"], ["--client", "127.0.9.2"]]))
				ids = [row for row in ids if row not in [gone["id"] for gone in found["removed"]]] + [found["override"]["id"]]
			client, qtype = dice.choice(CLIENTS), dice.choice(["A", "A", "TXT", "AAAA"])
			for _ in range(2):   # the second time perhaps from a cache
				found = verdictctl(here, "explain", "--live", "--client", client, name, qtype)[1]
				got, foretold = answer_to(here, name, qtype, client), answer_foretold(found, qtype)
				verdicts.add(found["verdict"])
				if got != foretold:
					wrong.append((turn, name, qtype, client, got, found))
	tap.equal(wrong, [], "what explain says is what the client gets")
	tap.ok(len(verdicts) > 3, "and there was something to say", str(verdicts))


def an_allow_that_ends_leaves_nothing_in_the_cache(tap):
	with lab.Lab(ZONES) as here:
		start(here, threads=2)
		code, found, wrong = verdictctl(here, "allow", "evil.example", "--for", "10s", "--why", "x")
		until = found["override"]["until"]
		tap.equal((rcode_now(here, "www.evil.example"), here.cached("www.evil.example")), ("NOERROR", True), "an answer is cached")
		lab.wait_for(lambda: rcode_now(here, "www.evil.example") != "NOERROR", "the allow to end", until + 30 - time.time())
		tap.ok(time.time() >= until, "a cached answer was given until its end")
		tap.equal({rcode_now(here, "www.evil.example") for _ in range(50)}, {"REFUSED"}, "and not after")
		tap.equal(verdictctl(here, "overrides")[1]["overrides"], [], "none is left")


def rcode_now(here, name):
	return answer_to(here, name, "A", "127.0.0.1")[0]


if __name__ == "__main__":
	lab.require()
	tap.run(overrides_take_effect_for_what_is_cached, overrides_survive_and_end, a_name_is_flushed, denials_are_logged_and_counted,
		recent_questions_are_a_recording, recent_questions_keep_their_group_over_reloads, explain_and_the_resolver_agree,
		counters_go_on_over_reloads_of_the_resolver, what_is_counted_may_be_asked_for_while_the_resolver_loads,
		an_allow_that_ends_leaves_nothing_in_the_cache)
