"""The tap with real collectors: fstrm_capture that comes, goes, stops and dies; and collectors that misbehave.

Frames come from tap_source, so no resolver is needed. What arrived is decoded by protoc, dnstap-read and by hand.
"""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap as tap_protocol  # noqa: E402

BUILD = os.environ.get("builddir", ".")
SOURCE = os.environ.get("srcdir", ".")
CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
STOP_MS = 60000   # so long that a stop which waits for nothing shows, whatever else the machine does
EMIT_US = 5000000  # what memory that is not there yet can cost; a collector that is waited for is away for ever
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5


class Place:
	"""A directory for one test; every process begun in it ends with it."""

	def __enter__(self):
		self.directory = tempfile.mkdtemp(prefix="verdict-tap-")
		self.children = []
		return self

	def __exit__(self, *_):
		for child in self.children:
			if child.poll() is None:
				child.send_signal(signal.SIGCONT)
				child.kill()
			child.wait()
		shutil.rmtree(self.directory, ignore_errors=True)

	def path(self, name):
		return os.path.join(self.directory, name)

	def begin(self, *arguments, **options):
		child = subprocess.Popen([str(a) for a in arguments], **options)
		self.children.append(child)
		return child

	def capture(self, output="frames"):
		"""fstrm_capture, once it listens."""
		path = self.path("socket")
		if os.path.exists(path):
			os.unlink(path)
		child = self.begin("fstrm_capture", "-t", CONTENT_TYPE.decode(), "-u", path, "-w", self.path(output),
			stderr=subprocess.DEVNULL)
		wait_for(lambda: os.path.exists(path), "fstrm_capture listens")
		return child

	def is_connected(self, name):
		"""Has somebody accepted at that socket, and not closed yet?"""
		with open("/proc/net/unix") as file:
			return any(row.split()[5] == "03" for row in file if row.split()[-1] == self.path(name))

	def source(self, *arguments):
		return self.begin(os.path.join(BUILD, "tests/e2e/tap_source"), *arguments, stdout=subprocess.PIPE, text=True)


def wait_for(condition, what, seconds=60):
	until = time.monotonic() + seconds
	while not condition():
		if time.monotonic() > until:
			raise TimeoutError(what)
		time.sleep(0.01)


def counts(child):
	"""What tap_source prints at its end, as numbers."""
	output, _ = child.communicate(timeout=180)
	return {name: int(value) for name, value in (line.split() for line in output.splitlines())}


def end_capture(child):
	child.send_signal(signal.SIGTERM)
	child.wait(60)


def frames(path):
	"""The data frames of a Frame Streams file; a torn one at the end is left out, as readers do."""
	with open(path, "rb") as file:
		octets = file.read()
	at, found = 0, []
	while at + 4 <= len(octets):
		length, = struct.unpack_from(">I", octets, at)
		control = length == 0
		if control:
			at += 4
			length, = struct.unpack_from(">I", octets, at)
		if at + 4 + length > len(octets):
			break
		if not control:
			found.append(octets[at + 4:at + 4 + length])
		at += 4 + length
	return found


def extra(frame):
	return json.loads(re.search(rb'\{"v":1.*?\}(?=[rz])', frame, re.S).group().decode())


def sequences(found):
	"""The numbers of the frames, sorted: those with verdicts travel before plain ones. Notes about frames have none."""
	return sorted(number for number in (extra(frame).get("seq") for frame in found) if number)


def runs(numbers):
	"""[1, 2, 3, 7] as "1-3 7"."""
	parts = []
	for number in numbers:
		if parts and parts[-1][1] + 1 == number:
			parts[-1][1] = number
		else:
			parts.append([number, number])
	return " ".join("%d-%d" % tuple(part) for part in parts[:20])


def control(kind, content_type=b""):
	body = struct.pack(">I", kind)
	if content_type:
		body += struct.pack(">II", 1, len(content_type)) + content_type
	return struct.pack(">II", 0, len(body)) + body


class Collector(threading.Thread):
	"""A collector of our own: answers as told, then reads slowly, in small pieces."""

	def __init__(self, path, answer=True, content_type=CONTENT_TYPE, piece=777, pause=0.0, then=b""):
		super().__init__(daemon=True)
		self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		self.listener.bind(path)
		self.listener.listen(8)
		self.answer, self.content_type, self.piece, self.pause, self.then = answer, content_type, piece, pause, then
		self.octets = b""
		self.connections = 0
		self.start()

	def run(self):
		while True:
			connection, _ = self.listener.accept()
			self.connections += 1
			self.serve(connection)

	def serve(self, connection):
		if not self.answer:
			self.kept = connection
			return
		try:
			connection.recv(512)
			connection.sendall(control(ACCEPT, self.content_type) + self.then)
			received = []
			while True:
				piece = connection.recv(self.piece)
				received.append(piece)
				if not piece or piece.endswith(control(STOP)):
					break
				if self.pause:
					time.sleep(self.pause)
			self.octets += b"".join(received)
			connection.sendall(control(FINISH))
		except OSError:
			pass
		connection.close()


