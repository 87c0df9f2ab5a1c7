#!/usr/bin/python3
"""Whoever reads our frames: the published schemas, the programs that Debian has, and our own command."""

import collections
import json
import os
import re
import shutil
import subprocess

import frames
import lab
import tap
import traffic
import schemas       # the last two are found by what traffic adds to the path
import siem_fields

PACKAGES = {"dnstap-read": "bind9-dnsutils", "dnstap": "golang-github-dnstap-golang-dnstap-cli", "dnstap-ldns": "dnstap-ldns",
	"fstrm_dump": "fstrm-bin", "fstrm_replay": "fstrm-bin", "protoc": "protobuf-compiler", "kdig": "knot-dnsutils",
	"dnsdbq": "dnsdbq"}


def missing(tap, *programs):
	"""Says so for each that is not there."""
	gone = [name for name in programs if shutil.which(name) is None]
	for name in gone:
		tap.skip("%s reads the frames" % name, "no %s: install %s" % (name, PACKAGES[name]))
	return bool(gone)


def read(*arguments, **options):
	return subprocess.run([str(one) for one in arguments], capture_output=True, timeout=60, **options)


def raw(path):
	with open(path, "rb") as file:
		return list(frames.stream(file.read()))


def write(path, octets):
	"""A Frame Streams file of these frames."""
	def control(kind, field=b""):
		body = kind.to_bytes(4, "big") + field
		return bytes(4) + len(body).to_bytes(4, "big") + body
	name = lab.CONTENT_TYPE.encode()
	with open(path, "wb") as file:
		file.write(control(2, b"\0\0\0\1" + len(name).to_bytes(4, "big") + name))
		file.write(b"".join(len(one).to_bytes(4, "big") + one for one in octets))
		file.write(control(frames.CONTROL_STOP))
	return path


def fit_the_schemas(tap, decoded):
	if not schemas.USABLE:
		tap.skip("every frame fits its schema", schemas.WANTED)
		return
	known = schemas.Schemas()
	complaints = [text for text in (known.complaint(frame.extra) for frame in decoded) if text is not None]
	tap.ok(not complaints, "every frame fits its schema", "\n".join(complaints[:5]))
	kinds = collections.Counter(known.name_for(frame.extra) for frame in decoded)
	tap.ok(kinds["heartbeat-1"] >= 1 and kinds["extra-1"] > 60, "heartbeats are among them", kinds)


def cover_what_can_be(tap, decoded, ways):
	answers = [frame.extra for frame in decoded if "seq" in frame.extra]
	verdicts = {one["verdict"] for one in answers}
	tap.equal(sorted(verdicts), sorted("allow pass observe nxdomain nodata refuse drop truncate sinkhole local-data".split()),
		"the run met every verdict")
	tap.equal(sorted({one["trigger"] for one in answers if "trigger" in one}), ["CLIENT-IP", "IP", "NSDNAME", "QNAME"],
		"and the triggers")
	keys = {key for one in answers for key in one}
	tap.equal(sorted({"group", "chain", "serial", "category", "attack", "ede", "shadow", "incident"} - keys), [], "and the keys")
	tap.equal(sorted({one["path"] for one in answers}), ["chaos", "dropped", "local", "resolved", "servfail"], "and the paths")
	protocols = {frame.protocol for frame in decoded}
	tap.ok({1, 2} <= protocols and len(protocols - {None}) >= len([way for way in ways if "PROXY" not in way]), "and the transports",
		(protocols, ways))


def fit_the_siem(tap, path, count):
	for name, table, own in ("ecs", siem_fields.ECS, "unbound_verdict"), ("ocsf", siem_fields.OCSF, "unmapped"):
		found = [json.loads(line) for line in read(lab.VERDICTCTL, "tap", "-f", name, path).stdout.splitlines()]
		try:
			seen, wrong = siem_fields.check(found, table, own), ""
		except AssertionError as error:
			seen, wrong = (), error
		tap.ok(len(found) == count and not wrong, "tap --format %s writes its fields alone" % name, wrong)
		tap.ok(len(seen) > len(table) * 0.9, "and nearly all of them", sorted(set(table) - set(seen)))


def dnsdbq_shows_passive_dns(tap, here, path):
	if missing(tap, "dnsdbq"):
		return
	with open(here.path("cof"), "wb") as file:
		file.write(read(lab.VERDICTCTL, "tap", "-f", "cof", path).stdout)
	done = read("dnsdbq", "-J", here.path("cof"), env=dict(os.environ, DNSDB_API_KEY="none"))
	words = " ".join(done.stdout.decode().split())
	tap.ok(done.returncode == 0 and "www.example A 192.0.2.80" in words, "dnsdbq shows what was resolved", words[:500])
	tap.ok("192.0.2.1" not in words.split() and "192.0.2.66" not in words and "192.0.2.99" not in words,
		"and nothing that was made up", words)


# --- programs --------------------------------------------------------------------------------------------------------

