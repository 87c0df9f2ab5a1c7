#!/usr/bin/python3
"""As it runs on a real system: Unbound gives up root, with and without a chroot, in folders as the shipped tmpfiles
snippet makes them, and, where the kernel has AppArmor, under Debian's profile with the shipped snippet in it."""

import grp
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys

import lab
import tap

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
SYSTEM = os.path.join(lab.SRCDIR, "doc/system")
PROFILE = "/etc/apparmor.d/usr.sbin.unbound"
PROFILE_NAME = "unbound_verdict_test"


def service_user():
	"""The distribution's user for Unbound, else nobody."""
	for name in ("unbound", "nobody"):
		try:
			return pwd.getpwnam(name)
		except KeyError:
			continue
	return None


def need(condition, reason):
	if not condition:
		print("1..0 # SKIP " + reason)
		sys.exit(0)


lab.require()
need(os.geteuid() == 0, "only root can give up root: run this as root")
USER = service_user()
need(USER is not None, "no user unbound or nobody")
GROUP = grp.getgrgid(USER.pw_gid).gr_name
AS_USER = ["setpriv", "--reuid=%d" % USER.pw_uid, "--regid=%d" % USER.pw_gid, "--clear-groups"]
need(shutil.which("setpriv"), "no setpriv (util-linux)")


class System(lab.Lab):
	"""Below `root` lies what would lie below / on a real system."""

	def __init__(self, chroot=False):
		super().__init__(ZONES)
		os.chmod(self.dir, 0o755)
		self.root = self.path("root")
		self.chroot = chroot
		self.make_folders()
		self.state = self.at("var/lib/unbound/verdict")
		self.socket_path = os.path.join(self.state, "tap.sock")
		self.frames_file = os.path.join(self.state, "frames.fstrm")

	def at(self, name):
		return os.path.join(self.root, name)

	def make_folders(self):
		os.makedirs(self.at("etc/unbound"))
		os.makedirs(self.at("var/lib/unbound"))
		os.chown(self.at("var/lib/unbound"), USER.pw_uid, USER.pw_gid)
		with open(os.path.join(SYSTEM, "unbound-verdict.tmpfiles")) as file:
			for line in file:
				if not line.startswith("d "):
					continue
				kind, name, mode, owner, group, age = line.split()
				path = self.at(name.lstrip("/"))
				os.mkdir(path)
				os.chmod(path, int(mode, 8))
				if owner == "unbound":
					os.chown(path, USER.pw_uid, USER.pw_gid)

	def write_policy(self, *denied):
		with open(self.at("var/lib/unbound/lists/denied"), "w") as file:
			file.write("\n".join(denied) + "\n")
		inside = "" if self.chroot else self.root
		with open(self.at("etc/unbound/verdict.conf"), "w") as file:
			file.write("""verdict:
	state-directory: "%(at)s/var/lib/unbound/verdict"
policy-list:
	name: denied
	file: "%(at)s/var/lib/unbound/lists/denied"
	format: domains
	action: refuse
dnstap:
	socket-path: "%(at)s/var/lib/unbound/verdict/tap.sock"
	file: "%(at)s/var/lib/unbound/verdict/frames.fstrm"
""" % {"at": inside})

	def frames_status(self):
		return json.loads(subprocess.run([lab.VERDICTCTL, "status", "--json", "--socket", os.path.join(self.state, "control.sock")],
			capture_output=True, text=True, timeout=60).stdout)["frames"]

	def start_capture(self):
		self.capture_file = os.path.join(self.state, "capture.fstrm")
		self.capture = lab.Process(AS_USER + ["fstrm_capture", "-t", lab.CONTENT_TYPE, "-u", self.socket_path, "-w",
			self.capture_file], self.path("capture.log"))
		lab.wait_for(lambda: os.path.exists(self.socket_path), "fstrm_capture's socket")

	def install_library(self):
		"""Where the user can read it: a checkout may lie in root's own folder."""
		os.makedirs(self.at("usr/lib/unbound"), exist_ok=True)
		self.library = shutil.copy(lab.LIBRARY, self.at("usr/lib/unbound/unbound-verdict.so"))

	def copy_in(self):
		"""All that the library is linked with, at the same places in the chroot."""
		listed = subprocess.run(["ldd", lab.LIBRARY], capture_output=True, text=True, check=True).stdout
		wanted = re.findall(r"(?:=> |^\s*)(/\S+)", listed, re.M)
		for path in wanted:
			os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
			shutil.copy(path, self.root + path)

	def start(self, wrapper=()):
		self.start_nsd()
		self.start_capture()
		self.write_policy("one.example")
		self.install_library()
		library = self.library
		if self.chroot:
			self.copy_in()
			library = "/usr/lib/unbound/unbound-verdict.so"
		server = '\tusername: "%s"\n\tchroot: "%s"\n\tdirectory: "%s"\n' % (USER.pw_name,
			self.root if self.chroot else "", self.at("etc/unbound"))
		# Read again at a reload, when only what lies in the chroot can be seen.
		made = self.unbound_conf(server=server, library=library)
		self.conf = self.at("etc/unbound/unbound.conf")
		shutil.copy(made, self.conf)
		log = self.path("unbound.log")
		self.unbound = lab.Process(list(wrapper) + [os.path.join(lab.SBIN, "unbound"), "-d", "-c", self.conf], log,
			{"UNBOUND_VERDICT_CONF": self.at("etc/unbound/verdict.conf")})
		self.wait_ready()


def status(pid, key):
	with open("/proc/%d/status" % pid) as file:
		return next(line.split()[1:] for line in file if line.startswith(key + ":"))


