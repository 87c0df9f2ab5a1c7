"""A laboratory on loopback: NSD as the authority, the real Unbound with the library, the real fstrm_capture.

Waiting is polling, and every process is ended by its id, also when the test dies.
Environment: builddir (where the library and verdictctl are), UNBOUND_DIR or UNBOUND_SBIN (unbound's programs), NSD.
VERDICT_KEEP=1 keeps the directory of each laboratory and prints its name.
"""

import atexit
import ctypes
import functools
import glob
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

import frames

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import AVOID, LAST, free_port   # noqa: E402  (the path comes first)

SRCDIR = os.environ.get("srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILDDIR = os.environ.get("builddir", os.path.join(SRCDIR, "build"))
SBIN = os.environ.get("UNBOUND_SBIN") or os.environ.get("UNBOUND_DIR") or "/usr/sbin"
NSD = os.environ.get("NSD") or shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin") \
	or os.path.join(BUILDDIR, "nsd/usr/sbin/nsd")
LIBRARY = os.path.join(BUILDDIR, ".libs/unbound-verdict.so")
VERDICTCTL = os.path.join(BUILDDIR, "verdictctl")
FAKETIME = next(iter(glob.glob("/usr/lib/%s-*/faketime/libfaketime.so.1" % platform.machine())), None)
DATA = os.environ.get("VERDICT_DATA", os.path.join(SRCDIR, "../shared/data"))
CONTENT_TYPE = "protobuf:dnstap.Dnstap"
PATIENCE = 60.0 * float(os.environ.get("VERDICT_SLOW", "1"))   # seconds before waiting is a failure

# For an Unbound with AddressSanitizer: it frees little at its end, and the library looks for a text in the program's
# segments, red zones included.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=32:"
	"intercept_memmem=0:intercept_strlen=0:intercept_strchr=0:intercept_strndup=0:replace_str=0")

running = []


def require():
	"""Ends the program as skipped, with the reason, when something that it cannot do without is missing."""
	wanted = {LIBRARY: "configure --with-unbound and make", os.path.join(SBIN, "unbound"): "set UNBOUND_SBIN", NSD: "set NSD"}
	for path, remedy in wanted.items():
		if not os.access(path, os.R_OK):
			print("1..0 # SKIP no %s: %s" % (path, remedy))
			sys.exit(0)
	if shutil.which("fstrm_capture") is None:
		print("1..0 # SKIP no fstrm_capture: install fstrm-bin")
		sys.exit(0)


def wait_for(condition, what, patience=None):
	"""Polls until condition() is true and returns what it gave."""
	end = time.monotonic() + (patience or PATIENCE)
	while True:
		value = condition()
		if value:
			return value
		if time.monotonic() > end:
			raise TimeoutError("waited in vain for " + what)
		time.sleep(0.01)


def die_with(parent):
	"""A test that is killed leaves nothing behind: for a child to call, also if its parent is gone already."""
	ctypes.CDLL(None).prctl(1, signal.SIGKILL)
	if os.getppid() != parent:
		os._exit(1)


class Process:
	def __init__(self, arguments, log, environment=None, errors=None):
		"""`errors`: where stderr goes, for what prints rows that a word from elsewhere must not part."""
		self.log = log
		with open(log, "ab") as out, open(errors or log, "ab") as err:
			self.popen = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
				env=dict(os.environ, **(environment or {})), preexec_fn=functools.partial(die_with, os.getpid()))
		self.pid = self.popen.pid
		running.append(self)

	def alive(self):
		return self.popen.poll() is None

	def output(self):
		with open(self.log, errors="replace") as file:
			return file.read()

	def send(self, number):
		self.popen.send_signal(number)

	def stop(self, number=signal.SIGTERM, patience=PATIENCE):
		"""Ends it and returns the seconds that took; killed when it is not gone in time."""
		start = time.monotonic()
		if self.alive():
			self.send(number)
			self.send(signal.SIGCONT)
			try:
				self.popen.wait(patience)
			except subprocess.TimeoutExpired:
				self.popen.kill()
				self.popen.wait()
		if self in running:
			running.remove(self)
		return time.monotonic() - start

	def cpu_seconds(self):
		"""By the scheduler's clock, which is in nanoseconds, where the kernel keeps it; else in ticks."""
		tasks = "/proc/%d/task" % self.pid
		try:
			return sum(int(open("%s/%s/schedstat" % (tasks, task)).read().split()[0]) for task in os.listdir(tasks)) / 1e9
		except OSError:
			pass
		with open("/proc/%d/stat" % self.pid) as file:
			stat = file.read().rsplit(")", 1)[1].split()
		return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

	def rss_octets(self):
		with open("/proc/%d/smaps_rollup" % self.pid) as file:
			return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))


