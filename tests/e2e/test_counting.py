#!/usr/bin/python3
"""Answers given = frames received, by every path and transport; and no mode of `frames:` shows gaps that are none."""

import collections
import json
import os
import random
import re
import socket
import subprocess
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

import ledger
import lab
import tap
import transports
import volley

ZONES = {"example": """$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
big TXT "%s"
* A 192.0.2.80
""" % '" "'.join("x" * 200 for _ in range(12))}
LISTS = [
	{"name": "refuse", "format": "domains", "action": "refuse", "lines": ["r.example"]},
	{"name": "drop", "format": "domains", "action": "drop", "lines": ["d.example"]},
	{"name": "truncate", "format": "domains", "action": "truncate", "lines": ["t.example"]},
	{"name": "sink", "format": "domains", "action": "sinkhole", "sinkhole-address": "192.0.2.1", "lines": ["s.example"]},
]
LOCAL = '\tlocal-zone: "home.test." static\n\tlocal-data: "pc.home.test. A 192.0.2.9"\n'
# what is asked: path of its frame, verdict, response code (None: no answer)
KINDS = {
	"w%d.example": ("resolved", "allow", "NOERROR"),
	"w0.example": ("cached", "allow", "NOERROR"),
	"r.example": ("resolved", "refuse", "REFUSED"),
	"s.example": ("resolved", "sinkhole", "NOERROR"),
	"d.example": ("dropped", "drop", None),
	"t.example": ("resolved", "truncate", "NOERROR"),
	"pc.home.test": ("local", "allow", "NOERROR"),
	"none.home.test": ("local", "allow", "NXDOMAIN"),
	"x%d.lame.test": ("servfail", "allow", "SERVFAIL"),
}


def gaps(paths):
	"""Of verdictctl: exit code and the reports."""
	done = subprocess.run([lab.VERDICTCTL, "tap", "--json", "--quiet", "--gaps", *paths], capture_output=True, text=True, timeout=60)
	return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def asked_of(here):
	"""How many questions Unbound counts."""
	return int(float(here.statistics()["total.num.queries"]))


def asked(way, here, name, **options):
	"""The response code as text; None: no answer."""
	try:
		answer = way(here, name, options.pop("qtype", "A"), "127.0.0.1", **options)
	except (OSError, EOFError):
		return None
	return answer and dns.rcode.to_text(answer.rcode())


def every_path_and_transport(tap, module):
	with lab.Lab(ZONES) as here:
		ways, missing = transports.all_of_them()
		for way, reason in missing.items():
			tap.skip("answers by %s" % way, reason)
		here.start_nsd()
		here.start_capture()
		here.policy(LISTS, raw="\theartbeat-interval: 1\n")
		here.start_unbound(module=module, threads=2, server=LOCAL + transports.server(here))
		volley.udp(here.port, [("w0.example", "A")])
		expected, wrong = collections.Counter({("resolved", "allow", None): 1}), []
		for number, (label, way) in enumerate(ways.items()):
			for name, (path, verdict, rcode) in KINDS.items():
				if verdict == "drop" and label != "UDP":
					continue   # it closes a connection, and behind a proxy it is the same
				if verdict == "truncate" and "UDP" not in label:
					verdict = "pass"
				got = asked(way, here, name % (number + 1) if "%" in name else name, **({"timeout": 0.5} if verdict == "drop" else {}))
				expected[path, verdict, label] += 1
				if got != rcode:
					wrong.append("%s %s: %s, not %s" % (label, name, got, rcode))
		tap.ok(not wrong, "%s: each question is answered as it should be" % module, "\n".join(wrong))
		large = dns.message.make_query("big.example", "TXT", use_edns=0, payload=512)
		answer = dns.query.udp(large, "127.0.0.1", port=here.port, timeout=lab.PATIENCE)
		tap.ok(answer.flags & dns.flags.TC, "%s: an answer that does not fit is cut" % module, answer)
		chaos = here.ask("version.bind", "TXT", rdclass="CH")[0]
		tap.ok(chaos is not None, "%s: version.bind is answered" % module)
		expected["resolved", "allow", None] += 1
		expected["chaos", "allow", None] += 1
		lab.wait_for(lambda: asked_of(here) >= sum(expected.values()), "the questions that nobody waits for")
		queries = asked_of(here)
		here.finish()
		captured = here.captured()
		count = collections.Counter((frame.extra["path"], frame.extra["verdict"]) for frame in captured)
		want = collections.Counter()
		for (path, verdict, _), number in expected.items():
			want[path, verdict] += number
		tap.equal(dict(count), dict(want), "%s: one frame for each answer, by path and verdict" % module)
		tap.equal(len(captured), queries, "%s: as many as Unbound counts" % module)
		protocols = collections.Counter(frame.protocol for frame in captured)
		tap.equal({3, 4} & set(protocols), {3, 4} & {{"DoT": 3, "DoH": 4}.get(way) for way in ways}, "%s: over DoT and DoH, too" % module)
		tap.equal(ledger.Ledger([here.capture_file]).missing(), 0, "%s: no number is missing" % module)
		tap.equal(gaps([here.capture_file])[0], 0, "%s: verdictctl tap --gaps agrees" % module)


