#!/usr/bin/python3
"""Frames of a real resolver over TCP and TLS, into files that rotate, and over its own death."""

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab    # noqa: E402
import tap    # noqa: E402
import volley   # noqa: E402

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
LISTS = [{"name": "bad", "format": "domains", "action": "refuse", "lines": ["bad.example"]}]
QUESTIONS = [("www%d.%sexample" % (i, "bad." if i % 5 == 0 else ""), "A") for i in range(500)]


def openssl(here, *words):
	subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=here.dir, timeout=60)


def certificates(here):
	"""An authority with a collector and a resolver of its own, and another authority."""
	new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
	for name in "ca", "other":
		openssl(here, *new, "-x509", "-days", "2", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
	here.write("names", "subjectAltName=DNS:collector.test,IP:127.0.0.1\n")
	here.write("no-names", "subjectAltName=URI:spiffe://example/resolver\n")
	for name, subject, names in ("collector", "/CN=collector", "names"), ("resolver", "/CN=resolver", "names"), \
			("nameless", "/O=example", "no-names"):
		openssl(here, *new, "-subj", subject, "-keyout", name + ".key", "-out", name + ".csr")
		openssl(here, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
			"-extfile", names, "-out", name + ".pem")


def collector(here, place, *options):
	output = here.path("collected")
	if os.path.exists(output):
		os.unlink(output)
	process = lab.Process([lab.VERDICTCTL, "tap", "--json", "--listen", place, *options], output, errors=output + ".errors")
	port = int(place.rsplit("@", 1)[1])
	lab.wait_for(lambda: lab.socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the collector")
	return process


def collected(process):
	found = []
	for line in process.output().splitlines(keepends=True):
		if line.startswith("{") and line.endswith("}\n"):   # it may be writing the last one
			found.append(json.loads(line))
	return found


def answers(found):
	return {(one["verdict"]["boot"], one["verdict"]["worker"], one["verdict"]["seq"]) for one in found if "seq" in one["verdict"]}


def target(here, name):
	return next(one for one in here.frames_status()["targets"] if one["name"] == name)


def run(here, clauses):
	here.start_nsd()
	here.policy(LISTS, socket_path=False, file=False, raw="\theartbeat-interval: 1\n" + clauses)
	here.start_unbound()


def clause(name, **options):
	return "dnstap-target:\n\tname: %s\n%s" % (name, "".join("\t%s: %s\n" % (key.replace("_", "-"), value)
		for key, value in options.items()))


def over_tls(tap):
	with lab.Lab(ZONES) as here:
		certificates(here)
		port = lab.free_port()
		place, pem = "127.0.0.1@%d" % port, here.path
		process = collector(here, "tls:" + place, "--tls-cert", pem("collector.pem"), "--tls-key", pem("collector.key"),
			"--tls-client-ca", pem("ca.pem"))
		mutual = {"tls_certificate": pem("resolver.pem"), "tls_key": pem("resolver.key")}
		run(here, clause("good", address=place, tls="yes", tls_name="collector.test", tls_ca_file=pem("ca.pem"), commit_interval=1, **mutual)
			+ clause("by-address", address=place, tls="yes", tls_ca_file=pem("ca.pem"), **mutual)
			+ clause("wrong-name", address=place, tls="yes", tls_name="other.test", tls_ca_file=pem("ca.pem"), **mutual)
			+ clause("wrong-ca", address=place, tls="yes", tls_name="collector.test", tls_ca_file=pem("other.pem"), **mutual)
			+ clause("nobody", address=place, tls="yes", tls_name="collector.test", tls_ca_file=pem("ca.pem"))
			+ clause("plain", address=place))
		volley.udp(here.port, QUESTIONS)
		lab.wait_for(lambda: len(answers(collected(process))) == len(QUESTIONS), "the frames over TLS")
		tap.ok(True, "a collector whose certificate is good has every frame")
		lab.wait_for(lambda: target(here, "by-address")["written"] >= len(QUESTIONS), "the target by address")
		lab.wait_for(lambda: target(here, "by-address")["up"], "the target by address")
		tap.ok(True, "its address in the certificate is as good")
		for name, words in (("wrong-name", "its certificate is refused: hostname mismatch"),
				("wrong-ca", "its certificate is refused:"), ("nobody", ""), ("plain", "")):
			lab.wait_for(lambda: target(here, name)["errors"] > 0 and words in target(here, name)["error"], "%s: %s" % (name, words))
			one = target(here, name)
			tap.ok(words in one["error"] and one["error"], "%s: is not served, and status says why: %s" % (name, one["error"]), one)
			tap.ok(one["commits"] == 0, "%s: nothing is taken for arrived" % name, one)
		here.unbound.stop()
		process.stop()


def over_tcp_and_a_death(tap):
	"""The resolver is killed with frames that nobody had; the next one sends them."""
	with lab.Lab(ZONES) as here:
		port = lab.free_port()
		run(here, clause("far", address="127.0.0.1@%d" % port, commit_interval=1))
		volley.udp(here.port, QUESTIONS)
		lab.wait_for(lambda: target(here, "far")["unread"] + 3 >= len(QUESTIONS), "frames wait")
		tap.ok(here.frames_status()["durable"], "they wait on disk")
		here.unbound.stop(signal.SIGKILL)
		process = collector(here, "tcp:127.0.0.1@%d" % port)
		here.start_unbound()
		lab.wait_for(lambda: len(answers(collected(process))) >= len(QUESTIONS), "the frames of the killed one")
		lab.wait_for(lambda: any("former" in one["verdict"] for one in collected(process)), "a note about it")
		found = collected(process)
		tap.equal(len(answers(found)), len(QUESTIONS), "every frame of the killed resolver arrives")
		former = [one["verdict"]["former"] for one in found if "former" in one["verdict"]]
		tap.equal([(one["worker"], one["seq"], one["dropped"], one["damaged"]) for one in former], [(0, len(QUESTIONS), 0, False)],
			"and a note says how far it had come")
		mode = os.stat(os.path.join(here.path("state"), "frames")).st_mode & 0o7777
		tap.equal(mode, 0o700, "nobody else can look into what waits")
		here.unbound.stop()
		process.stop()


def into_files_that_rotate(tap):
	with lab.Lab(ZONES) as here:
		run(here, clause("archive", file='"%s"' % here.path("frames"), rotate_size="64k", rotate_keep=3))
		for _ in range(4):
			volley.udp(here.port, QUESTIONS)
			time.sleep(0.3)
		lab.wait_for(lambda: target(here, "archive")["unread"] == 0, "the files")
		begun = target(here, "archive")["connects"]
		done = subprocess.run([lab.VERDICTCTL, "log-reopen", "--config", here.path("verdict.conf")], capture_output=True, timeout=60)
		tap.equal(done.returncode, 0, "verdictctl log-reopen ends the file")
		lab.wait_for(lambda: target(here, "archive")["connects"] > begun, "the next file")
		here.unbound.stop()
		names = sorted(name for name in os.listdir(here.dir) if name.startswith("frames") and os.path.isfile(here.path(name)))
		tap.equal(names, ["frames", "frames.1", "frames.2", "frames.3"], "as many as are to be kept")
		for name in names:
			done = subprocess.run([lab.VERDICTCTL, "tap", "--json", here.path(name)], capture_output=True, text=True, timeout=60)
			tap.ok(done.returncode == 0, name + " is a whole file", done.stderr)


if __name__ == "__main__":
	lab.require()
	tap.run(over_tls, over_tcp_and_a_death, into_files_that_rotate)
