#!/usr/bin/python3
"""A feed by zone transfer, as doc/policy.md shows it: NSD is the primary, Unbound's auth-zone writes the file."""

import os
import shutil
import signal
import subprocess
import time

import dns.rcode

import lab
import tap

HEAD = "$ORIGIN rpz.feed.\n$TTL 300\n@ SOA localhost. root.localhost. %d 3600 600 86400 60\n@ NS localhost.\n"
FEEDS = {
	1: HEAD % 1 + "evil.example CNAME .\ngone.example CNAME .\n",
	2: HEAD % 2 + "evil.example CNAME .\nnew.example CNAME *.\n24.0.113.0.203.rpz-ip CNAME .\n",
}
ZONE = "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n" \
	"ns A 127.0.0.1\n* A 192.0.2.80\nhit A 203.0.113.5\n"


class Feed(lab.Lab):
	def primary_conf(self):
		"""NSD with the feed, which tells Unbound of each change and answers IXFR."""
		return '''server:
	verbosity: 3
zone:
	name: "rpz.feed"
	zonefile: "%s"
	provide-xfr: 127.0.0.1 NOKEY
	notify: 127.0.0.1@%d NOKEY
	store-ixfr: yes
	create-ixfr: yes
''' % (self.path("primary.zone"), self.port)

	def write_feed(self, serial):
		self.write("primary.zone", FEEDS[serial])

	def file(self):
		with open(self.path("feed.zone")) as file:
			return file.read()


def auth_zone(here):
	return '''auth-zone:
	name: "rpz.feed"
	primary: 127.0.0.1@%d
	allow-notify: 127.0.0.1
	zonefile: "%s"
	for-downstream: no
	for-upstream: no
''' % (here.nsd_port, here.path("feed.zone"))


def a_feed_by_transfer_becomes_policy(tap):
	with Feed({"example": ZONE}) as here:
		here.write_feed(1)
		here.start_nsd(more=here.primary_conf())
		# The first file is fetched by hand: a list that is missing keeps Unbound from starting.
		with open(here.path("feed.zone"), "w") as file:
			subprocess.run(["dig", "@127.0.0.1", "-p", str(here.nsd_port), "rpz.feed", "AXFR"], stdout=file, check=True)
		here.policy([{"name": "feed", "format": "rpz", "file": here.path("feed.zone")}])
		here.start_unbound(rest=auth_zone(here), server="\tverbosity: 2\n")
		answer, frame = here.ask("evil.example")
		tap.equal((answer.rcode(), frame.extra.get("list"), frame.extra.get("serial")), (dns.rcode.NXDOMAIN, "feed", 1),
			"the file that was fetched by hand is in force")
		tap.equal(lab.rdata(here.ask("hit.example")[0]), ["203.0.113.5"], "what the feed does not have is answered")
		here.write_feed(2)
		here.nsd.send(signal.SIGHUP)
		lab.wait_for(lambda: "new.example" in here.file(), "the transfer")
		tap.ok("gone.example" not in here.file(), "the file has what the primary has")
		tap.ok("received NOTIFY serial 2" in here.unbound.output(), "the primary told of the change",
			here.unbound.output())
		tap.ok("ixfr for rpz.feed. from 127.0.0.1" in here.nsd.output(), "what changed came by IXFR", here.nsd.output())
		starts = here.unbound.output().count("start of service")
		tap.equal(here.control("reload")[0], 0, "unbound-control reload")
		here.wait_ready(starts + 1)
		rows = [("evil.example", dns.rcode.NXDOMAIN, []), ("gone.example", dns.rcode.NOERROR, ["192.0.2.80"]),
			("new.example", dns.rcode.NOERROR, []), ("hit.example", dns.rcode.NXDOMAIN, [])]
		for name, rcode, data in rows:
			answer, frame = here.ask(name)
			tap.equal((answer.rcode(), lab.rdata(answer)), (rcode, data), "after the reload: %s" % name)
		tap.equal(frame.extra.get("serial"), 2, "after the reload: the frame has the new serial")



def a_feed_that_expired_is_kept_or_withdrawn(tap):
	"""By the file's time of modification, at a start and at a reload; the file coming back brings the rules back."""
	head = "$ORIGIN %s.\n$TTL 300\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n"
	old = time.time() - 90000
	with lab.Lab({"example": ZONE}) as here:
		for name in "kept", "gone":
			here.write(name + ".zone", head % name + name + ".example CNAME .\n")
			os.utime(here.path(name + ".zone"), (old, old))
		here.start_nsd()
		here.policy([{"name": "kept", "format": "rpz", "file": here.path("kept.zone")},
			{"name": "gone", "format": "rpz", "file": here.path("gone.zone"), "expire": "withdraw"}])
		here.start_unbound()
		tap.equal([here.ask(name + ".example")[0].rcode() for name in ("kept", "gone")],
			[dns.rcode.NXDOMAIN, dns.rcode.NOERROR], "what expired is kept, or withdrawn")
		log = here.unbound.output()
		for text in "policy-list kept expired", "ago: kept", "policy-list gone expired", "none of its rules (1) is in force":
			tap.ok(text in log, "the log says %r" % text, log)
		os.utime(here.path("gone.zone"))
		starts = here.unbound.output().count("start of service")
		here.control("reload")
		here.wait_ready(starts + 1)
		tap.equal(here.ask("gone.example")[0].rcode(), dns.rcode.NXDOMAIN, "the file written again brings its rules back")

if __name__ == "__main__":
	lab.require()
	if shutil.which("dig") is None:
		print("1..0 # SKIP no dig: install dnsutils")
		raise SystemExit(0)
	tap.run(a_feed_by_transfer_becomes_policy, a_feed_that_expired_is_kept_or_withdrawn)