def a_collector_gets_every_frame_in_order(tap):
	with Place() as place:
		capture = place.capture()
		count = counts(place.source("--socket", place.path("socket"), "--count", 20000, "--rate", 20000,
			"--ring", 32 << 20, "--until", "written"))
		end_capture(capture)
		got = runs(sequences(frames(place.path("frames"))))
		tap.equal(got, "1-20000", "fstrm_capture has 20,000 frames")
		tap.equal((count["written_socket"], count["connects"], count["errors"]), (20000, 1, 0),
			"the counters say the same")


def readers_decode_what_arrives(tap):
	with Place() as place:
		count = counts(place.source("--file", place.path("frames"), "--count", 40, "--until", "written"))
		found = sorted(frames(place.path("frames")), key=lambda frame: extra(frame)["seq"])
		tap.equal((len(found), count["written_file"]), (40, 40), "40 frames in the file")
		text = subprocess.run(["protoc", "--decode=dnstap.Dnstap", "-I", os.path.join(SOURCE, "dnstap"),
			"dnstap.proto"], input=found[19], capture_output=True, check=True).stdout.decode()
		for wanted in ('type: CLIENT_RESPONSE', 'socket_family: INET', 'socket_protocol: UDP', 'query_port: 40000',
				'rule: "mal\\"ware:*.example.com"', 'type: "list"', 'action: LOCAL_DATA', 'match: QNAME',
				'value: "www.example.com"', 'identity: "tap-source"'):
			tap.ok(wanted in text, "protoc shows " + wanted, text)
		tap.ok(not re.search(r"^\s*\d+:", text, re.M), "protoc knows every field", text)
		lines = subprocess.run(["dnstap-read", place.path("frames")], capture_output=True,
			text=True, check=True).stdout.splitlines()
		tap.equal(len(lines), 40, "dnstap-read prints 40 lines")
		tap.ok("CR 127.0.0.9:40000 <- 127.0.0.1:53 UDP" in lines[0], "dnstap-read shows addresses", lines[0])
		tap.ok(lines[0].endswith("www.example.com/IN/A"), "dnstap-read shows the question", lines[0])
		message = subprocess.run(["dnstap-read", "-p", place.path("frames")], capture_output=True, text=True,
			check=True).stdout
		tap.equal(message.count("192.0.2.1"), 240, "dnstap-read -p parses every record")
		shown = extra(found[19])
		tap.equal((shown["verdict"], shown["incident"], shown["attack"], shown["list"]),
			("refuse", "6560abcd1234.0.20", ["T1071.004", "T1568"], 'mal"ware'), "extra is JSON with the verdict")


def a_collector_that_comes_late_gets_what_was_kept(tap):
	with Place() as place:
		source = place.source("--socket", place.path("socket"), "--count", 1000, "--rate", 1000, "--ring", 4 << 20,
			"--half", place.path("half"), "--until", "written")
		wait_for(lambda: os.path.exists(place.path("half")), "an attempt failed")
		capture = place.capture()
		os.unlink(place.path("half"))
		count = counts(source)
		end_capture(capture)
		tap.equal(runs(sequences(frames(place.path("frames")))), "1-1000",
			"half of the time without a collector loses nothing")
		tap.ok(count["errors"] > 0, "the failed attempts are counted", count)


def killed_collectors_cost_nothing(tap, spooled):
	"""Three times kill -9 under 20,000 frames a second; what was confirmed can not be taken back."""
	with Place() as place:
		spool = ("--spool", place.path("spool")) if spooled else ()
		capture = place.capture("frames0")
		source = place.source("--socket", place.path("socket"), "--count", 80000, "--rate", 20000, "--ring", 128 << 20,
			"--commit", 300, "--half", place.path("half"), "--until", "written", "--stop", STOP_MS, *spool)
		for kill in range(1, 4):
			wait_for(lambda: place.is_connected("socket"), "a connection")
			time.sleep(0.5)
			capture.kill()
			capture.wait()
			time.sleep(0.2)
			capture = place.capture("frames%d" % kill)
		wait_for(lambda: place.is_connected("socket"), "a connection")
		wait_for(lambda: os.path.exists(place.path("half")), "half of the frames")
		os.unlink(place.path("half"))
		count = counts(source)
		end_capture(capture)
		got = [number for kill in range(4) for number in sequences(frames(place.path("frames%d" % kill)))]
		where = "on disk" if spooled else "in memory"
		tap.equal(runs(sorted(set(got))), "1-80000", "three killed collectors cost nothing, " + where)
		tap.ok(len(got) < 80000 * 3, "and not everything comes again each time", len(got))
		tap.equal((count["lost_socket"], count["unsure_socket"], count["dropped_ring"], count["durable"]),
			(0, 0, 0, int(spooled)), "the counters say the same, " + where)
		tap.ok(count["connects"] >= 4 and count["commits"] >= 1, "it confirmed as it went, " + where, count)
		tap.ok(count["longest_emit_us"] < EMIT_US, "no emit waited, " + where, count)


