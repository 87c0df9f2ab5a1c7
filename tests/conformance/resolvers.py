"""The resolvers under comparison, each started anew for a policy. All learn the private root by its hints."""

import os
import re
import shutil

import lab

PATHS = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
NAMED = os.environ.get("NAMED") or shutil.which("named", path=PATHS)
PDNS = os.environ.get("PDNS_RECURSOR") or shutil.which("pdns_recursor", path=PATHS)


class Resolver:
	"""A folder, a port and a process."""

	def __init__(self, here, world, policy, number):
		self.policy, self.world = policy, world
		self.dir = here.path("%s.%d" % (self.voice, number))
		os.mkdir(self.dir)
		self.port = lab.free_port()
		self.write("hints", world.hints())
		for entry in policy.lists:
			self.write(entry.name, entry.text())
		self.process = self.launch()

	def path(self, name):
		return os.path.join(self.dir, name)

	def write(self, name, text):
		with open(self.path(name), "w") as file:
			file.write(text)
		return self.path(name)

	def wait(self):
		"""Until it answers with the whole policy in force."""
		def ready():
			if not self.process.alive():
				raise RuntimeError("%s ended:\n%s\n%s" % (self.voice, self.process.output()[-3000:], self.policy))
			return self.ready(self.process.output())
		lab.wait_for(ready, self.voice + " to be ready", 60)

	def stop(self):
		self.process.stop()
		if not os.environ.get("VERDICT_KEEP"):
			shutil.rmtree(self.dir, ignore_errors=True)


class Bind(Resolver):
	voice = "BIND"

	def launch(self):
		zones = "".join('zone "%s" { type primary; file "%s"; notify no; };\n' % (entry.name, entry.name) for entry in self.policy.lists)
		policies = " ".join('zone "%s" policy %s;' % (entry.name, entry.override) for entry in self.policy.lists)
		options = " ".join("%s %s" % item for item in self.policy.options.items())
		config = self.write("named.conf", """options {
	directory "%s"; pid-file none; session-keyfile none; lock-file none;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion yes; allow-query { any; }; allow-recursion { any; }; allow-query-cache { any; };
	dnssec-validation no; qname-minimization disabled; empty-zones-enable no; minimal-responses yes; minimal-any no;
	max-cache-size 64m; servfail-ttl 0; prefetch 0; notify no; max-query-restarts 30; max-recursion-queries 300;
	response-policy { %s } %s min-update-interval 0;
};
controls { };
logging {
	channel out { stderr; severity info; print-category yes; };
	category default { out; }; category query-errors { null; }; category rpz-passthru { null; };
};
zone "." { type hint; file "hints"; };
%s""" % (self.dir, self.port, policies, options, zones))
		return lab.Process([NAMED, "-f", "-4", "-n", "1", "-c", config], self.path("log"))

	def ready(self, log):
		return re.search(r"general: .*\brunning$", log, re.M) and all(
			re.search(r"rpz: %s: reload done" % re.escape(entry.name), log) for entry in self.policy.lists)


class UnboundBase(Resolver):
	def conf(self, module, rest):
		return self.write("unbound.conf", """server:
	directory: "%s"
	username: ""
	chroot: ""
	pidfile: ""
	logfile: ""
	use-syslog: no
	interface: 127.0.0.1
	port: %d
	access-control: 127.0.0.0/8 allow
	do-ip6: no
	num-threads: 1
	do-not-query-localhost: no
	module-config: "%s"
	trust-anchor-signaling: no
	qname-minimisation: no
	root-hints: "hints"
	num-queries-per-thread: 1024
%sremote-control:
	control-enable: no
""" % (self.dir, self.port, module, rest))

	def run(self, environment):
		return lab.Process([os.path.join(lab.SBIN, "unbound"), "-d", "-c", self.path("unbound.conf")], self.path("log"), environment)

	def ready(self, log):
		return "start of service" in log


class Verdict(UnboundBase):
	"""Ours."""
	voice = "verdict"

	def launch(self):
		from rules import DATA_TTL, OVERRIDES
		text = 'verdict:\n\tmode: enforce\n\tstate-directory: "%s"\n\tunique-per-client: 1000\n' % self.path("state")
		os.mkdir(self.path("state"))
		text += "".join("\t%s: %s\n" % item for item in self.policy.options.items())
		for entry in self.policy.lists:
			text += 'policy-list:\n\tname: "%s"\n\tfile: "%s"\n\tformat: rpz\n\tallow-wide: yes\n\tttl: %d\n' % (entry.name, entry.name, DATA_TTL)
			text += "".join("\t%s\n" % line for line in OVERRIDES[entry.override])
		self.write("verdict.conf", text)
		self.conf("dynlib validator iterator", 'dynlib:\n\tdynlib-file: "%s"\n' % lab.LIBRARY)
		return self.run({"UNBOUND_VERDICT_CONF": self.path("verdict.conf")})
