"""The resolvers under comparison, each started anew for a policy. All learn the private root by its hints."""

import collections
import os
import re
import shutil

import lab


def program(variable, name, package):
	"""Its path: named by the environment, installed, or unpacked by runtests; or None."""
	places = (os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", os.path.join(lab.BUILDDIR, "daemons", package, "usr/sbin"))
	return os.environ.get(variable) or shutil.which(name, path=":".join(places))


NAMED = program("NAMED", "named", "bind9")
PDNS = program("PDNS_RECURSOR", "pdns_recursor", "pdns-recursor")


class Resolver:
	"""A folder, a port and a process."""
	without = ()            # actions whose rules it is not given

	@classmethod
	def lacks(cls):
		"""Why this one cannot run here, or None."""
		return None

	@classmethod
	def supports(cls, policy):
		return True

	def __init__(self, here, world, policy, number):
		self.policy, self.world = policy, world
		self.dir = here.path("%s.%s" % (self.voice.replace(" ", "-"), number))
		os.mkdir(self.dir)
		self.port = lab.free_port()
		self.write("hints", world.hints())
		for entry in policy.lists:
			self.write(entry.name, entry.text(self.without))
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
	listen-on port %d { 127.0.0.1; }; listen-on-v6 port %d { ::1; };
	recursion yes; allow-query { any; }; allow-recursion { any; }; allow-query-cache { any; };
	dnssec-validation no; qname-minimization %s; empty-zones-enable no; minimal-responses yes; minimal-any no;
	max-cache-size 64m; servfail-ttl 0; prefetch 0; notify no; max-query-restarts 30; max-recursion-queries 300;
	response-policy { %s } %s min-update-interval 0;
};
controls { };
logging {
	channel out { stderr; severity info; print-category yes; };
	category default { out; }; category query-errors { null; };
};
zone "." { type hint; file "hints"; };
%s""" % (self.dir, self.port, self.port, "relaxed" if self.policy.minimise else "disabled", policies, options, zones))
		return lab.Process([NAMED, "-f", "-n", "1", "-c", config], self.path("log"))

	def rewritten(self):
		"""How often it took which action by which trigger, from its log."""
		return collections.Counter(re.findall(r" rpz ([A-Z-]+) (\S+(?: \S+)?) rewrite ", self.process.output()))

	def ready(self, log):
		if "Address already in use" in log or "could not listen" in log:
			raise RuntimeError(log)
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
	interface: ::1
	port: %d
	access-control: 127.0.0.0/8 allow
	access-control: ::1 allow
	prefer-ip4: yes
	num-threads: 1
	do-not-query-localhost: no
	module-config: "%s"
	trust-anchor-signaling: no
	qname-minimisation: %s
	root-hints: "hints"
	outgoing-port-avoid: %s
	num-queries-per-thread: 1024
%sremote-control:
	control-enable: no
""" % (self.dir, self.port, module, "yes" if self.policy.minimise else "no", lab.AVOID, lab.patient_server() + rest))

	def run(self, environment=None):
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


class UnboundRpz(UnboundBase):
	"""Unbound without the library, with its own response policy zones. Some of its releases end over rpz-tcp-only."""
	voice = "Unbound rpz"
	without = ("truncate",)
	ACTIONS = {"given": "", "disabled": "disabled", "passthru": "passthru", "nxdomain": "nxdomain", "nodata": "nodata", "drop": "drop"}

	@classmethod
	def supports(cls, policy):
		return all(entry.override in cls.ACTIONS or entry.override.startswith("cname ") for entry in policy.lists)

	def launch(self):
		text = ""
		for entry in self.policy.lists:
			text += 'rpz:\n\tname: "%s"\n\tzonefile: "%s"\n' % (entry.name, self.path(entry.name))
			if entry.override.startswith("cname "):
				text += '\trpz-action-override: cname\n\trpz-cname-override: "%s"\n' % entry.override[6:]
			elif entry.override != "given":
				text += "\trpz-action-override: %s\n" % self.ACTIONS[entry.override]
		self.conf("respip validator iterator", text)
		return self.run()


class Recursor(Resolver):
	voice = "PowerDNS Recursor"
	ACTIONS = {"given": "", "passthru": "Policy.NoAction", "nxdomain": "Policy.NXDOMAIN", "nodata": "Policy.NODATA", "drop": "Policy.Drop",
		"tcp-only": "Policy.Truncate"}

	@classmethod
	def lacks(cls):
		return None if PDNS else "no pdns_recursor: install pdns-recursor, or set PDNS_RECURSOR"

	@classmethod
	def supports(cls, policy):
		return all(entry.override in cls.ACTIONS or entry.override.startswith("cname ") for entry in policy.lists)

	def options(self, entry):
		fields = ['policyName="%s"' % entry.name, "maxTTL=%s" % self.policy.options["max-policy-ttl"]]
		if entry.override.startswith("cname "):
			fields += ["defpol=Policy.Custom", 'defcontent="%s."' % entry.override[6:]]
		elif entry.override != "given":
			fields.append("defpol=" + self.ACTIONS[entry.override])
		return ", ".join(fields)

	def launch(self):
		self.write("rpz.lua", "".join('rpzFile("%s", {%s})\n' % (self.path(entry.name), self.options(entry))
			for entry in self.policy.lists))
		settings = {"config-dir": self.dir, "socket-dir": self.dir, "local-address": "127.0.0.1, ::1", "local-port": self.port,
			"hint-file": self.path("hints"), "lua-config-file": self.path("rpz.lua"), "allow-from": "127.0.0.0/8, ::1", "dont-query": "",
			"dnssec": "process-no-validate", "threads": 1, "udp-source-port-min": lab.LAST + 1, "security-poll-suffix": "",
			"disable-packetcache": "yes",
			"qname-minimization": "yes" if self.policy.minimise else "no", "max-cache-entries": 100000, "setuid": "", "setgid": "",
			"nothing-below-nxdomain": "no", "serve-rfc1918": "no", "loglevel": 6, "disable-syslog": "yes", "write-pid": "no", "daemon": "no"}
		self.write("recursor.conf", "".join("%s=%s\n" % item for item in settings.items()))
		return lab.Process([PDNS, "--config-dir=" + self.dir], self.path("log"))

	def ready(self, log):
		return re.search("Enabled .*multiplexer", log)


VOICES = (UnboundRpz, Recursor)
