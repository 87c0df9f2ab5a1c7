#!/usr/bin/python3
"""`verdictctl collect` where things go wrong around it: a disk that is really full, connections that say nothing, tables
of identities that change, and root that asks another user's collector."""

import contextlib
import os
import pwd
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab    # noqa: E402
import tap    # noqa: E402
from test_collect import SOURCE, ZONES, Collector   # noqa: E402
from test_targets import certificates, openssl   # noqa: E402

sys.path.insert(0, os.path.join(lab.SRCDIR, "tests", "unit"))
import dnstap_bytes as d   # noqa: E402

DISK_MIB = 96
LEFT_OCTETS = 512 << 10
CONNECTIONS = 512
FINISH = d.control(d.FINISH, None)


class At(Collector):
	"""A collector of another directory, by another command line."""
	def __init__(self, here, directory, *places, options=(), command=()):
		self.directory = directory
		self.log = here.path("collect.log")
		self.listen = [word for place in places for word in ("--listen", place)]
		self.options = list(options)
		self.command = list(command)
		self.start()

	def start(self, more=()):
		if not self.command:
			super().start(more)
			return
		self.process = lab.Process([*self.command, "collect", "--directory", self.directory, "--keep-free", "0", *self.listen,
			*self.options], self.log)
		lab.wait_for(lambda: self.status() is not None or not self.process.alive(), "the collector", 30)


def frame(seq, name="www.example", client="10.0.0.7", identity="resolver-1"):
	extra = {**d.extra("allow"), "seq": seq}
	return d.frame(client=client, identity=identity, extra=extra, response=d.dns(name))


def deliver(place, *frames):
	"""True: they were confirmed; False: the connection was closed."""
	with socket.socket(socket.AF_UNIX) as sock:
		sock.settimeout(60)
		sock.connect(place)
		got = b""
		with contextlib.suppress(ConnectionError):
			sock.sendall(d.control(d.READY) + d.stream(*frames))
			while FINISH not in got:
				more = sock.recv(4096)
				if not more:
					break
				got += more
		return FINISH in got


@contextlib.contextmanager
def small_disk(path):
	"""Of DISK_MIB; None where it cannot be made."""
	os.mkdir(path)
	done = os.geteuid() == 0 and shutil.which("mount") and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % DISK_MIB,
		"tmpfs", path], capture_output=True, timeout=60).returncode == 0
	try:
		yield path if done else None
	finally:
		if done:
			subprocess.run(["umount", "--lazy", path], check=True, timeout=60)


def fill(path):
	"""All but LEFT_OCTETS."""
	disk = os.statvfs(path)
	with open(os.path.join(path, "ballast"), "wb") as file:
		os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - LEFT_OCTETS)


def a_full_disk_stops_it_and_loses_nothing(tap):
	with lab.Lab(ZONES) as here, small_disk(here.path("disk")) as disk:
		if disk is None:
			tap.skip("a disk that is really full", "only root can mount a small one")
			return
		place = here.path("collect.sock")
		collector = At(here, os.path.join(disk, "days"), "unix:" + place)
		tap.ok(deliver(place, frame(1)), "there is room")
		fill(disk)
		source = subprocess.Popen([SOURCE, "--socket", place, "--spool", here.path("spool"), "--count", "60000", "--rate", "30000",
			"--workers", "1", "--ring", "16777216", "--commit", "300", "--heartbeat", "500", "--until", "written"],
			stdout=subprocess.PIPE, text=True)
		lab.wait_for(lambda: collector.status()["state"] == "stopped" and "full" in collector.status()["why"], "the state", 60)
		tap.ok(True, "status says that the disk is full")
		collector.stop(signal.SIGKILL)
		collector.start()
		lab.wait_for(lambda: "stopped" in collector.status()["state"], "the state after a kill", 60)
		os.unlink(os.path.join(disk, "ballast"))
		told = dict(line.split() for line in source.communicate(timeout=300)[0].splitlines())
		kept = int(told["emitted"]) - int(told["dropped_ring"]) - int(told["dropped_spool"])
		tap.equal((told["lost_socket"], kept), ("0", 60000), "the sender keeps what was not confirmed")
		lab.wait_for(lambda: collector.count() >= kept + 1, "all of it", 120)
		tap.equal(collector.count(), kept + 1, "with room again all of it is there, once")
		lab.wait_for(lambda: collector.status()["state"] == "running", "running again", 60)
		collector.stop()
		tap.equal({row[0] for row in collector.rows("PRAGMA integrity_check")}, {"ok"}, "the files are whole")


