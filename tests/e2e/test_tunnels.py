#!/usr/bin/python3
"""Real tunnels through the real resolver: dns2tcp and iodine are seen within the first octets that they carry, and cut off
where the detector may deny."""

import base64
import contextlib
import os
import shutil
import socket
import threading

import lab
import tap
import test_detect

ADDRESS = "127.97.53.%d" % (1 + os.getpid() % 250)     # the tools ask at port 53 and nowhere else
CLAUSES = test_detect.NO_WARM_UP
BLOCK = CLAUSES + "detection:\n\tflag-action: refuse\ndetector:\n\tname: tunnel\n\taction: block\n"
FIRST_OCTETS = 1024
CUT_OFF_OCTETS = 8192                  # of names: twice those of information that the tier block takes


def tool(name):
	return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def binds_port_53():
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		try:
			sock.bind((ADDRESS, 53))
		except OSError as error:
			return str(error)
	return ""


def lacks(*programs):
	"""What is missing, or an empty text."""
	for program in programs:
		if tool(program) is None:
			return "no %s: install dns2tcp and iodine" % program
	return binds_port_53()


class Sink:
	"""A TCP server that counts what comes."""

	def __init__(self):
		self.server = socket.create_server(("127.0.0.1", 0))
		self.port = self.server.getsockname()[1]
		self.octets = 0
		threading.Thread(target=self.run, daemon=True).start()

	def run(self):
		while True:
			try:
				connection, _ = self.server.accept()
			except OSError:
				return
			threading.Thread(target=self.take, args=(connection,), daemon=True).start()

	def take(self, connection):
		while True:
			piece = connection.recv(65536)
			if not piece:
				return
			self.octets += len(piece)


def frames_of(here, zone):
	"""(labels in front of the zone, detections, verdict) of each frame about it, in order of their numbers."""
	found = []
	depth = zone.count(".") + 2
	for frame in lab.frames.read(here.frames_file):
		if frame.query is None or not frame.query.question:
			continue
		name = frame.query.question[0].name
		if str(name).lower().endswith("." + zone + "."):
			found.append((frame.extra["seq"], name.labels[:-depth], frame.extra.get("detections", []), frame.extra["verdict"]))
	return [one[1:] for one in sorted(found, key=lambda item: item[0])]


def seen_after(here, zone):
	"""(questions, octets of new names in front of the zone) up to the first time that a tunnel is told of; None: never."""
	questions = octets = 0
	known = set()
	for labels, detections, _ in frames_of(here, zone):
		questions += 1
		octets += 0 if labels in known else sum(len(label) for label in labels)
		known.add(labels)
		if any(detection["detector"] == "tunnel" for detection in detections):
			return questions, octets
	return None


def told_of(here, zone):
	return {(detection["detector"], detection["tier"]) for _, found, _ in frames_of(here, zone) for detection in found}


def got_through(here, zone):
	"""(octets of different names that were answered, questions that were denied, questions answered behind the first of these)"""
	verdicts = [verdict for _, _, verdict in frames_of(here, zone)]
	first = verdicts.index("refuse") if "refuse" in verdicts else len(verdicts)
	answered = {labels for labels, _, verdict in frames_of(here, zone) if verdict == "allow"}
	return (sum(len(label) for labels in answered for label in labels), verdicts.count("refuse"),
		verdicts[first:].count("allow"))


def laboratory(server_port, zone, clauses=CLAUSES):
	here = lab.Lab({"%s" % zone: test_detect.zone(zone, "www A 192.0.2.1")})
	here.start_nsd()
	here.policy([], raw=clauses, socket_path=False)
	here.start_unbound(server="\tinterface: %s@53\n" % ADDRESS,
		rest='stub-zone:\n\tname: "t.%s"\n\tstub-addr: 127.0.0.1@%d\n\tstub-no-cache: yes\n' % (zone, server_port))
	return here


@contextlib.contextmanager
def dns2tcp(here, zone, port, sink):
	"""A connection to the sink, through names of the zone."""
	here.write("dns2tcpd.conf", "listen = 127.0.0.1\nport = %d\nuser = root\nchroot = %s\ndomain = t.%s\nresources = sink:127.0.0.1:%d\n"
		% (port, here.dir, zone, sink.port))
	server = lab.Process([tool("dns2tcpd"), "-F", "-d", "1", "-f", here.path("dns2tcpd.conf")], here.path("dns2tcpd.log"))
	local = lab.free_port()
	client = lab.Process([tool("dns2tcpc"), "-z", "t." + zone, "-r", "sink", "-l", str(local), "-d", "1", ADDRESS],
		here.path("dns2tcpc.log"))

	def connect():
		try:
			return socket.create_connection(("127.0.0.1", local), 1)
		except OSError:
			return None
	try:
		with lab.wait_for(connect, "dns2tcpc:\n" + client.output()) as connection:
			yield connection
	finally:
		client.stop()
		server.stop()