def by_every_path(tap):
	every_path_and_transport(tap, "dynlib validator iterator")


def by_every_path_with_respip(tap):
	every_path_and_transport(tap, "dynlib respip validator iterator")


def an_answer_that_can_not_be_encoded(tap):
	"""It has two frames: the later one of the same client, port and message id tells what was sent."""
	library = os.path.join(lab.BUILDDIR, "tests/e2e/.libs/no_memory.so")
	with open(os.path.join(lab.SBIN, "unbound"), "rb") as file:
		instrumented = b"__asan_init" in file.read() or "VERDICT_SLOW" in os.environ
	if not os.path.exists(library) or instrumented:
		tap.skip("an answer that can not be encoded", "needs %s, and an Unbound without sanitizers" % library)
		return
	many = "".join("many MX 10 host%03d.elsewhere.\n" % number for number in range(110))   # compression ends at 120
	with lab.Lab({"example": ZONES["example"] + many}) as here:
		here.start_nsd()
		here.start_capture()
		here.policy(LISTS, raw="\theartbeat-interval: 1\n")
		# Its size is that of a worker's scratch region, too.
		here.unbound_conf(server="\tmsg-buffer-size: 4096\n")
		here.launch_unbound(wrapper=("env", "LD_PRELOAD=" + library, "NO_MEMORY=" + here.path("none")))
		here.wait_ready()
		answers = []
		for none in (False, False, True, False):
			if none:
				here.write("none", "")
			question = dns.message.make_query("many.example", "MX")
			answers.append((question.id, dns.rcode.to_text(dns.query.tcp(question, "127.0.0.1", port=here.port, timeout=lab.PATIENCE).rcode())))
			if none:
				os.unlink(here.path("none"))
		tap.equal([rcode for _, rcode in answers], ["NOERROR", "NOERROR", "SERVFAIL", "NOERROR"], "without memory the answer is SERVFAIL")
		queries = asked_of(here)
		here.finish()
		captured = here.captured()
		last = {frame.query.id: frame for frame in captured}
		tap.equal([frame.extra["path"] for frame in captured], ["resolved", "cached", "cached", "servfail", "cached"],
			"it has two frames, and the later one is the SERVFAIL")
		tap.equal([(number, dns.rcode.to_text(last[number].response.rcode())) for number, _ in answers], answers,
			"the last frame of a question tells what was sent")
		pair = [frame for frame in captured if frame.query.id == answers[2][0]]
		tap.equal(len({(frame.client, frame.client_port) for frame in pair}), 1, "of the same client and port")
		tap.equal((queries, len(last)), (4, 4), "as many questions as Unbound counts")
		tap.equal(gaps([here.capture_file])[0], 0, "verdictctl tap --gaps: no number is missing")


def mixed(count, seed):
	chance = random.Random(seed)
	return [("h%d.%s" % (chance.randrange(300), chance.choice(["r.example", "example", "example", "example"])), "A") for _ in range(count)]