def dnstap_read_reads_all(tap, path, decoded):
	if missing(tap, "dnstap-read"):
		return
	for option in (), ("-p",), ("-y",), ("-x",):
		done = read("dnstap-read", *option, path)
		tap.equal((done.returncode, done.stderr), (0, b""), " ".join(("dnstap-read",) + option) + " reads to the end")
	tap.equal(read("dnstap-read", path).stdout.count(b"\n"), len(decoded), "dnstap-read: one line for each frame")
	documents = read("dnstap-read", "-y", path).stdout.decode()
	tap.equal(len(re.findall(r"^type: MESSAGE", documents, re.M)), len(decoded), "dnstap-read -y: one document for each")
	tap.ok("policy" not in documents and "refused:" not in documents, "dnstap-read shows no policy: the manual would be wrong")


def go_dnstap_reads_all(tap, path, decoded):
	if missing(tap, "dnstap"):
		return
	for option in "-q", "-y", "-j":
		done = read("dnstap", "-r", path, option)
		wrong = [line for line in done.stderr.decode().splitlines() if "opened input file" not in line]
		tap.equal((done.returncode, wrong), (0, []), "dnstap %s reads to the end" % option)
	found = [json.loads(line) for line in read("dnstap", "-r", path, "-j").stdout.splitlines()]
	tap.equal(len(found), len(decoded), "dnstap -j: one object for each frame")
	ports = [one["message"].get("query_port") for one in found]
	tap.equal(ports, [frame.client_port for frame in decoded], "dnstap -j: the same ports in the same order")
	tap.ok(not any("policy" in one["message"] or "extra" in one for one in found), "dnstap shows no policy: the manual would be wrong", found[:1])


def ldns_reads_all(tap, here, path, octets, decoded):
	"""Its YAML ends at the first transport that it does not know."""
	if missing(tap, "dnstap-ldns"):
		return
	done = read("dnstap-ldns", "-q", "-r", path)
	tap.equal((done.returncode, done.stdout.count(b"\n")), (0, len(decoded)), "dnstap-ldns -q: one line for each frame")
	plain = [one for one, frame in zip(octets, decoded) if frame.protocol in (1, 2)]
	done = read("dnstap-ldns", "-y", "-r", write(here.path("plain.fstrm"), plain))
	tap.equal((done.returncode, len(re.findall(rb"^---", done.stdout, re.M))), (0, len(plain)),
		"dnstap-ldns -y reads those over UDP and TCP")
	later = next((one for one, frame in zip(octets, decoded) if frame.protocol in (3, 4)), None)
	if later is not None:
		done = read("dnstap-ldns", "-y", "-r", write(here.path("later.fstrm"), [later]))
		tap.ok(b"print_dnstap_frame() failed" in done.stderr, "dnstap-ldns -y fails on DoT and DoH, as the manual says", done)


def fstrm_dump_shows_extra(tap, path, decoded):
	if missing(tap, "fstrm_dump"):
		return
	done = read("fstrm_dump", path)
	tap.equal(done.returncode, 0, "fstrm_dump reads to the end")
	tap.equal(done.stdout.count(b'{\\"v\\":1,'), len(decoded), "fstrm_dump shows extra in each frame")


def protoc_shows_all(tap, octets, decoded):
	if missing(tap, "protoc"):
		return
	proto = os.path.join(lab.SRCDIR, "dnstap")
	chosen = {(frame.protocol, frame.extra.get("verdict"), frame.extra.get("trigger")): (one, frame)
		for one, frame in zip(octets, decoded)}
	wrong = []
	for one, frame in chosen.values():
		done = read("protoc", "--decode=dnstap.Dnstap", "--proto_path=" + proto, proto + "/dnstap.proto", input=one)
		text = done.stdout.decode()
		unknown = re.findall(r"^\s*\d+[:{ ]", text, re.M)
		if done.returncode != 0 or unknown or "policy {" not in text or 'extra: "{\\"v\\":1,' not in text:
			wrong.append(text + done.stderr.decode())
	tap.ok(len(chosen) > 12 and not wrong, "protoc knows every field, policy and extra among them", "\n".join(wrong[:2]))


def kdig_reads_all(tap, path):
	if missing(tap, "kdig"):
		return
	done = read("kdig", "-G", path)
	tap.ok(done.returncode == 0 and done.stdout.count(b";; QUESTION SECTION") > 60, "kdig -G reads to the end", done.stderr[-300:])


def replayed(tap, path, place, claim):
	"""fstrm_replay sends the file to a collector."""
	lab.wait_for(lambda: os.path.exists(place), "the collector's socket")
	tap.equal(read("fstrm_replay", "-t", lab.CONTENT_TYPE, "-u", place, "-r", path).returncode, 0, claim + ": sent")