def killed_collectors_cost_nothing_on_disk(tap):
	killed_collectors_cost_nothing(tap, True)


def killed_collectors_cost_nothing_in_memory(tap):
	killed_collectors_cost_nothing(tap, False)


def a_killed_source_loses_nothing(tap):
	"""Its rings and its spool are sent by the next one."""
	with Place() as place:
		common = ("--socket", place.path("socket"), "--spool", place.path("spool"), "--commit", 200, "--heartbeat", 100)
		source = place.source(*common, "--count", 30000, "--rate", 20000, "--workers", 3, "--ring", 8 << 20)
		first = os.path.join(place.path("spool"), "plain-000000000001.fstrm")
		wait_for(lambda: os.path.exists(first) and os.path.getsize(first) > 5 << 20, "a fifth of the frames")
		source.kill()
		source.wait()
		capture = place.capture()
		count = counts(place.source(*common, "--count", 10, "--boot", 7, "--until", "written", "--stop", STOP_MS))
		end_capture(capture)
		found = [extra(frame) for frame in frames(place.path("frames"))]
		former = {one["former"]["worker"]: one["former"] for one in found if "former" in one}
		tap.equal(sorted(former), [0, 1, 2], "each worker of the killed one is told of")
		for worker, note in former.items():
			numbers = {one["seq"] for one in found if one.get("worker") == worker and one["boot"] != "000000000007"}
			# A slow build outruns its ring; what that cost is told to the frame.
			tap.equal(len(numbers) + note["dropped"], note["seq"],
				"every frame of worker %d that was not dropped came, to its last" % worker)
			tap.ok(numbers and not note["damaged"] and max(numbers) <= note["seq"], "and none that it did not send", note)
		tap.equal((count["durable"], count["lost_socket"]), (1, 0), "the counters say the same")
		tap.ok(any("heartbeat" in one for one in found), "its heartbeats come, too")
		tap.equal(overtaken(found), [], "no heartbeat and no note overtakes what it tells of")


def overtaken(found):
	"""Frames that come behind a heartbeat or a note that tells of them."""
	told, seen, late = {}, set(), []
	for one in found:
		for tally in one.get("workers", [one["former"]] if "former" in one else []):
			source = one["boot"], tally["worker"]
			told[source] = max(told.get(source, 0), tally["seq"])
		if "seq" in one:
			number = one["boot"], one["worker"], one["seq"]
			if number not in seen and one["seq"] <= told.get(number[:2], 0):
				late.append(number)
			seen.add(number)
	return late[:5]


def heartbeats_say_how_far_it_came(tap):
	with Place() as place:
		capture = place.capture()
		count = counts(place.source("--socket", place.path("socket"), "--count", 2000, "--rate", 2000, "--until", "written",
			"--heartbeat", 100, "--commit", 200, "--stop", STOP_MS))
		end_capture(capture)
		found = [extra(frame) for frame in frames(place.path("frames"))]
		beats = [one for one in found if "heartbeat" in one]
		tap.ok(len(beats) >= 5, "heartbeats come", len(beats))
		tap.equal([one["heartbeat"] for one in beats], list(range(1, len(beats) + 1)), "numbered without a gap")
		tap.equal(beats[-1]["workers"], [{"worker": 0, "seq": 2000, "dropped": 0}], "the last one tells the last number")
		tap.equal(beats[-1]["targets"][0]["name"], "socket", "and of each target")
		tap.ok("synchronized" in beats[-1].get("clock", {"synchronized": 0}), "and of the clock", beats[-1])
		tap.equal(count["lost_socket"], 0, "nothing is lost")


def a_stopped_collector_holds_up_nobody(tap):
	with Place() as place:
		capture = place.capture()
		source = place.source("--socket", place.path("socket"), "--file", place.path("file"), "--count", 20000,
			"--rate", 10000, "--ring", 32 << 20, "--until", "written", "--stop", STOP_MS)
		wait_for(lambda: os.path.exists(place.path("file")) and os.path.getsize(place.path("file")) > 100000,
			"frames flow")
		capture.send_signal(signal.SIGSTOP)
		count = counts(source)
		tap.equal((count["written_file"], count["dropped_ring"]), (20000, 0), "the file has every frame")
		tap.equal(runs(sequences(frames(place.path("file")))), "1-20000", "in order")
		tap.ok(count["written_socket"] < 20000, "the socket was stuck", count)
		tap.ok(count["stop_ms"] < STOP_MS / 2, "the stop took less than its time", count)
		tap.ok(count["longest_emit_us"] < EMIT_US, "no emit waited", count)


