#!/usr/bin/python3
"""One frame for each answer, whatever the number of threads; and every reader understands the frames."""

import collections
import json
import random
import shutil
import subprocess

import frames
import lab
import tap
import volley

ZONES = {"example": """$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
* A 192.0.2.80
* TXT "any name"
"""}
LISTS = [
	{"name": "refuse", "format": "domains", "action": "refuse", "lines": ["r.example"]},
	{"name": "nx", "format": "wildcard", "action": "nxdomain", "lines": ["*.n.example"]},
	{"name": "sink", "format": "domains", "action": "sinkhole", "sinkhole-address": "192.0.2.1", "lines": ["s.example"]},
]
# last labels of a name -> the verdict that it must get
VERDICTS = {"r.example": "refuse", "n.example": "nxdomain", "s.example": "sinkhole", "a.example": "allow", "lame.test": "allow"}


def mixed(count, seed):
	"""Names of every kind, some again and again (from the cache), some new."""
	chance = random.Random(seed)
	questions = []
	for _ in range(count):
		kind = chance.choice(["r.example", "n.example", "s.example", "a.example", "a.example", "a.example"])
		questions.append(("h%d.%s" % (chance.randrange(400), kind), chance.choice(["A", "A", "A", "TXT"])))
	return questions


def wanted(name):
	return next(verdict for ending, verdict in VERDICTS.items() if name.endswith(ending))


def by_client(found):
	return {(frame.client_port, frame.response.id): frame for frame in found}


def wrong_frames(found, questions, results):
	"""Every answer's frame must have its name, its type and the right verdict; returns what is not so."""
	index, wrong = by_client(found), []
	for (name, qtype), result in zip(questions, results):
		frame = index.get((result.port, result.id))
		if frame is None:
			wrong.append("%s %s: no frame" % (name, qtype))
			continue
		asked = frame.query.question[0]
		said = (str(asked.name).rstrip("."), lab.dns.rdatatype.to_text(asked.rdtype), frame.extra["verdict"], frame.response.rcode())
		if said != (name, qtype, wanted(name), volley.rcode(result.octets)):
			wrong.append("%s %s: %s" % (name, qtype, said))
	return wrong


def gaps(found):
	"""Counters of each worker must be 1, 2, 3 ... without a gap or a repetition."""
	workers = collections.defaultdict(list)
	for frame in found:
		workers[frame.extra["boot"], frame.extra["worker"]].append(frame.extra["seq"])
	return {worker: len(numbers) for worker, numbers in workers.items()
		if sorted(numbers) != list(range(1, len(numbers) + 1))}


def frames_equal_answers(tap, threads):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, threads=threads)
		questions, more = mixed(4000, threads), mixed(600, threads + 100)
		results = volley.udp(here.port, questions, sockets=16) + volley.tcp(here.port, more)
		questions += more
		tap.equal(sum(1 for result in results if result.octets is None), 0, "%d threads: every question is answered" % threads)
		queries = int(float(here.statistics()["total.num.queries"]))
		here.finish()
		captured, filed = here.captured(), lab.frames.read(here.frames_file)
		tap.equal(queries, len(questions), "%d threads: Unbound's own count is that of the questions" % threads)
		tap.equal(len(captured), len(questions), "%d threads: the collector got one frame for each answer" % threads)
		tap.equal(len(filed), len(questions), "%d threads: so did the file" % threads)
		wrong = wrong_frames(captured, questions, results)
		tap.ok(not wrong, "%d threads: each frame has its question, answer and verdict" % threads, "\n".join(wrong[:10]))
		tap.equal(gaps(captured), {}, "%d threads: no number is missing or repeated" % threads)
		workers = {frame.extra["worker"] for frame in captured}
		tap.ok(len(workers) <= threads + 1, "%d threads: numbered by worker" % threads, workers)
		protocols = collections.Counter(frame.protocol for frame in captured)
		tap.equal((protocols[1], protocols[2]), (4000, 600), "%d threads: UDP and TCP are told apart" % threads)
		late = [f for f in captured if f.query_time is None or not 0 <= f.response_time - f.query_time < lab.PATIENCE]
		tap.ok(not late, "%d threads: times are set and in order" % threads, late[:3])


def frames_equal_answers_with_1_thread(tap):
	frames_equal_answers(tap, 1)


def frames_equal_answers_with_2_threads(tap):
	frames_equal_answers(tap, 2)


def frames_equal_answers_with_4_threads(tap):
	frames_equal_answers(tap, 4)