def as_user(*command):
	return subprocess.run(AS_USER + list(command), capture_output=True, text=True, timeout=30)


def the_user_has_no_more_than_it_needs(tap, here, label):
	pid = here.unbound.pid
	tap.equal(set(status(pid, "Uid")), {str(USER.pw_uid)}, "%s: it runs as %s" % (label, USER.pw_name))
	tap.equal(int(status(pid, "CapEff")[0], 16), 0, "%s: without any capability" % label)
	tap.equal(os.readlink("/proc/%d/root" % pid), here.root if here.chroot else "/", "%s: and with that root" % label)
	for name in ("lists/new", "lists/denied"):
		path = here.at("var/lib/unbound/" + name)
		done = as_user("sh", "-c", 'echo x >> "$0"', path)
		tap.ok(done.returncode != 0, "%s: it cannot write %s" % (label, name), done)


def judged(tap, here, label):
	answer, frame = here.ask("one.example")
	tap.ok(answer is not None and lab.dns.rcode.to_text(answer.rcode()) == "REFUSED", "%s: the policy is in force" % label,
		answer)
	tap.ok(frame is not None, "%s: the frame file is written" % label, here.unbound.output()[-1500:])
	answer, frame = here.ask("two.example")
	tap.equal(lab.rdata(answer), ["192.0.2.80"], "%s: and what it allows is answered" % label)


def private(tap, here, label):
	for name in sorted(os.listdir(here.state)):
		info = os.lstat(os.path.join(here.state, name))
		tap.ok(info.st_uid == USER.pw_uid, "%s: %s is its own" % (label, name), info)
	control = os.path.join(here.state, "control.sock")
	if os.path.exists(control):
		info = os.lstat(control)
		tap.ok(stat.S_ISSOCK(info.st_mode) and stat.S_IMODE(info.st_mode) & 0o007 == 0,
			"%s: the control socket is closed to strangers" % label, oct(info.st_mode))
	else:
		tap.skip("%s: the control socket" % label, "the module has made none")


def reloaded(tap, here, label):
	here.write_policy("two.example")
	code, text = here.control("reload")
	tap.equal(code, 0, "%s: unbound-control reload" % label)
	here.wait_ready(2)
	answer, frame = here.ask("two.example")
	tap.ok(answer is not None and lab.dns.rcode.to_text(answer.rcode()) == "REFUSED",
		"%s: a reload reads configuration and lists without root" % label, here.unbound.output()[-1500:])


def run_in(tap, label, wrapper=(), **options):
	with System(**options) as here:
		here.start(wrapper)
		the_user_has_no_more_than_it_needs(tap, here, label)
		judged(tap, here, label)
		private(tap, here, label)
		reloaded(tap, here, label)
		here.finish()
		tap.ok(here.unbound.popen.returncode == 0, "%s: it ends" % label, here.unbound.output()[-1500:])
		captured = here.captured()
		tap.ok(len(captured) >= 3, "%s: the collector has the frames" % label, len(captured))


def without_a_chroot(tap):
	run_in(tap, "user")


def in_a_chroot(tap):
	run_in(tap, "chroot", chroot=True)


def profile_for(here):
	"""Debian's profile with our snippet, about this laboratory's places in the stead of the installed ones."""
	with open(PROFILE) as file:
		text = file.read()
	with open(os.path.join(SYSTEM, "apparmor-local")) as file:
		local = file.read()
	library = os.path.realpath(here.at("usr/lib/unbound/unbound-verdict.so"))
	# What no real system has: programs and library of a build, and the laboratory's pid file, log and remote control.
	local += "%s mr,\n%s/** mr,\n%s/* rw,\n" % (library, os.path.realpath(lab.SBIN), here.dir)
	text = re.sub(r"^profile unbound \S+", "profile " + PROFILE_NAME, text, flags=re.M)
	text = text.replace("#include <local/usr.sbin.unbound>", local)
	text = text.replace("/{,etc/unbound/}var/lib/unbound/", here.root + "/{,var/lib/unbound/}")
	return text.replace("/etc/unbound/", here.root + "/etc/unbound/")


def apparmor_is_missing():
	try:
		with open("/sys/module/apparmor/parameters/enabled") as file:
			enabled = file.read().strip() == "Y"
	except OSError:
		enabled = False
	if not enabled:
		return "this kernel has no AppArmor"
	for program in ("apparmor_parser", "aa-exec"):
		if shutil.which(program) is None:
			return "no " + program
	return None if os.path.exists(PROFILE) else "no %s: install Debian's unbound" % PROFILE


def under_the_profile(tap):
	reason = apparmor_is_missing()
	if reason:
		return tap.skip("under Debian's AppArmor profile", reason)
	with System() as here:
		file = here.write("profile", profile_for(here))
		subprocess.run(["apparmor_parser", "--replace", "--skip-cache", file], check=True)
		try:
			here.start(["aa-exec", "-p", PROFILE_NAME, "--"])
			with open("/proc/%d/attr/current" % here.unbound.pid) as current:
				tap.ok(PROFILE_NAME in current.read(), "profile: it is confined")
			judged(tap, here, "profile")
			private(tap, here, "profile")
			reloaded(tap, here, "profile")
			here.finish()
			tap.ok(len(here.captured()) >= 3, "profile: the collector has the frames")
		finally:
			here.stop()
			subprocess.run(["apparmor_parser", "--remove", file], check=True)


if __name__ == "__main__":
	tap.run(without_a_chroot, in_a_chroot, under_the_profile)