@functools.lru_cache
def patient_server():
	"""For `server:`: no answer is dropped because it comes late, which releases since the fix of CVE-2024-33655 do after 1.9
	seconds, and no question because others of its client wait."""
	with open(os.path.join(SBIN, "unbound"), "rb") as file:
		known = b"discard-timeout:" in file.read()
	return "\tdiscard-timeout: 0\n\twait-limit: 0\n" if known else ""


def by_clock(ahead=None, file=None):
	"""What precedes the command of a program whose wall clock is put on, by libfaketime, which has to be there. `ahead`: so
	much, as in "+8d". `file`: by what it says, which may change; but when two threads look, one of them now and then gets
	the right time, so this is for a program of one thread, or for one that has to live with a clock that leaps."""
	how = ("FAKETIME=" + ahead,) if file is None else ("FAKETIME_NO_CACHE=1", "FAKETIME_TIMESTAMP_FILE=" + file)
	return ("env", "LD_PRELOAD=" + FAKETIME, "DONT_FAKE_MONOTONIC=1", *how,
		"ASAN_OPTIONS=%s:verify_asan_link_order=0" % os.environ["ASAN_OPTIONS"])


def connections(place):
	"""How many somebody has accepted at that Unix socket and not closed yet."""
	with open("/proc/net/unix") as file:
		rows = [line.split() for line in file]
	return sum(1 for row in rows if row[-1] == place and row[5] == "03")


def stop_all():
	for process in list(running):
		process.stop()


atexit.register(stop_all)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))


def ede(answer):
	"""The (code, text) of the answer's first Extended DNS Error, or None."""
	for option in answer.options:
		if option.otype == dns.edns.OptionType.EDE:
			return int(option.code), option.text
	return None


def rdata(answer, qtype="A"):
	"""The answer section's data of that type, sorted."""
	wanted = dns.rdatatype.from_text(qtype)
	return sorted(item.to_text() for rrset in answer.answer if rrset.rdtype == wanted for item in rrset)