def mode_verdicts_leaves_out_plain_answers(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, frames_mode="verdicts")
		questions = mixed(600, 7)
		volley.udp(here.port, questions)
		here.finish()
		captured = here.captured()
		tap.equal(len(captured), sum(1 for name, _ in questions if wanted(name) != "allow"), "frames: verdicts: one for each verdict")
		tap.ok(max(frame.extra["seq"] for frame in captured) > len(captured), "frames: verdicts: left-out answers are numbered too")


def every_reader_understands_the_frames(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS)
		volley.udp(here.port, mixed(200, 9))
		here.finish()
		captured = here.captured()
		raw = [octets for octets in frames.stream(open(here.capture_file, "rb").read())
			if "seq" in frames.decode(octets).extra]
		raw.sort(key=lambda octets: frames.number(frames.decode(octets)))
		read_by_verdictctl(tap, here, captured)
		replayed(tap, here, captured)
		read_by_protoc(tap, captured, raw)
		read_by_dnstap_read(tap, here, captured)


def read_by_verdictctl(tap, here, captured):
	done = subprocess.run([lab.VERDICTCTL, "tap", "--json", here.capture_file], capture_output=True, text=True, timeout=60)
	tap.equal(done.returncode, 0, "verdictctl tap --json reads the collector's file")
	objects = [json.loads(line) for line in done.stdout.splitlines()]
	lines = sorted((one for one in objects if "seq" in one["verdict"]), key=lambda one: (one["verdict"]["worker"], one["verdict"]["seq"]))
	tap.equal(len(lines), len(captured), "verdictctl: one object for each frame")
	got = [(line["qname"].rstrip("."), line["qtype"], line["client_port"]) for line in lines]
	want = [(str(f.query.question[0].name).rstrip("."), lab.dns.rdatatype.to_text(f.query.question[0].rdtype), f.client_port)
		for f in captured]
	tap.equal(got, want, "verdictctl: the same names, types and ports")
	done = subprocess.run([lab.VERDICTCTL, "tap", here.capture_file], capture_output=True, text=True, timeout=60)
	tap.equal(len(done.stdout.splitlines()), len(objects), "verdictctl: one line for each frame")


def replayed(tap, here, captured):
	"""The same policy says the same of what was recorded."""
	done = subprocess.run([lab.VERDICTCTL, "replay", "--policy", here.path("verdict.conf"), "--each", here.capture_file],
		capture_output=True, text=True, timeout=60)
	lines = [line.split("\t") for line in done.stdout.splitlines()]
	got = sorted((line[2].rstrip("."), line[3], line[4], line[5]) for line in lines)
	want = sorted((str(f.query.question[0].name).rstrip("."), lab.dns.rdatatype.to_text(f.query.question[0].rdtype),
		f.extra["verdict"], f.extra.get("list", "")) for f in captured)
	tap.equal(got, want, "verdictctl replay: the same verdicts and lists as the resolver's")


def read_by_protoc(tap, captured, raw):
	if shutil.which("protoc") is None:
		tap.skip("protoc decodes the frames", "no protoc: install protobuf-compiler")
		return
	proto = lab.os.path.join(lab.SRCDIR, "dnstap")
	bad = []
	for frame, octets in list(zip(captured, raw))[:20]:
		done = subprocess.run(["protoc", "--decode=dnstap.Dnstap", "--proto_path=" + proto, proto + "/dnstap.proto"],
			input=octets, capture_output=True, timeout=60)
		out = done.stdout.decode()
		numbered = [line for line in out.splitlines() if line.strip().split(":")[0].isdigit()]
		if done.returncode or "type: CLIENT_RESPONSE" not in out or "policy {" not in out or numbered:
			bad.append(out + done.stderr.decode())
		elif frame.policy.rule and frame.policy.rule not in out:
			bad.append(out)
	tap.ok(not bad, "protoc decodes the frames, with no unknown field", "\n".join(bad[:2]))


def read_by_dnstap_read(tap, here, captured):
	if shutil.which("dnstap-read") is None:
		tap.skip("dnstap-read reads the frames", "no dnstap-read: install bind9-dnsutils")
		return
	done = subprocess.run(["dnstap-read", here.capture_file], capture_output=True, text=True, timeout=60)
	lines = done.stdout.splitlines()
	answers = [line for line in lines if " CR " in line]
	notes = [line for line in lines if " TR " in line]
	tap.ok(done.returncode == 0 and len(answers) == len(captured), "dnstap-read reads the frames", done.stderr)
	tap.equal(len(answers) + len(notes), len(lines), "dnstap-read calls them client responses, and heartbeats tool responses")


if __name__ == "__main__":
	lab.require()
	tap.run(frames_equal_answers_with_1_thread, frames_equal_answers_with_2_threads, frames_equal_answers_with_4_threads,
		mode_verdicts_leaves_out_plain_answers, every_reader_understands_the_frames)