def no_mode_shows_gaps_that_are_none(tap):
	for mode, rate in (("all", ""), ("verdicts", ""), ("sample", "\tsample-rate: 7\n")):
		with lab.Lab(ZONES) as here:
			here.start_nsd()
			here.start_capture()
			here.policy(LISTS, frames_mode=mode, raw="\theartbeat-interval: 1\n" + rate)
			here.start_unbound(threads=2)
			questions = mixed(3000, mode)
			volley.udp(here.port, questions, sockets=8)
			here.control("reload")
			here.wait_ready(2)
			volley.udp(here.port, questions, sockets=8)
			here.finish(beats=2)
			here.end_capture()
			code, reports = gaps([here.capture_file])
			rows = [row for row in reports if row["report"] == "gaps"]
			tap.equal((code, sum(row["missing"] for row in rows)), (0, 0), "frames: %s: nothing is missing" % mode)
			tap.equal(sum(row["frames"] + row["left_out"] for row in rows), 2 * len(questions), "frames: %s: all answers are accounted for" % mode)
			tap.ok(all(row["told"] for row in rows), "frames: %s: to the last one" % mode, rows)
			some_lost(tap, here, mode, rows)


def answered(here, name):
	"""Response code, data and EDE; an incident number without the part that is of the boot."""
	question = dns.message.make_query(name, "A", use_edns=0)
	try:
		answer = dns.query.udp(question, "127.0.0.1", port=here.port, timeout=0.5 if "d.example" in name else lab.PATIENCE)
	except dns.exception.Timeout:
		return None
	code, text = lab.ede(answer) or (None, None)
	return dns.rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.TC), lab.rdata(answer), code, re.sub("incident [0-9a-f]+", "incident", text or "")


def counted(here):
	done = subprocess.run([lab.VERDICTCTL, "stats", "--json", "--config", here.path("verdict.conf")], capture_output=True, text=True, timeout=60)
	found = json.loads(done.stdout)
	return {part: found[part] for part in ("answers", "verdicts", "lists")}


DETECTION = 'detection:\n\tpublic-suffix-list: "/usr/share/publicsuffix/public_suffix_list.dat"\n'


def many_kinds():
	"""Lists, zone and questions: what is denied by the question or the answer, observed, passed, in shadow, or in no list."""
	chance = random.Random(1)
	zone = ZONES["example"] + "to-r CNAME www.r.example.\nto-w CNAME w0\nhit A 203.0.113.5\n"
	lists = LISTS + [
		{"name": "pass", "format": "domains", "action": "pass", "lines": ["p.example"]},
		{"name": "watch", "format": "domains", "action": "observe", "lines": ["o.example"]},
		{"name": "shadow", "format": "domains", "action": "nxdomain", "shadow": "yes", "lines": ["h.example"]},
		{"name": "n" * 63, "format": "rpz", "lines": ["$TTL 60", "n.example CNAME .", "*.n.example CNAME *.", "24.0.113.0.203.rpz-ip CNAME ."]},
	]
	names = ["%s%s.example" % (chance.choice(("", "", "a.", "B.a.", "x%d." % chance.randrange(9))), chance.choice("rRstpohnNw"))
		for _ in range(400)]
	names += ["to-r.example", "to-w.example", "hit.example", "HIT.example", "inside.rebind-lab.com", "d.example", "pc.home.test", "none.home.test"] * 2
	names.append("x1.lame.test")
	inside = "$ORIGIN rebind-lab.com.\n$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\ninside A 10.1.2.3\n"
	return lists, {"example": zone, "rebind-lab.com": inside}, names


def told_of(here):
	"""The question and what was done, of each frame with a verdict; the question of each without, that detectors speak of; and of
	each that nothing is said of."""
	verdicts, detected, plain = [], [], []
	for frame in lab.frames.read(here.frames_file):
		extra = frame.extra or {}
		if "seq" not in extra:
			continue
		name = str(frame.query.question[0].name).lower()
		if extra["verdict"] != "allow" or "shadow" in extra:
			verdicts.append((name, extra["path"], extra["verdict"], extra.get("list"), extra.get("ede")))
		else:
			(detected if "detections" in extra else plain).append(name)
	return sorted(verdicts, key=str), detected, plain