class Lab:
	def __init__(self, zones=None):
		self.dir = tempfile.mkdtemp(prefix="verdict-lab.")
		atexit.register(self.remove)
		self.nsd = self.unbound = self.capture = None
		self.frames_file = self.path("frames.fstrm")
		self.capture_file = self.path("capture.fstrm")
		self.socket_path = self.path("tap.sock")
		self.captures = 0
		self.every_frame_is_filed = True
		self.nsd_port = free_port()
		self.port = free_port()
		self.zones = zones if zones is not None else {}

	def __enter__(self):
		return self

	def __exit__(self, *exception):
		self.stop()
		if exception[0] is not None and self.unbound:
			print("# unbound: " + self.unbound.output()[-3000:].replace("\n", "\n# "))

	def remove(self):
		if os.environ.get("VERDICT_KEEP"):
			print("# kept: " + self.dir)
		else:
			shutil.rmtree(self.dir, ignore_errors=True)

	def path(self, name):
		return os.path.join(self.dir, name)

	def write(self, name, content):
		with open(self.path(name), "w") as file:
			file.write(content)
		return self.path(name)

	def replace(self, name, content):
		"""As publishers should: who watches the file sees all of it or nothing."""
		os.rename(self.write(name + ".new", content), self.path(name))
		return self.path(name)

	# --- the authority

	def start_nsd(self, more=""):
		"""`more`: further clauses for nsd.conf."""
		clauses = [more]
		for number, (zone, content) in enumerate(self.zones.items()):
			file = self.write("zone%d" % number, content)
			clauses.append('zone:\n\tname: "%s"\n\tzonefile: "%s"\n' % (zone, file))
		self.write("nsd.conf", """server:
	ip-address: 127.0.0.1@%d
	username: ""
	chroot: ""
	zonesdir: "%s"
	database: ""
	pidfile: "%s"
	xfrdfile: "%s"
	zonelistfile: "%s"
	xfrdir: "%s"
	server-count: 1
	rrl-ratelimit: 0
remote-control:
	control-enable: no
%s""" % (self.nsd_port, self.dir, self.path("nsd.pid"), self.path("xfrd"), self.path("zonelist"), self.dir, "".join(clauses)))
		self.nsd = Process([NSD, "-d", "-c", self.path("nsd.conf")], self.path("nsd.log"))
		zone = next(iter(self.zones))
		wait_for(lambda: self.nsd_answers(zone), "NSD")

	def nsd_answers(self, zone):
		try:
			answer = dns.query.udp(dns.message.make_query(zone, "SOA"), "127.0.0.1", port=self.nsd_port, timeout=1)
			return answer.rcode() == dns.rcode.NOERROR
		except (OSError, dns.exception.DNSException):
			return False

	# --- the policy

	def policy(self, lists, mode="enforce", frames_mode="all", socket_path=True, file=True, raw=""):
		"""Writes verdict.conf. `lists` holds dictionaries: name, format, lines or file, and any other key as an option."""
		text = 'verdict:\n\tidentity: "lab"\n\tmode: %s\n\tstate-directory: "%s"\n' % (mode, self.path("state"))
		for entry in lists:
			options = dict(entry)
			lines = options.pop("lines", None)
			if lines is not None:
				options["file"] = self.replace("list-%s" % entry["name"], "\n".join(lines) + "\n")
			text += "policy-list:\n"
			for key, value in options.items():
				for item in value if isinstance(value, list) else [value]:
					text += '\t%s: %s\n' % (key, '"%s"' % item if key in ("name", "file", "attack") else item)
		text += "dnstap:\n\tframes: %s\n" % frames_mode
		if socket_path:
			text += '\tsocket-path: "%s"\n' % self.socket_path
		if file:
			text += '\tfile: "%s"\n' % self.frames_file
		self.every_frame_is_filed = file and frames_mode == "all"
		return self.replace("verdict.conf", text + raw)

	# --- the collector

	def start_capture(self):
		self.captures += 1
		self.capture_file = self.path("capture%d.fstrm" % self.captures)
		if os.path.exists(self.socket_path):
			os.unlink(self.socket_path)
		self.capture = Process(["fstrm_capture", "-t", CONTENT_TYPE, "-u", self.socket_path, "-w", self.capture_file],
			self.path("capture.log"))
		wait_for(lambda: os.path.exists(self.socket_path), "fstrm_capture's socket")

	def captured(self, parse=True):
		"""Ends the collector (its writer never flushes before) and reads what it has written. What came again, octet for octet,
		as after a reload, is left out. The resolver has ended, by finish()."""
		self.end_capture()
		return frames.read(self.capture_file, parse, again=False)

	def end_capture(self):
		"""When it has read to the end of each connection: what it is told to end it leaves where it is."""
		wait_for(lambda: not self.capture.alive() or not connections(self.socket_path), "fstrm_capture to read all")
		self.capture.stop()

	# --- the resolver

	def frames_status(self):
		"""What `verdictctl status` says of frames."""
		done = subprocess.run([VERDICTCTL, "status", "--json", "--config", self.path("verdict.conf")], capture_output=True, text=True,
			timeout=60)
		return json.loads(done.stdout)["frames"]

	def wait_sent(self, beats=0):
		"""Until every target has every frame, and so many heartbeats behind them: at its end the library gives the rest a second,
		which may be too little here."""
		begun = self.frames_status()["heartbeats"]

		def sent():
			status = self.frames_status()
			return status["heartbeats"] >= begun + beats and all(target["unread"] == 0
				and target["written"] >= status["emitted"] + status["heartbeats"] for target in status["targets"])
		wait_for(sent, "every frame to be sent", 2 * PATIENCE)

	def finish(self, beats=0):
		"""Ends the resolver when every target has every frame."""
		self.wait_sent(beats)
		return self.unbound.stop()

	def unbound_conf(self, threads=1, server="", rest="", module="dynlib validator iterator", library=LIBRARY):
		stubs = "".join('stub-zone:\n\tname: "%s"\n\tstub-addr: 127.0.0.1@%d\n' % (zone, self.nsd_port)
			for zone in list(self.zones) + ["lame.test"])
		local = "".join('\tlocal-zone: "%s" nodefault\n' % zone for zone in ("test.", "invalid.", "onion."))
		dynlib = 'dynlib:\n\tdynlib-file: "%s"\n' % library if "dynlib" in module else ""
		return self.write("unbound.conf", """server:
	directory: "%s"
	username: ""
	chroot: ""
	pidfile: "%s"
	logfile: ""
	use-syslog: no
	log-time-ascii: yes
	interface: 127.0.0.1
	port: %d
	do-ip6: no
	num-threads: %d
	do-not-query-localhost: no
	module-config: "%s"
	trust-anchor-signaling: no
	unblock-lan-zones: yes
	insecure-lan-zones: yes
	qname-minimisation: no
	outgoing-port-avoid: %s
%s%s%s
remote-control:
	control-enable: yes
	control-interface: "%s"
	control-use-cert: no
%s%s%s""" % (self.dir, self.path("unbound.pid"), self.port, threads, module, AVOID, patient_server(), local, server, self.path("control.sock"), stubs,
			dynlib, rest))

	def launch_unbound(self, binary=None, wrapper=()):
		"""Starts it without waiting; unbound_conf and policy come first."""
		arguments = list(wrapper) + [binary or os.path.join(SBIN, "unbound"), "-d", "-c", self.path("unbound.conf")]
		log = self.path("unbound.log")
		if os.path.exists(log):
			os.unlink(log)
		self.unbound = Process(arguments, log, {"UNBOUND_VERDICT_CONF": self.path("verdict.conf")})
		return self.unbound

	def start_unbound(self, **options):
		self.unbound_conf(**options)
		self.launch_unbound()
		self.wait_ready()

	def wait_ready(self, starts=1):
		def ready():
			if not self.unbound.alive():
				raise RuntimeError("unbound ended:\n" + self.unbound.output())
			return self.unbound.output().count("start of service") >= starts
		wait_for(ready, "unbound to start")

	def control(self, *arguments):
		done = subprocess.run([os.path.join(SBIN, "unbound-control"), "-c", self.path("unbound.conf")] + list(arguments),
			capture_output=True, text=True, timeout=PATIENCE)
		return done.returncode, done.stdout + done.stderr

	def statistics(self):
		code, text = self.control("stats_noreset")
		if code != 0:
			raise RuntimeError(text)
		return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

	def cached(self, name, qtype="A"):
		"""Does the message cache hold that question?"""
		code, text = self.control("dump_cache")
		if code != 0:
			raise RuntimeError(text)
		return any(line.startswith("msg %s. IN %s " % (name.rstrip("."), qtype)) for line in text.splitlines())

	def start(self, lists, threads=1, server="", rest="", **policy):
		"""All of it: authority, collector, policy, resolver."""
		self.start_nsd()
		self.start_capture()
		self.policy(lists, **policy)
		self.start_unbound(threads=threads, server=server, rest=rest)

	def stop(self):
		for process in (self.unbound, self.capture, self.nsd):
			if process:
				process.stop()

	# --- questions

	def ask(self, name, qtype="A", tcp=False, timeout=PATIENCE, rdclass="IN", edns=True, client="127.0.0.1", **options):
		"""Returns (answer or None, frame or None). The frame is found by client port and message id; none is waited for where not
		every answer has one in a file, and where there is no answer. `timeout`: less only where no answer is to come."""
		query = dns.message.make_query(name, qtype, rdclass, use_edns=0 if edns else False, **options)
		with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
			sock.bind((client, 0))
			port = sock.getsockname()[1]
			try:
				if tcp:
					sock.settimeout(timeout)
					sock.connect(("127.0.0.1", self.port))
				sock.setblocking(False)
				if tcp:
					answer = dns.query.tcp(query, "127.0.0.1", port=self.port, timeout=timeout, sock=sock)
				else:
					answer = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=timeout, sock=sock)
			except (dns.exception.Timeout, EOFError):   # a drop over TCP closes the connection
				answer = None
		return answer, self.frame(port, query.id) if answer is not None and self.every_frame_is_filed else None

	def frame(self, port, identifier):
		def find():
			return next((frame for frame in frames.read(self.frames_file)
				if frame.client_port == port and frame.response is not None and frame.response.id == identifier), None)
		try:
			return wait_for(find, "a frame")
		except TimeoutError:
			print("# no frame came of port %d, message %d" % (port, identifier), flush=True)
			return None
