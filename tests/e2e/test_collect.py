#!/usr/bin/python3
"""What `verdictctl collect` keeps of real resolvers: everything, once, also over its own death, and of nobody else."""

import collections
import contextlib
import glob
import json
import os
import re
import signal
import socket
import ssl
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab    # noqa: E402
import tap    # noqa: E402
import volley   # noqa: E402
from test_targets import certificates   # noqa: E402

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
	"alias CNAME www\n* A 192.0.2.80\n"}
LISTS = [{"name": "bad", "format": "domains", "action": "refuse", "attack": "T1071.004", "lines": ["bad.example"]}]
QUESTIONS = [("www%d.%sexample" % (i, "bad." if i % 5 == 0 else ""), "A") for i in range(500)]
SOURCE = os.path.join(os.environ.get("builddir", "."), "tests", "e2e", "tap_source")


class Collector:
	def __init__(self, here, *places, options=()):
		self.directory = here.path("days")
		self.log = here.path("collect.log")
		self.listen = [word for place in places for word in ("--listen", place)]
		self.options = list(options)
		self.start()

	def start(self, more=()):
		if os.path.exists(os.path.join(self.directory, "status.json")):
			os.unlink(os.path.join(self.directory, "status.json"))
		self.process = lab.Process([lab.VERDICTCTL, "collect", "--directory", self.directory, "--keep-free", "0",
			*self.listen, *self.options, *more], self.log)
		lab.wait_for(lambda: self.status() is not None or not self.process.alive(), "the collector", 30)

	def status(self):
		done = subprocess.run([lab.VERDICTCTL, "collect", "--directory", self.directory, "--status", "--json"],
			capture_output=True, text=True, timeout=60)
		return json.loads(done.stdout) if done.stdout else None

	def rows(self, text, *values):
		"""The rows of all day files."""
		found = []
		for path in sorted(glob.glob(os.path.join(self.directory, "*.sqlite"))):
			with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=30)) as day:
				found += day.execute(text, values).fetchall()
		return found

	def counts(self, text):
		"""Those in the last column, of all day files together: a day may end while a test runs."""
		found = collections.Counter()
		for *what, count in self.rows(text):
			found[tuple(what)] += count
		return dict(found)

	def count(self, table="event", where="1"):
		return sum(row[0] for row in self.rows("SELECT count(*) FROM %s WHERE %s" % (table, where)))

	def stop(self, number=signal.SIGTERM):
		self.process.stop(number, patience=30)


def clause(name, **options):
	return "dnstap-target:\n\tname: %s\n%s" % (name, "".join("\t%s: %s\n" % (key.replace("_", "-"), value)
		for key, value in options.items()))


def run(here, clauses, identity="lab", rest=""):
	here.start_nsd()
	path = here.policy(LISTS, socket_path=False, file=False, raw="\theartbeat-interval: 1\n" + clauses)
	with open(path) as file:
		text = file.read().replace('identity: "lab"', 'identity: "%s"' % identity)
	here.write("verdict.conf", text)
	here.start_unbound(rest=rest)


def every_answer_is_kept(tap):
	with lab.Lab(ZONES) as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place)
		run(here, clause("store", socket_path='"%s"' % place, commit_interval=1))
		results = volley.udp(here.port, QUESTIONS)
		volley.udp(here.port, [("alias.example", "A")])
		lab.wait_for(lambda: collector.count() >= len(QUESTIONS) + 1, "the events", 60)
		tap.equal(collector.count(), len(QUESTIONS) + 1, "an event for each answer")
		tap.equal(collector.counts("SELECT verdict.verdict, list, techniques, sum(count) FROM reply JOIN verdict ON"
			" verdict.id = reply.verdict GROUP BY verdict.id"), {("allow", "", ""): 401, ("refuse", "bad", " T1071.004 "): 100},
			"with verdict, list and technique")
		names = [row[0] for row in collector.rows("SELECT key FROM name JOIN reply ON reply.name = name.id WHERE rcode = 5")]
		tap.equal(sorted(names), sorted("example.bad.www%d" % i for i in range(0, 500, 5)), "the names that were refused")
		tap.equal(sorted(collector.rows("SELECT rrname, rrtype, rdata, ttl FROM pdns WHERE rrname IN ('example.alias',"
			" 'example.www7')")), [("example.alias", 5, b"\3www\7example\0", 300),
			("example.www7", 1, bytes([192, 0, 2, 80]), 300)], "passive DNS has names and addresses")
		tap.equal(collector.count("pdns", "rrname LIKE 'example.bad%'"), 0, "and nothing that was denied")
		incident(tap, collector, results)
		lab.wait_for(lambda: collector.count("note") > 0, "a heartbeat", 60)
		tap.ok(True, "heartbeats are kept")
		done = subprocess.run([lab.VERDICTCTL, "forget", "--directory", collector.directory, "127.0.0.1"],
			capture_output=True, text=True, timeout=120)
		tap.equal((done.returncode, done.stdout), (0, "501 events were removed\n"), "a running collector forgets a client")
		tap.equal((collector.count(), collector.count("client")), (0, 0), "nothing says that it asked")
		volley.udp(here.port, QUESTIONS[:50])
		lab.wait_for(lambda: collector.count() >= 50, "events after that", 60)
		tap.equal(collector.count(), 50, "and what it asks afterwards is kept")
		here.unbound.stop()
		collector.stop()


