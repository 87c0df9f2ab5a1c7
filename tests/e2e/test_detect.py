#!/usr/bin/python3
"""Detectors inside the real resolver: what is asked and answered over time, and what frames say of it."""

import base64
import hashlib
import socket
import struct
import subprocess

import dns.message
import dns.query

import lab
import slow
import tap

SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"


def zone(origin, *lines):
	return "$ORIGIN %s.\n" % origin + HEAD + "\n".join(lines) + "\n"


ZONES = {
	"tunnel-lab.com": zone("tunnel-lab.com", '* 5 TXT "%s"' % ("a1" * 100), "* A 192.0.2.1"),
	"busy-lab.com": zone("busy-lab.com", "* A 192.0.2.2"),
	"rebind-lab.com": zone("rebind-lab.com", "inside A 10.1.2.3", "outside A 192.0.2.3", "loop A 127.0.0.1"),
	"quiet-lab.com": zone("quiet-lab.com", "www A 192.0.2.4", "@ TXT \"v=spf1 -all\""),
}
CLAUSES = 'detection:\n\tpublic-suffix-list: "%s"\n' % SUFFIXES
NO_WARM_UP = CLAUSES + "detector:\n\tname: newly-observed\n\twarm-up: 0\n"
POPULAR = {"name": "popular", "format": "domains", "lines": ["www.busy-lab.com"], "enrich": "popular"}


def chunk(number):
	return base64.b32encode(hashlib.sha256(b"%d" % number).digest()[:20]).decode().lower()


def said(here):
	"""detector -> its detections, over all frames, in order; each with its frame's question."""
	found = {}
	for frame in lab.frames.read(here.frames_file):
		for detection in (frame.extra or {}).get("detections", []):
			detection["name"] = str(frame.query.question[0].name) if frame.query is not None and frame.query.question else ""
			found.setdefault(detection["detector"], []).append(detection)
	return found


def ask(here, name, qtype="A", rdclass="IN"):
	return dns.query.udp(dns.message.make_query(name, qtype, rdclass), "127.0.0.1", port=here.port, timeout=lab.PATIENCE)


def wait_for_frames(here, count):
	lab.wait_for(lambda: sum(1 for f in lab.frames.read(here.frames_file, parse=False)
		if (f.extra or {}).get("seq") is not None) >= count, "%d frames" % count)