def a_collector_that_never_answers_holds_up_nobody(tap):
	with Place() as place:
		collector = Collector(place.path("socket"), answer=False)
		count = counts(place.source("--socket", place.path("socket"), "--file", place.path("file"),
			"--count", 10000, "--rate", 10000, "--ring", 16 << 20, "--until", "error", "--stop", STOP_MS))
		tap.equal((count["written_file"], count["connects"]), (10000, 0), "the file has every frame")
		tap.ok(count["stop_ms"] < STOP_MS / 2, "the stop took less than its time", count)
		tap.ok(collector.connections >= 1 and count["errors"] >= 1, "the attempt was given up", count)


def no_collector_at_all_costs_no_time(tap):
	with Place() as place:
		count = counts(place.source("--socket", place.path("socket"), "--count", 50000, "--ring", 65536,
			"--stop", STOP_MS))
		tap.ok(count["stop_ms"] < STOP_MS / 2, "the stop does not wait for nobody", count)
		tap.equal((count["written_socket"], count["emitted"]), (0, 50000), "nothing is written, all is counted")
		tap.equal(count["given_up"], 50000, "and told at the end")


def a_slow_collector_gets_whole_frames(tap):
	with Place() as place:
		collector = Collector(place.path("socket"), piece=777, pause=0.0002)
		count = counts(place.source("--socket", place.path("socket"), "--count", 3000, "--until", "written",
			"--ring", 4194304, "--stop", STOP_MS))
		wait_for(lambda: collector.octets, "the collector has read to the end")
		with open(place.path("frames"), "wb") as file:
			file.write(collector.octets)
		got = runs(sequences(frames(place.path("frames"))))
		tap.equal(got, "1-3000", "short writes are continued where they ended")
		tap.equal((count["written_socket"], count["errors"]), (3000, 0), "the counters say the same")
		tap.ok(collector.octets.endswith(control(STOP)), "the stream ends with STOP")


def collectors_that_speak_nonsense_are_left(tap):
	rows = (("an ACCEPT for another content type", {"content_type": b"text/plain"}),
		("words after the ACCEPT", {"then": b"hello"}), ("a FINISH that nobody asked for", {"then": control(FINISH)}))
	for why, options in rows:
		with Place() as place:
			Collector(place.path("socket"), **options)
			count = counts(place.source("--socket", place.path("socket"), "--file", place.path("file"),
				"--count", 1000, "--rate", 2000, "--until", "error"))
			tap.ok(count["errors"] >= 1 and count["written_file"] == 1000, why + " ends the connection only", count)


def a_full_disk_delays_and_counts(tap):
	with Place() as place:
		small = place.path("small")
		os.mkdir(small)
		mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small],
			stderr=subprocess.DEVNULL).returncode == 0
		if not mounted:
			tap.skip("a full disk", "cannot mount a small tmpfs here")
			return
		try:
			with open(os.path.join(small, "ballast"), "wb") as file:
				file.write(b"x" * 150000)
			source = place.source("--file", os.path.join(small, "frames"), "--count", 500, "--rate", 1000,
				"--until", "written")
			wait_for(lambda: os.statvfs(small).f_bavail <= 1, "the disk is full")
			os.unlink(os.path.join(small, "ballast"))
			count = counts(source)
			tap.equal(runs(sequences(frames(os.path.join(small, "frames")))), "1-500",
				"after the disk had been full, the file has every frame, none torn")
			tap.equal(count["written_file"], 500, "the counters say the same")
		finally:
			subprocess.run(["umount", small], check=False)


if __name__ == "__main__":
	if not shutil.which("fstrm_capture") or not shutil.which("protoc") or not shutil.which("dnstap-read"):
		print("1..0 # SKIP needs fstrm_capture, protoc and dnstap-read")
		sys.exit(0)
	tap_protocol.run(
		a_collector_gets_every_frame_in_order,
		readers_decode_what_arrives,
		a_collector_that_comes_late_gets_what_was_kept,
		killed_collectors_cost_nothing_on_disk,
		killed_collectors_cost_nothing_in_memory,
		a_killed_source_loses_nothing,
		heartbeats_say_how_far_it_came,
		a_stopped_collector_holds_up_nobody,
		a_collector_that_never_answers_holds_up_nobody,
		no_collector_at_all_costs_no_time,
		a_slow_collector_gets_whole_frames,
		collectors_that_speak_nonsense_are_left,
		a_full_disk_delays_and_counts,
	)
