#!/usr/bin/python3
"""What a new policy denies leaves the caches, whatever rule denies it and however it is cached; the rest stays."""

import os
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rcode

import lab
import tap

HEAD = "$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n"
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + """@ NS ns
ns A 127.0.0.1
* A 192.0.2.80
* AAAA 2001:db8::80
brief 1 A 192.0.2.81
address A 203.0.113.5
address6 AAAA 2001:db8:bad::1
alias CNAME target.other.bad.
chain CNAME chain2
chain2 CNAME target.other.bad.
mail MX 10 target.other.bad.
service SRV 0 0 443 target.other.bad.
hint HTTPS 1 . ipv4hint=203.0.113.5
parameters HTTPS 1 . ipv4hint=192.0.2.1
tree DNAME other.bad.
text TXT "203.0.113.5"
""",
	"other.bad": "$ORIGIN other.bad.\n" + HEAD + "@ NS ns.example.\ntarget A 192.0.2.99\nfine A 192.0.2.98\n"
		"target AAAA 2001:db8::99\n",
	"victim.bad": "$ORIGIN victim.bad.\n" + HEAD + "@ NS ns1.crime.bad.\nwww A 192.0.2.90\nwww MX 10 mail\n",
	"crime.bad": "$ORIGIN crime.bad.\n" + HEAD + "@ NS ns1\nns1 A 127.0.0.1\n",
}
NOTHING = [{"name": "none", "format": "domains", "action": "refuse", "lines": ["nothing.invalid"]}]
RPZ = [{"name": "rpz", "format": "rpz", "action": "refuse", "lines": ["$TTL 60", "@ SOA localhost. root.localhost. 1 1 1 1 1",
	"one.example CNAME .", "*.wild.example CNAME .", "brief.example CNAME .", "gone.other.bad CNAME .",
	"nodata.example CNAME .", "checked.example CNAME .", "24.0.113.0.203.rpz-ip CNAME .", "48.zz.bad.db8.2001.rpz-ip CNAME .",
	"target.other.bad CNAME .", "ns1.crime.bad.rpz-nsdname CNAME ."]}]
#  question, type, why it goes
DENIED = [
	("one.example", "A", "a name"),
	("one.example", "AAAA", "another type of it"),
	("a.b.wild.example", "A", "a name below a wildcard"),
	("gone.other.bad", "A", "a name that does not exist"),
	("nodata.example", "TXT", "a name without such data"),
	("address.example", "A", "an address"),
	("address6.example", "AAAA", "an IPv6 address"),
	("alias.example", "A", "an alias to a name"),
	("chain.example", "A", "the second alias"),
	("chain2.example", "AAAA", "an alias in the middle"),
	("alias.example", "CNAME", "an alias that was asked for itself"),
	("target.tree.example", "A", "a name through a DNAME"),
	("mail.example", "MX", "a mail server"),
	("service.example", "SRV", "a server of a service"),
	("hint.example", "HTTPS", "a hint"),
	("www.victim.bad", "A", "the name of a server of its zone"),
	("www.victim.bad", "MX", "that, another type"),
	("nothing.victim.bad", "A", "that, without an answer"),
]
ALLOWED = [("two.example", "A"), ("ns.example", "A"), ("text.example", "TXT"), ("fine.other.bad", "A"), ("nodata2.example", "TXT"),
	("fine.tree.example", "A"), ("none.other.bad", "A"), ("parameters.example", "HTTPS")]


def renew(here):
	"""The policy in the file comes into force, without a restart."""
	done = subprocess.run([lab.VERDICTCTL, "reload", "--force", "--config", here.path("verdict.conf")], capture_output=True,
		text=True, timeout=lab.PATIENCE * 4)
	if done.returncode != 0:
		raise RuntimeError(done.stdout + done.stderr)
	return done.stdout


def restart_keeping_caches(here):
	starts = here.unbound.output().count("start of service")
	code, text = here.control("reload_keep_cache")
	if code != 0:
		raise RuntimeError(text)
	here.wait_ready(starts + 1)


def start(threads=2, server="", lists=NOTHING):
	here = lab.Lab(dict(ZONES))
	here.start_nsd()
	here.start_capture()
	here.policy(lists)
	# A zone whose server is known by its name, as a delegation says it.
	del here.zones["victim.bad"]
	here.start_unbound(threads=threads, rest='stub-zone:\n\tname: "victim.bad"\n\tstub-host: ns1.crime.bad@%d\n' % here.nsd_port,
		server="\tserve-expired: yes\n\tmsg-cache-size: 256m\n\trrset-cache-size: 256m\n" + server)
	return here


def cached_questions(here):
	code, text = here.control("dump_cache")
	if code != 0:
		raise RuntimeError(text)
	return {tuple(line.split()[1:4:2]) for line in text.splitlines() if line.startswith("msg ")}


def said(here, name, qtype="A", **options):
	answer, frame = here.ask(name, qtype, **options)
	return answer and dns.rcode.to_text(answer.rcode()), frame and frame.extra.get("path")


def escaped_nothing(tap, here, claim):
	here.unbound.stop()
	tap.ok(" 0 denied too late" in here.unbound.output(), claim, here.unbound.output()[-2000:])


def check_denials(tap, here, label):
	cached = cached_questions(here)
	for name, qtype, why in DENIED:
		tap.ok((name + ".", qtype) not in cached, "%s: %s is gone" % (label, why))
	for name, qtype in ALLOWED:
		tap.ok((name + ".", qtype) in cached, "%s: %s %s stays" % (label, name, qtype), sorted(cached))
	for name, qtype, why in DENIED:
		tap.equal(said(here, name, qtype)[0], "REFUSED", "%s: %s is refused" % (label, why))
	tap.equal(said(here, "checked.example", "AAAA", flags=dns.flags.RD | dns.flags.CD)[0], "REFUSED", "%s: an answer without checking" % label)
	tap.equal(said(here, "brief.example")[0], "REFUSED", "%s: an expired answer is not served" % label)
	tap.equal(said(here, "brief2.example")[0], "NOERROR", "%s: another is" % label)
	escaped_nothing(tap, here, "%s: nothing was denied too late" % label)


def fill(here):
	for name, qtype in [row[:2] for row in DENIED] + ALLOWED + [("ns1.crime.bad", "A"), ("brief.example", "A"), ("brief2.example", "A")]:
		here.ask(name, qtype)
	for flags in dns.flags.RD, dns.flags.RD | dns.flags.CD:
		here.ask("checked.example", "AAAA", flags=flags)


def what_is_denied_leaves_the_caches(tap):
	for way, label in (renew, "a live change"), (restart_keeping_caches, "a restart that keeps the caches"):
		for threads in (1, 3):
			with start(threads) as here:
				fill(here)
				cached = cached_questions(here)
				for name, qtype, why in DENIED:
					tap.ok((name + ".", qtype) in cached, "%s is cached at first" % why, sorted(cached))
				time.sleep(2.1)
				tap.equal(said(here, "brief.example"), ("NOERROR", "cached"), "an expired answer is served from the cache")
				here.policy(RPZ)
				way(here)
				check_denials(tap, here, "%s, %d threads" % (label, threads))


if __name__ == "__main__":
	lab.require()
	tap.run(what_is_denied_leaves_the_caches)