def incident(tap, collector, results):
	"""From the text of an error to its event."""
	number = re.search(rb"([0-9a-f]{12})\.(\d+)\.(\d+)", results[5].octets)
	if not tap.ok(number is not None, "the error names an incident"):
		return
	found = collector.rows("SELECT name.key FROM source JOIN seen ON seen.source = source.id AND block = ?3 / 8192 JOIN event"
		" ON event.id BETWEEN seen.first AND seen.last AND event.source = source.id AND event.seq = ?3 JOIN reply ON reply.id ="
		" event.reply JOIN name ON name.id = reply.name WHERE boot = ?1 AND worker = ?2",
		number.group(1).decode(), int(number.group(2)), int(number.group(3)))
	tap.equal(found, [("example.bad.www5",)], "its number leads to its event")


def kills_lose_nothing(tap):
	"""Killed again and again under load; the sender's numbers say what has to be there."""
	with lab.Lab(ZONES) as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place)
		source = subprocess.Popen([SOURCE, "--socket", place, "--spool", here.path("spool"), "--count", "60000", "--rate", "8000",
			"--workers", "2", "--ring", "16777216", "--commit", "300", "--heartbeat", "500", "--until", "written"],
			stdout=subprocess.PIPE, text=True)
		for _ in range(4):
			before = collector.status()["events"]
			try:
				lab.wait_for(lambda: collector.status()["events"] > before + 2000, "some load", 20)
			except TimeoutError:
				tap.note("the source was done early")
			collector.stop(signal.SIGKILL)
			collector.start()
		output = source.communicate(timeout=300)[0]
		told = dict(line.split() for line in output.splitlines())
		kept = int(told["emitted"]) - int(told["dropped_ring"]) - int(told["dropped_spool"])
		tap.equal((told["lost_socket"], told["unsure_socket"]), ("0", "0"), "the sender lost nothing")
		lab.wait_for(lambda: collector.count() >= kept, "all events", 120)
		tap.equal(collector.count(), kept, "every event is there, once")
		numbers = collector.rows("SELECT boot, worker, event.seq FROM event JOIN source ON source.id = event.source")
		tap.equal(len(set(numbers)), kept, "no number is there twice")
		tap.equal(sum(row[0] for row in collector.rows("SELECT sum(count) FROM seen")), kept, "the tables of numbers agree")
		tap.equal(sum(row[0] for row in collector.rows("SELECT sum(count) FROM pair")), kept, "what is counted agrees")
		tap.equal(collector.status()["state"], "running", "status says that it runs")
		collector.stop(signal.SIGKILL)
		tap.equal(collector.status()["state"], "ended", "and of one that was killed that it does not")
		tap.equal({row[0] for row in collector.rows("PRAGMA integrity_check")}, {"ok"}, "the files are whole")


def nothing_is_confirmed_without_room(tap):
	with lab.Lab(ZONES) as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place, options=["--keep-free", "1000000g"])
		status = collector.status()
		tap.equal((status["state"], status["why"][:27]), ("stopped", "the disk has less than 1024"), "status says why")
		code = subprocess.run([lab.VERDICTCTL, "collect", "--directory", collector.directory, "--status"],
			capture_output=True, timeout=60).returncode
		tap.equal(code, 1, "and its exit code that it takes nothing")
		run(here, clause("store", socket_path='"%s"' % place, commit_interval=1))
		volley.udp(here.port, QUESTIONS)
		time.sleep(2)   # a collector that would take them would have
		tap.equal(collector.count(), 0, "nothing is taken")
		collector.stop()
		collector.options = []
		collector.start()
		lab.wait_for(lambda: collector.count() >= len(QUESTIONS), "the frames that waited", 120)
		tap.equal(collector.count(), len(QUESTIONS), "all of it comes when there is room")
		here.unbound.stop()
		collector.stop()