def what_they_see_stands_in_the_frames(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start([POPULAR], raw=NO_WARM_UP)
		for number in range(130):
			ask(here, chunk(number) + ".tunnel-lab.com")
			ask(here, chunk(number) + ".busy-lab.com")
			ask(here, "www.quiet-lab.com")
		for name in ("inside", "outside", "loop"):
			ask(here, name + ".rebind-lab.com")
		ask(here, "quiet-lab.com", "ANY")
		ask(here, "version.bind", "TXT", "CH")
		ask(here, "data.quiet-lab.com", "NULL")
		ask(here, "use-application-dns.net")
		wait_for_frames(here, 397)
		found = said(here)
		tunnel = found.get("tunnel", [])
		tap.equal([d["tier"] for d in tunnel], ["low", "high"], "a tunnel is said once for each tier that it crosses")
		tap.ok(tunnel and tunnel[0]["value"] > tunnel[0]["threshold"] == 512, "with what was measured and the threshold",
			tunnel)
		tap.equal(tunnel and tunnel[0]["attack"], ["T1071.004", "T1048.003", "T1572"], "with its techniques")
		tap.ok(tunnel and 20 <= tunnel[0]["features"]["names"] <= 45, "within the first names", tunnel)
		tap.equal({d["name"].split(".", 1)[1] for d in tunnel}, {"tunnel-lab.com."}, "of that zone, not of a popular one")
		tap.equal([d["name"] for d in found.get("rebinding", [])], ["inside.rebind-lab.com."], "an address inside is told of")
		tap.equal([sorted(d["features"]) for d in found.get("recon", [])], [["any"], ["chaos"]],
			"so are ANY and a question about the version")
		tap.equal([d["features"]["qtype"] for d in found.get("odd-type", [])], [10], "so is NULL")
		tap.equal(len(found.get("resolver-bypass", [])), 1, "so is a canary of a browser")
		tap.equal(sorted(d["name"].split(".", 1)[1] for d in found.get("newly-observed", [])),
			["net.", "quiet-lab.com.", "rebind-lab.com.", "tunnel-lab.com."],
			"each zone is new once, but a popular one")
		lines = subprocess.run([lab.VERDICTCTL, "tap", here.frames_file], capture_output=True, text=True).stdout.splitlines()
		tap.ok(any("; tunnel low " in line and "/512 (T1071.004 T1048.003 T1572)" in line for line in lines),
			"and stands in the lines for people")


def nothing_is_new_at_first(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start([], raw=CLAUSES)
		for number in range(60):
			ask(here, chunk(number) + ".tunnel-lab.com")
		wait_for_frames(here, 60)
		found = said(here)
		tap.ok("newly-observed" not in found and "weak-channel" not in found, "in the first days nothing is new", found)
		tap.ok("tunnel" in found, "a tunnel is one all the same", found)


def memory_outlives_a_reload(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start([], raw=NO_WARM_UP)
		for number in range(20):
			ask(here, chunk(number) + ".tunnel-lab.com")
		here.control("reload")
		here.wait_ready(2)
		for number in range(20, 40):
			ask(here, chunk(number) + ".tunnel-lab.com")
		lab.wait_for(lambda: said(here).get("tunnel"), "a tunnel in the frames")
		names = [d["features"]["names"] for d in said(here).get("tunnel", [])]
		tap.ok(names and max(names) > 20, "names from before a reload count", names)


def off_is_off(tap):
	with lab.Lab(dict(ZONES)) as here:
		here.start([], raw=CLAUSES + "detector:\n\tname: tunnel\n\taction: off\n")
		for number in range(60):
			ask(here, chunk(number) + ".tunnel-lab.com")
		wait_for_frames(here, 60)
		tap.ok("tunnel" not in said(here), "a detector that is off says nothing")


SPELT = ["WwW.spelt-lab.com", "wWw.SPELT-lab.com", "www.spelt-LAB.com"]


def letters_case_carries_nothing(tap):
	block = CLAUSES + "detector:\n\tname: tunnel\n\taction: block\n"
	for why, raw, mode, wanted in (("where tunnels are denied", block, "enforce", ["www.spelt-lab.com"] * 3),
			("in shadow", block, "shadow", SPELT), ("where they are observed", CLAUSES, "enforce", SPELT)):
		authority = slow.Authority({"*": "0 IN A 192.0.2.9"}, delay=0)
		with lab.Lab(dict(ZONES)) as here:
			here.start([], raw=raw, mode=mode, rest=authority.stub("spelt-lab.com"))
			answers = [ask(here, name) for name in SPELT]
		tap.equal(authority.spelt, wanted, "what a server is asked %s" % why)
		tap.equal([str(answer.question[0].name)[:-1] for answer in answers], SPELT, "a client sees what it spelt %s" % why)
		tap.equal([len(answer.answer) for answer in answers], [1, 1, 1], "and is answered %s" % why)


def answers_that_come_too_late_are_weighed(tap):
	"""Unbound drops what is older than discard-timeout. A server that takes its time would carry out what nobody sees."""
	if not lab.patient_server():
		tap.ok(True, "skipped: this Unbound drops no late answers")
		return
	authority = slow.Authority({"*": "0 IN A 192.0.2.9"}, delay=0.5)
	with lab.Lab(dict(ZONES)) as here:
		here.start([], raw=CLAUSES, server="\tdiscard-timeout: 50\n", rest=authority.stub("late-lab.com"))
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
			for number in range(60):
				sock.sendto(dns.message.make_query(chunk(number) + ".late-lab.com", "A").to_wire(), ("127.0.0.1", here.port))
			wait_for_frames(here, 60)
			ask(here, "version.bind", "TXT", "CH")       # behind the others
			sock.setblocking(False)
			try:
				got = sock.recv(4096)
			except BlockingIOError:
				got = b""
		tap.equal(got, b"", "nobody is answered")
		tap.equal([d["tier"] for d in said(here).get("tunnel", [])], ["low"], "and the names are told of all the same")
		wait_for_frames(here, 61)
		paths = [f.extra["path"] for f in lab.frames.read(here.frames_file) if (f.extra or {}).get("seq") is not None]
		tap.equal((paths.count("resolved"), len(paths)), (60, 61), "each answer has one frame")
		unsent = [f.extra["path"] for f in lab.frames.read(here.frames_file) if (f.extra or {}).get("unsent")]
		tap.equal(unsent, ["resolved"] * 60, "which says that nothing was sent")


def by_tcp(port, names):
	"""The connection on which they were asked."""
	sock = socket.create_connection(("127.0.0.1", port))
	for name in names:
		query = dns.message.make_query(name, "A").to_wire()
		sock.sendall(struct.pack(">H", len(query)) + query)
	return sock


def reset(sock):
	sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	sock.close()


def who_leaves_is_looked_at(tap):
	"""Whoever ends the connection before the answer, or has it ended by Unbound, has asked all the same."""
	ways = [("resets it", 1, "\tdiscard-timeout: 0\n" if lab.patient_server() else "", reset)]
	if lab.patient_server():
		ways.append(("asks at once for what comes too late", 6, "\tdiscard-timeout: 50\n", None))
	for why, each, server, leave in ways:
		authority = slow.Authority({"*": "0 IN A 192.0.2.9"}, delay=0.5)
		with lab.Lab(dict(ZONES)) as here:
			here.start([], raw=CLAUSES, server="\tincoming-num-tcp: 100\n" + server, rest=authority.stub("left-lab.com"))
			names = ["%s.left-lab.com" % chunk(number) for number in range(60)]
			socks = [by_tcp(here.port, names[at:at + each]) for at in range(0, 60, each)]
			lab.wait_for(lambda: len(authority.spelt) >= 60, "the questions to come to the server")
			for sock in socks if leave else ():
				leave(sock)
			wait_for_frames(here, 60)
			ask(here, "version.bind", "TXT", "CH")       # behind the others
			wait_for_frames(here, 61)
			found = [f for f in lab.frames.read(here.frames_file) if (f.extra or {}).get("path") == "resolved"]
			tap.equal(sorted(f.query.question[0].name.to_text(omit_final_dot=True) for f in found), sorted(names),
				"who %s: each question has one frame" % why)
			tap.equal({(f.client, f.extra.get("unsent", False)) for f in found}, {("127.0.0.1", True)}, "of that client, not sent")
			tap.equal([d["tier"] for d in said(here).get("tunnel", [])], ["low"], "and the names are told of")
			for sock in socks:
				sock.close()


if __name__ == "__main__":
	lab.require()
	tap.run(what_they_see_stands_in_the_frames, nothing_is_new_at_first, memory_outlives_a_reload, off_is_off,
		letters_case_carries_nothing, answers_that_come_too_late_are_weighed, who_leaves_is_looked_at)