def what_is_told_of_changes_no_answer_and_no_count(tap):
	lists, zones, names = many_kinds()
	told, counts, frames = {}, {}, {}
	ways = {"all frames": ("all", True, ""), "none": ("all", False, ""), "verdicts": ("verdicts", True, ""),
		"none, with detectors": ("all", False, DETECTION), "verdicts, with detectors": ("verdicts", True, DETECTION)}
	for way, (mode, file, raw) in ways.items():
		with lab.Lab(dict(zones)) as here:
			here.start_nsd()
			here.policy(lists, frames_mode=mode, socket_path=False, file=file, raw=raw)
			here.start_unbound(server=LOCAL)
			told[way] = [answered(here, name) for name in names]
			counts[way] = counted(here)
			here.finish() if file else here.unbound.stop()
			frames[way] = told_of(here) if file else None
	wanted = told["all frames"]
	tap.ok(len({answer[0] for answer in wanted if answer}) >= 4, "answers of many kinds", wanted)
	for way in list(ways)[1:]:
		differ = [(name, *pair) for name, *pair in zip(names, wanted, told[way]) if pair[0] != pair[1]]
		tap.equal(differ[:5], [], "%s: each answer and its EDE are what they are with all frames" % way)
		tap.equal(counts[way], counts["all frames"], "%s: and so are the counters of paths, verdicts and lists" % way)
		if frames[way] is not None:
			tap.equal(frames[way][0], frames["all frames"][0], "%s: each verdict has its frame" % way)
			tap.equal(frames[way][2], [], "%s: and what is plain has none" % way)
	tap.ok("inside.rebind-lab.com." in frames["verdicts, with detectors"][1], "what detectors speak of has its frame",
		frames["verdicts, with detectors"][1])


def silent_authority(here):
	"""Takes questions and answers none."""
	sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

	def bound():
		try:
			sock.bind(("127.0.0.1", here.nsd_port))
			return True
		except OSError:
			return False
	lab.wait_for(bound, "NSD's port")
	return sock


def an_expired_answer_that_no_guard_has_seen_is_judged(tap):
	"""It leaves while the authority is still waited for."""
	for way, raw, file in (("without frames", "", False), ("without detectors", "", True), ("with detectors", DETECTION, True)):
		with lab.Lab({"example": ZONES["example"] + "watched 1 A 192.0.2.7\nplain 1 A 192.0.2.8\n"}) as here:
			here.start_nsd()
			here.policy([{"name": "watch", "format": "cidr", "action": "observe", "lines": ["192.0.2.7/32"]}], frames_mode="verdicts",
				socket_path=False, file=file, raw=raw)
			here.start_unbound(server="\tserve-expired: yes\n\tserve-expired-ttl: 0\n\tserve-expired-client-timeout: 100\n")
			names = ["watched.example", "plain.example"]
			first = [answered(here, name) for name in names]
			here.nsd.stop()
			with silent_authority(here):
				time.sleep(2.1)
				tap.equal([answered(here, name) for name in names], first, "%s: expired, and answered with it" % way)
				counts = counted(here)
				tap.equal((counts["answers"]["resolved"], counts["verdicts"]["observe"]), (4, 2), "%s: counted as judged" % way)
				if not file:
					continue
				here.finish()
			verdicts, _, plain = told_of(here)
			tap.equal([row[:4] for row in verdicts], [("watched.example.", "resolved", "observe", "watch")] * 2,
				"%s: what a rule is about has its frames" % way)
			tap.equal(plain, [], "%s: the other has none" % way)


def some_lost(tap, here, mode, rows):
	"""The same file without some of its frames."""
	with open(here.capture_file, "rb") as file:
		octets = file.read()
	kept, dropped = octets[:42], 0   # START
	for number, frame in enumerate(dict.fromkeys(lab.frames.stream(octets))):
		if number % 40 == 20 and b'"seq":' in frame and b'"heartbeat":' not in frame:
			dropped += 1
			continue
		kept += len(frame).to_bytes(4, "big") + frame
	path = here.path("less.fstrm")
	with open(path, "wb") as file:
		file.write(kept)
	code, reports = gaps([path])
	tap.equal((code, sum(row["missing"] for row in reports if row["report"] == "gaps")), (1, dropped),
		"frames: %s: what is taken out is missing, %d frames" % (mode, dropped))


if __name__ == "__main__":
	lab.require()
	tap.run(by_every_path, by_every_path_with_respip, an_answer_that_can_not_be_encoded, no_mode_shows_gaps_that_are_none,
		what_is_told_of_changes_no_answer_and_no_count, an_expired_answer_that_no_guard_has_seen_is_judged)