def a_certificate_is_bound_to_its_identity(tap):
	with lab.Lab(ZONES) as here, lab.Lab(ZONES) as other:
		certificates(here)
		port = lab.free_port()
		pem = here.path
		tls = ["--tls-cert", pem("collector.pem"), "--tls-key", pem("collector.key"), "--tls-client-ca", pem("ca.pem")]
		identities = here.write("identities", "# who reports for whom\ncollector.test  resolver-1\n")
		plain = here.path("collect.sock")
		collector = Collector(here, "tls:127.0.0.1@%d" % port, "unix:" + plain, options=tls + ["--identities", identities])
		run(here, clause("store", address="127.0.0.1@%d" % port, tls="yes", tls_name="collector.test", tls_ca_file=pem("ca.pem"),
			tls_certificate=pem("resolver.pem"), tls_key=pem("resolver.key"), commit_interval=1), identity="resolver-1")
		run(other, clause("store", address="127.0.0.1@%d" % port, tls="yes", tls_name="collector.test", tls_ca_file=pem("ca.pem"),
			tls_certificate=pem("resolver.pem"), tls_key=pem("resolver.key"), commit_interval=1), identity="resolver-2")
		volley.udp(here.port, QUESTIONS)
		volley.udp(other.port, QUESTIONS[:100])
		lab.wait_for(lambda: collector.count() >= len(QUESTIONS), "the frames of the first", 120)
		lab.wait_for(lambda: collector.status()["refused"] > 0, "a refusal", 60)
		tap.equal({row[0] for row in collector.rows("SELECT identity FROM sensor")}, {"resolver-1"},
			"who has no certificate for its identity is refused")
		tap.ok('"resolver-2" is refused' in collector.process.output(), "and said", collector.process.output())
		with open(identities, "a") as file:
			file.write("collector.test resolver-2\n")
		collector.stop()
		collector.start()
		lab.wait_for(lambda: collector.count() >= len(QUESTIONS) + 100, "the frames of both", 120)
		tap.equal(collector.counts("SELECT identity, count(*) FROM event JOIN source ON source.id = event.source JOIN sensor"
			" ON sensor.id = source.sensor WHERE event.reply IN (SELECT reply.id FROM reply JOIN verdict ON verdict.id ="
			" reply.verdict WHERE verdict.verdict = 'refuse') GROUP BY 1"), {("resolver-1",): 100, ("resolver-2",): 20},
			"nothing of it is lost when the table is right")
		here.unbound.stop()
		other.unbound.stop()
		tap.equal(collector.count(), len(QUESTIONS) + 100, "two resolvers, each answer once")
		forged(tap, here, collector, plain, port)
		collector.stop()


def forged(tap, here, collector, plain, port):
	"""An identity that somebody else's certificate stands for, and any at all with one that stands for nobody."""
	sys.path.insert(0, os.path.join(lab.SRCDIR, "tests", "unit"))
	import dnstap_bytes

	def is_refused(sock, identity):
		refused = collector.status()["refused"]
		sock.sendall(dnstap_bytes.stream(dnstap_bytes.frame(identity=identity, response=dnstap_bytes.dns("x.example"))))
		lab.wait_for(lambda: collector.status()["refused"] > refused, "the refusal of " + identity, 60)

	with socket.socket(socket.AF_UNIX) as sock:
		sock.connect(plain)
		is_refused(sock, "resolver-1")
	tap.ok(True, "over a plain connection an identity that has a certificate is refused")
	context = ssl.create_default_context(cafile=here.path("ca.pem"))
	context.load_cert_chain(here.path("nameless.pem"), here.path("nameless.key"))
	with socket.create_connection(("127.0.0.1", port)) as sock, context.wrap_socket(sock, server_hostname="collector.test") as tls:
		is_refused(tls, "resolver-9")
	tap.ok(True, "a certificate without a name stands for nobody")


def native_dnstap_is_read(tap):
	with lab.Lab(ZONES) as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place)
		here.start_nsd()
		here.policy(LISTS, socket_path=False, file=False)
		here.start_unbound(rest="dnstap:\n\tdnstap-enable: yes\n\tdnstap-bidirectional: yes\n\tdnstap-socket-path: \"%s\"\n"
			"\tdnstap-send-identity: yes\n\tdnstap-identity: native\n\tdnstap-log-client-query-messages: yes\n"
			"\tdnstap-log-client-response-messages: yes\n\tdnstap-log-resolver-query-messages: yes\n"
			"\tdnstap-log-resolver-response-messages: yes\n" % place)
		lab.wait_for(lambda: collector.status()["connections"] > 0, "Unbound's own sender", 60)
		volley.udp(here.port, QUESTIONS[:100])
		here.ask("example", "AXFR", timeout=1)
		lab.wait_for(lambda: collector.count(where="path = 17") >= 100 and collector.count("reply", "type = 252") > 0,
			"its frames", 60)
		here.unbound.stop()
		collector.stop()
		tap.equal(collector.counts("SELECT type, count(*) FROM event JOIN reply ON reply.id = event.reply GROUP BY 1"),
			{(1,): 100, (252,): 1}, "Unbound's own question and answer are one, a transfer that no module sees is there")
		tap.equal(set(collector.rows("SELECT identity FROM sensor")), {("native",)}, "under its identity")
		tap.equal(set(collector.rows("SELECT rrname, rdata FROM pdns WHERE rrtype = 2")), {("example", b"\2ns\7example\0")},
			"name servers are what the name server told")


if __name__ == "__main__":
	lab.require()
	tap.run(every_answer_is_kept, kills_lose_nothing, nothing_is_confirmed_without_room, a_certificate_is_bound_to_its_identity,
		native_dnstap_is_read)