def a_forget_that_cannot_be_written_confirms_nothing(tap):
	"""The frame between a commit and the request to forget is lost by it only with its sender unconfirmed."""
	with lab.Lab(ZONES) as here, socket.socket(socket.AF_UNIX) as sock:
		place, days = here.path("collect.sock"), here.path("own")
		collector = At(here, days, "unix:" + place, command=["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\"", lab.VERDICTCTL])
		pid, status = collector.process.pid, os.path.join(days, "status.json")
		sock.settimeout(60)
		sock.connect(place)
		sock.sendall(d.control(d.READY))
		told = os.stat(status).st_mtime_ns
		lab.wait_for(lambda: os.stat(status).st_mtime_ns != told, "its next look around", 60)
		time.sleep(0.4)                      # between two looks: a commit, and a frame behind it
		sock.sendall(d.control(d.START) + d.data(frame(1)))
		lab.wait_for(lambda: collector.count() == 1, "the first", 60)
		sock.sendall(d.data(frame(2)))
		resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
		here.write("own/forget.request", "192.0.2.1\n")
		lab.wait_for(lambda: not os.path.exists(days + "/forget.request"), "an answer", 60)
		resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
		got = b""
		with contextlib.suppress(ConnectionError):
			sock.sendall(d.control(d.STOP, None))
			while FINISH not in got:
				more = sock.recv(4096)
				if not more:
					break
				got += more
		lab.wait_for(lambda: collector.status()["state"] == "running", "running again", 60)
		tap.ok(FINISH not in got or collector.count() == 2, "what is confirmed is there")
		collector.stop()


def who_says_nothing_is_closed(tap):
	with lab.Lab(ZONES) as here:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place, options=["--idle", "1"])
		with socket.socket(socket.AF_UNIX) as sock:
			sock.settimeout(60)
			sock.connect(place)
			sock.sendall(d.control(d.START))
			tap.equal(sock.recv(1), b"", "a START and then nothing ends")
		tap.ok("was silent for too long" in collector.process.output(), "and is said", collector.process.output())
		collector.stop()


def who_is_silent_makes_room(tap):
	with lab.Lab(ZONES) as here, contextlib.ExitStack() as stack:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place)
		for _ in range(CONNECTIONS):
			sock = stack.enter_context(socket.socket(socket.AF_UNIX))
			sock.connect(place)
			sock.sendall(d.control(d.START))
		lab.wait_for(lambda: collector.status()["connections"] == CONNECTIONS, "all connections", 60)
		lab.wait_for(lambda: deliver(place, frame(1)), "one more", 120)
		tap.equal(collector.count(), 1, "one more than there is room for is taken when another was silent")
		collector.stop()