def dns2tcp_is_seen(tap):
	zone, port, sink = "dns2tcp-lab.com", lab.free_port(), Sink()
	with laboratory(port, zone) as here:
		with dns2tcp(here, zone, port, sink) as connection:
			connection.sendall(base64.b64encode(os.urandom(15000)))
			lab.wait_for(lambda: sink.octets > 5000, "data at the far end: %d" % sink.octets)
			lab.wait_for(lambda: {("tunnel", "high"), ("tunnel", "block")} & told_of(here, zone), "a tunnel in the frames")
		seen = seen_after(here, zone)
		print("# dns2tcp: seen at question %d, %d octets of names; %d octets came through" % (*seen, sink.octets))
		tap.ok(seen[1] <= 2 * FIRST_OCTETS, "dns2tcp is seen within its first kilobytes", seen)
		tap.ok(("tunnel", "high") in told_of(here, zone) or ("tunnel", "block") in told_of(here, zone),
			"and for sure a little later", told_of(here, zone))


def dns2tcp_is_cut_off(tap):
	zone, port, sink, wanted = "dns2tcp-lab.com", lab.free_port(), Sink(), 60000
	with laboratory(port, zone, BLOCK) as here:
		with dns2tcp(here, zone, port, sink) as connection:
			# Its one flow of questions is paced by hand: a denial takes a busy machine its time. What it writes in both
			# cases its server is asked in one, and mostly the two do not even agree on a session.
			def send_on():
				try:
					if got_through(here, zone)[1] == 0 and send_on.sent < wanted:
						connection.sendall(base64.b64encode(os.urandom(192)))
						send_on.sent += 256
				except OSError:
					return True
				return got_through(here, zone)[1] >= 5
			send_on.sent = 0
			lab.wait_for(send_on, "denials, or the end of the connection")
		lab.wait_for(lambda: got_through(here, zone)[0], "the frames of its first questions")
		_, later = check_cut_off(tap, "dns2tcp", here, zone, sink.octets)
		tap.ok(sink.octets <= CUT_OFF_OCTETS and send_on.sent < wanted and later == 0, "as does what was in them",
			(sink.octets, send_on.sent, later))


def check_cut_off(tap, name, here, zone, came):
	"""Returns how many questions were denied, and how many were answered behind the first of these."""
	octets, denied, later = got_through(here, zone)
	print("# %s: %d octets of names got through, %s of data; then %d questions were denied" % (name, octets, came, denied))
	tap.ok(0 < octets <= CUT_OFF_OCTETS, name + " is cut off, and what its names held until then ends", octets)
	return denied, later


@contextlib.contextmanager
def iodine(here, zone, port):
	"""The name of the client's interface, from which what is sent to the far end goes through names of the zone."""
	server = lab.Process([tool("iodined"), "-f", "-c", "-P", "secret", "-p", str(port), "-l", "127.0.0.1", "-d", "vtun0",
		"10.97.53.1/28", "t." + zone], here.path("iodined.log"))
	client = lab.Process([tool("iodine"), "-f", "-r", "-P", "secret", "-d", "vtun1", "-I", "1", ADDRESS, "t." + zone],
		here.path("iodine.log"))
	try:
		yield "vtun1", client, server
	finally:
		client.stop()
		server.stop()


def lacks_tun(tap, claim):
	if os.access("/dev/net/tun", os.W_OK):
		return False
	tap.skip(claim, "no /dev/net/tun")
	return True


def iodine_is_seen(tap):
	zone, port = "iodine-lab.com", lab.free_port()
	if lacks_tun(tap, "iodine is seen within its first kilobytes"):
		return
	with laboratory(port, zone) as here:
		with iodine(here, zone, port) as (_, client, server):
			lab.wait_for(lambda: seen_after(here, zone), "a tunnel in the frames:\n" + client.output() + server.output())
		seen = seen_after(here, zone)
		print("# iodine: seen at question %d, %d octets of names" % seen)
		tap.ok(seen[1] <= 2 * FIRST_OCTETS, "iodine is seen within its first kilobytes", seen)
		print("# told of: %s" % sorted(told_of(here, zone)))


def iodine_is_cut_off(tap):
	zone, port = "iodine-lab.com", lab.free_port()
	if lacks_tun(tap, "iodine is cut off"):
		return
	with laboratory(port, zone, BLOCK) as here:
		with iodine(here, zone, port) as (interface, client, server), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
			def send_on():
				try:
					sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
					if got_through(here, zone)[1] == 0:
						sock.sendto(os.urandom(200), ("10.97.53.9", 9))
				except OSError:
					pass              # the interface comes when both ends have agreed
				return got_through(here, zone)[1] >= 5
			lab.wait_for(send_on, "denials:\n" + client.output() + server.output())
		denied, later = check_cut_off(tap, "iodine", here, zone, "no count")
		tap.ok(denied > 0 and later == 0, "no question is answered from the first denial on", (denied, later))


def main():
	lab.require()
	reason = lacks("dns2tcpc", "dns2tcpd", "iodine", "iodined")
	if reason:
		print("1..0 # SKIP " + reason)
		return
	tap.run(dns2tcp_is_seen, dns2tcp_is_cut_off, iodine_is_seen, iodine_is_cut_off)


if __name__ == "__main__":
	main()