def fstrm_replay_sends_them(tap, here, path, octets):
	if missing(tap, "fstrm_replay"):
		return
	sock, out = here.path("again.sock"), here.path("again.fstrm")
	capture = lab.Process(["fstrm_capture", "-t", lab.CONTENT_TYPE, "-u", sock, "-w", out], here.path("again.log"))
	replayed(tap, path, sock, "fstrm_replay to fstrm_capture")
	capture.stop()
	tap.ok(raw(out) == octets, "fstrm_replay to fstrm_capture: the same octets")
	sock, out = here.path("ours.sock"), here.path("ours.json")
	ours = lab.Process([lab.VERDICTCTL, "tap", "--json", "--listen", "unix:" + sock], out, errors=out + ".errors")
	replayed(tap, path, sock, "fstrm_replay to verdictctl tap")
	lab.wait_for(lambda: ours.output().count("\n") == len(octets), "all lines")
	ours.stop()
	extras = [json.loads(line)["verdict"] for line in ours.output().splitlines()]
	tap.equal(extras, [frames.decode(one).extra for one in octets], "fstrm_replay to verdictctl tap: the same verdicts")


def every_reader_reads_all(tap):
	with lab.Lab(traffic.ZONES) as here:
		ways = traffic.run(here)
		path = here.capture_file
		octets = raw(path)
		decoded = [frames.decode(one) for one in octets]
		fit_the_schemas(tap, decoded)
		cover_what_can_be(tap, decoded, ways)
		fit_the_siem(tap, path, sum("seq" in frame.extra for frame in decoded))
		dnsdbq_shows_passive_dns(tap, here, path)
		dnstap_read_reads_all(tap, path, decoded)
		go_dnstap_reads_all(tap, path, decoded)
		ldns_reads_all(tap, here, path, octets, decoded)
		fstrm_dump_shows_extra(tap, path, decoded)
		protoc_shows_all(tap, octets, decoded)
		kdig_reads_all(tap, path)
		fstrm_replay_sends_them(tap, here, path, octets)


def ended(process, path, count):
	"""What dnstap has written. At its end it leaves out what stands in its buffer; that comes when it is told to reopen."""
	found = []

	def reopened():
		if not os.path.exists(path):
			return False
		os.rename(path, path + ".old")
		process.send(lab.signal.SIGHUP)
		lab.wait_for(lambda: os.path.exists(path), "dnstap to reopen")
		found.extend(raw(path + ".old"))
		return len(found) >= count
	lab.wait_for(reopened, "dnstap to write all")
	process.stop(lab.signal.SIGINT)
	return found


def go_dnstap_collects(tap):
	"""The other collector of Debian takes our streams itself, over a socket and over TCP."""
	if missing(tap, "dnstap"):
		return
	with lab.Lab(traffic.ZONES) as here:
		sock, port = here.path("go.sock"), lab.free_port()
		processes = {name: lab.Process(["dnstap", *place, "-w", here.path(name)], here.path(name + ".log"))
			for name, place in (("unix", ("-u", sock)), ("tcp", ("-l", "127.0.0.1:%d" % port)))}
		lab.wait_for(lambda: os.path.exists(sock) and lab.socket.socket().connect_ex(("127.0.0.1", port)) == 0, "dnstap listens")
		targets = 'dnstap-target:\n\tname: go-unix\n\tsocket-path: "%s"\n' % sock \
			+ 'dnstap-target:\n\tname: go-tcp\n\taddress: 127.0.0.1@%d\n' % port
		# Without rules for clients, so that there is a cache that all share.
		traffic.run(here, targets, [dict(one, lines=["ns1.crime.test.rpz-nsdname CNAME ."]) if one["name"] == "rpz" else one
			for one in traffic.LISTS])
		octets = raw(here.capture_file)
		wanted = [one.extra for one in map(frames.decode, octets) if "seq" in one.extra]
		tap.ok("cached" in {one["path"] for one in wanted}, "answers from the cache are among them")
		for name, process in processes.items():
			found = [one.extra for one in map(frames.decode, ended(process, here.path(name), len(octets))) if "seq" in one.extra]
			tap.ok(len(wanted) > 60 and found == wanted, "dnstap over %s has the frames that fstrm_capture has" % name,
				(len(found), len(wanted)))
		fit_the_schemas(tap, [frames.decode(one) for one in octets])


def compat_protocol_is_for_older_readers(tap):
	with lab.Lab(traffic.ZONES) as here:
		traffic.run(here, "\tcompat-protocol: yes\n")
		decoded = [frames.decode(one) for one in raw(here.capture_file)]
		tap.equal({frame.protocol for frame in decoded if "seq" in frame.extra}, {1, 2}, "compat-protocol says UDP and TCP alone")
		if not missing(tap, "dnstap-ldns"):
			done = read("dnstap-ldns", "-y", "-r", here.capture_file)
			tap.equal((done.returncode, len(re.findall(rb"^---", done.stdout, re.M))), (0, len(decoded)),
				"so dnstap-ldns -y reads to the end")


if __name__ == "__main__":
	lab.require()
	tap.run(every_reader_reads_all, go_dnstap_collects, compat_protocol_is_for_older_readers)