def days_go_by_age(tap):
	"""Also by a clock that is wrong when it starts, and one that leaps: these remove nothing."""
	if lab.FAKETIME is None:
		tap.skip("days go by age", "no libfaketime: install faketime")
		return
	with lab.Lab(ZONES) as here:
		today = int(time.time()) // 86400 * 86400
		place, days = here.path("collect.sock"), here.path("own")
		frames = [d.frame(client="10.0.0.7", extra={**d.extra("allow"), "seq": seq}, response=d.dns("www.example"), query_time=None,
			response_time=today - 86400 * day) for seq, day in enumerate((0, 1, 20, 30))]
		subprocess.run([lab.VERDICTCTL, "collect", "--directory", days, "-"], input=d.stream(*frames), check=True,
			capture_output=True, timeout=60)

		def kept():
			return len([name for name in os.listdir(days) if name.endswith("-plain.sqlite")])

		def begin(how):
			return At(here, days, "unix:" + place, options=["--keep-plain", "15"],
				command=[*lab.by_clock(file=here.replace("clock", how + "\n")), lab.VERDICTCTL])
		collector = begin("+400d")
		lab.wait_for(lambda: "the clock is far ahead" in collector.process.output(), "a word about a wrong clock", 60)
		tap.equal(kept(), 4, "a clock that is wrong from the start removes nothing")
		here.replace("clock", "+0\n")
		lab.wait_for(lambda: kept() == 2, "what is older than 15 days to go, by the right clock", 60)
		here.replace("clock", "+400d\n")
		lab.wait_for(lambda: collector.process.output().count("the clock is far ahead") == 2, "a word about a leap", 60)
		collector.stop()
		tap.equal(kept(), 2, "a clock that leaps removes nothing")
		collector = begin("+400d")
		lab.wait_for(lambda: collector.process.output().count("the clock is far ahead") == 3, "a word about the clock", 60)
		deliver(place, frame(9))
		lab.wait_for(lambda: kept() == 3, "a day that the wrong clock made", 60)
		collector.stop()
		collector = begin("+400d")
		lab.wait_for(lambda: collector.process.output().count("the clock is far ahead") == 4, "the same word after a restart", 60)
		collector.stop()
		tap.equal(kept(), 3, "a wrong clock that made a day removes nothing after a restart")


def strangers_make_room_first(tap):
	with lab.Lab(ZONES) as here, contextlib.ExitStack() as stack:
		place = here.path("collect.sock")
		collector = Collector(here, "unix:" + place)

		def connect():
			sock = stack.enter_context(socket.socket(socket.AF_UNIX))
			sock.connect(place)
			sock.settimeout(60)
			return sock
		known = connect()
		known.sendall(d.control(d.READY) + d.control(d.START) + d.data(frame(1)))
		lab.wait_for(lambda: collector.count() == 1, "a sender", 60)
		for _ in range(CONNECTIONS - 1):
			connect()
		lab.wait_for(lambda: collector.status()["connections"] == CONNECTIONS, "all connections", 60)
		tap.ok(deliver(place, frame(2)), "who has not begun makes room at once")
		for _ in range(CONNECTIONS):
			connect()
		known.sendall(d.data(frame(3)) + d.control(d.STOP, None))
		got = b""
		while FINISH not in got and (more := known.recv(4096)):
			got += more
		tap.ok(FINISH in got, "and never a sender for strangers")
		tap.equal(collector.count(), 3, "all of it is there")
		collector.stop()


def a_certificate_binds_its_own_name(tap):
	with lab.Lab(ZONES) as here:
		certificates(here)
		place, port, pem = here.path("collect.sock"), lab.free_port(), here.path
		collector = Collector(here, "unix:" + place, "tls:127.0.0.1@%d" % port, options=["--tls-cert", pem("collector.pem"),
			"--tls-key", pem("collector.key"), "--tls-client-ca", pem("ca.pem")])
		context = ssl.create_default_context(cafile=pem("ca.pem"))
		context.load_cert_chain(pem("resolver.pem"), pem("resolver.key"))
		with socket.socket(socket.AF_UNIX) as early:
			early.settimeout(60)
			early.connect(place)
			early.sendall(d.control(d.START) + d.data(frame(1, identity="collector.test")))
			lab.wait_for(lambda: collector.count() == 1, "a frame of a name that nobody has shown a certificate for", 60)
			with socket.create_connection(("127.0.0.1", port)) as sock, \
					context.wrap_socket(sock, server_hostname="collector.test") as tls:
				tls.sendall(d.control(d.START) + d.data(frame(2, identity="collector.test")))
				lab.wait_for(lambda: collector.count() == 2, "the frame of who has the certificate", 60)
			early.sendall(d.data(frame(3, identity="collector.test")))
			tap.equal(early.recv(1), b"", "a connection that was allowed before is closed")
		tap.equal([deliver(place, frame(4, identity=name)) for name in ("collector.test", "Collector.Test", "other")],
			[False, False, True], "without the certificate nobody has its name")
		collector.stop()
		ended = collector.status()["pid"]
		collector.start()
		lab.wait_for(lambda: collector.status()["pid"] != ended, "the next collector", 60)
		tap.ok(not deliver(place, frame(5, identity="collector.test")), "nor after a restart")
		os.truncate(os.path.join(collector.directory, "certified"), 0)
		collector.process.send(signal.SIGHUP)
		lab.wait_for(lambda: "identities were read again" in collector.process.output(), "another table", 60)
		tap.ok(deliver(place, frame(5, identity="collector.test")), "but when the operator lets it go")
		collector.stop()


def who_is_revoked_is_let_in_no_more(tap):
	with lab.Lab(ZONES) as here:
		certificates(here)
		here.write("index", "")
		here.write("ca.conf", "[ca]\ndefault_ca = it\n[it]\ndatabase = %s\ndefault_md = sha256\ndefault_crl_days = 2\n"
			% here.path("index"))
		by = ("ca", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key")
		openssl(here, *by, "-gencrl", "-out", "revoked.pem")
		port, pem = lab.free_port(), here.path
		options = ["--tls-cert", pem("collector.pem"), "--tls-key", pem("collector.key"), "--tls-client-ca", pem("ca.pem"),
			"--tls-crl", pem("revoked.pem")]
		collector = Collector(here, "tls:127.0.0.1@%d" % port, options=options)

		def is_answered(tls):
			try:
				tls.sendall(d.control(d.READY))
				return tls.recv(1) != b""
			except OSError:
				return False

		@contextlib.contextmanager
		def connection(name):
			context = ssl.create_default_context(cafile=pem("ca.pem"))
			context.load_cert_chain(pem(name + ".pem"), pem(name + ".key"))
			with socket.create_connection(("127.0.0.1", port), 60) as sock, \
					context.wrap_socket(sock, server_hostname="collector.test") as tls:
				yield tls

		def lets_in(name):
			with connection(name) as tls:
				return is_answered(tls)

		def read_again(said):
			before = collector.process.output().count(said)
			collector.process.send(signal.SIGHUP)
			lab.wait_for(lambda: collector.process.output().count(said) > before, said, 60)
		with connection("resolver") as one, connection("collector") as other:
			tap.equal((is_answered(one), is_answered(other)), (True, True), "nobody is revoked")
			openssl(here, *by, "-revoke", "resolver.pem")
			openssl(here, *by, "-gencrl", "-out", "revoked.pem")
			read_again("revoked certificates were read again")
			while one.recv(100):         # the rest of ACCEPT
				pass
			tap.ok("its certificate is revoked" in collector.process.output(), "an open connection is closed, and it is said why")
			other.sendall(d.control(d.START) + d.data(frame(1, identity="collector.test")))
			lab.wait_for(lambda: collector.count() == 1, "the frame of who is not revoked", 60)
		tap.equal([lets_in(name) for name in ("resolver", "collector")], [False, True], "and comes no more")
		here.write("revoked.pem", "nothing\n")
		read_again("revoked certificates stay as they are")
		tap.equal([lets_in(name) for name in ("resolver", "collector")], [False, True], "a list that cannot be read changes nothing")
		collector.stop()
		done = subprocess.run([lab.VERDICTCTL, "collect", "--directory", here.path("new"), "--listen",
			"tls:127.0.0.1@%d" % lab.free_port(), *options], capture_output=True, text=True, timeout=60)
		tap.equal((done.returncode, "revoked.pem: cannot use this list" in done.stderr), (3, True), "without one it does not begin")


def identities_are_read_again(tap):
	with lab.Lab(ZONES) as here:
		certificates(here)
		place, table = here.path("collect.sock"), here.write("identities", "a.test resolver-1\n")
		collector = Collector(here, "unix:" + place, "tls:127.0.0.1@%d" % lab.free_port(), options=["--tls-cert",
			here.path("collector.pem"), "--tls-key", here.path("collector.key"), "--tls-client-ca", here.path("ca.pem"),
			"--identities", table, "--allow-identity", "c.test=resolver-3"])

		def reload(text, said):
			before = collector.process.output().count(said)
			here.write("identities", text)
			collector.process.send(signal.SIGHUP)
			lab.wait_for(lambda: collector.process.output().count(said) > before, said, 60)

		def taken():
			return [deliver(place, frame(1, identity="resolver-%d" % number)) for number in (1, 2, 3)]
		tap.equal(taken(), [False, True, False], "an identity that a certificate is bound to needs it")
		with socket.socket(socket.AF_UNIX) as sock:
			sock.settimeout(60)
			sock.connect(place)
			sock.sendall(d.control(d.START) + d.data(frame(2, identity="resolver-2")))
			lab.wait_for(lambda: collector.count() == 2, "a frame of an open connection", 60)
			reload("b.test resolver-2\n", "identities were read again")
			sock.sendall(d.data(frame(3, identity="resolver-2")))
			tap.equal(sock.recv(1), b"", "what changed holds for connections that are open")
		tap.equal(taken(), [True, False, False], "and for new ones")
		reload("nonsense\n", "identities stay as they are")
		tap.equal(taken(), [True, False, False], "a wrong table changes nothing")
		tap.ok("identities:1: a line is" in collector.process.output(), "and says where", collector.process.output())
		collector.stop()


def service_user():
	for name in ("unbound", "nobody"):
		with contextlib.suppress(KeyError):
			return pwd.getpwnam(name)
	return None


def root_asks_another_users_collector_to_forget(tap):
	user = service_user()
	if os.geteuid() != 0 or user is None or shutil.which("setpriv") is None:
		tap.skip("another user's collector forgets for root", "only root can become another user")
		return
	with lab.Lab(ZONES) as here:
		os.chmod(here.dir, 0o755)
		command = shutil.copy(lab.VERDICTCTL, here.path("verdictctl"))
		os.chmod(command, 0o755)
		for folder in ("own", "run"):
			os.mkdir(here.path(folder), 0o750)
			os.chown(here.path(folder), user.pw_uid, user.pw_gid)
		place = here.path("run/collect.sock")
		collector = At(here, here.path("own"), "unix:" + place, command=["setpriv", "--reuid=%d" % user.pw_uid,
			"--regid=%d" % user.pw_gid, "--clear-groups", command])
		tap.ok(deliver(place, frame(1), frame(2, client="10.0.0.8")), "another user collects")
		done = subprocess.run([lab.VERDICTCTL, "forget", "--directory", collector.directory, "10.0.0.7"], capture_output=True,
			text=True, timeout=120)
		tap.equal((done.returncode, done.stdout, done.stderr), (0, "1 events were removed\n", ""), "root has it forget")
		tap.equal(collector.count(), 1, "who else asked stays")
		files = os.listdir(collector.directory)
		owners = {os.lstat(os.path.join(collector.directory, name)).st_uid for name in files}
		tap.equal((owners, [name for name in files if name.endswith((".new", ".request"))]), ({user.pw_uid}, []),
			"nothing of root's is left there")
		tap.ok(deliver(place, frame(3)), "and it goes on")
		collector.stop()


if __name__ == "__main__":
	lab.require()
	tap.run(a_full_disk_stops_it_and_loses_nothing, a_forget_that_cannot_be_written_confirms_nothing,
		who_says_nothing_is_closed, who_is_silent_makes_room, days_go_by_age, strangers_make_room_first, a_certificate_binds_its_own_name, who_is_revoked_is_let_in_no_more,
		identities_are_read_again, root_asks_another_users_collector_to_forget)
