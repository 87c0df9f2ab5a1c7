#!/usr/bin/python3
"""Who looks for another resolver is told so, by the configuration of doc/lists.md, and who may does.

Takes lists/doh_domains.txt of VERDICT_DATA (default ../shared/data beside the checkout) as the feed; without it, names
of its own."""

import os
import re
import shutil

import dns.message
import dns.query
import dns.rcode

import lab
import tap

FEED = os.path.join(lab.DATA, "lists/doh_domains.txt")
OWN = ["dns.google", "doh.example.net", "one.one.one.one"]
FOLDER = "/etc/unbound/verdict/"
STAFF = "127.0.9.1"
# A root that knows every name: what is not denied is answered.
ROOT = """$TTL 86400
. SOA a.lab-root. hostmaster.lab-root. 1 3600 600 86400 60
. NS a.lab-root.
a.lab-root. A 127.0.0.1
* A 192.0.2.80
"""
ATTACK = ["T1071.004", "T1090"]


def clauses(here, change=None):
	"""As the page says, with the files here."""
	with open(os.path.join(lab.SRCDIR, "doc/lists.md")) as file:
		section = file.read().split("## Other resolvers\n")[1]
	text = "".join(line + "\n" for line in section.split("\n") if line.startswith("    "))
	text = text.replace(FOLDER, here.dir + "/").replace("192.0.2.0/24", STAFF)
	return re.sub(*change, text) if change else text


def names():
	if not os.access(FEED, os.R_OK):
		print("# no real feed: %s (set VERDICT_DATA); names of its own" % FEED)
		return OWN
	with open(FEED) as file:
		return [line.strip() for line in file if line.strip()]


def begin(here, listed, change=None):
	shutil.copy(os.path.join(lab.SRCDIR, "doc/canaries.rpz"), here.path("canaries.rpz"))
	here.write("doh-domains.txt", "\n".join(listed) + "\n")
	here.start([], raw=clauses(here, change))


def ask(here, name, client="127.0.0.1"):
	"""Returns the rcode, and whether there is an answer."""
	answer = dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=here.port, timeout=lab.PATIENCE, source=client)
	return dns.rcode.to_text(answer.rcode()), bool(answer.answer)


def framed(here, count):
	"""{(name, client): what its frame says}, once there are so many frames."""
	def find():
		found = [frame for frame in lab.frames.read(here.frames_file) if frame.query is not None]
		return found if len(found) >= count else None
	return {(frame.query.question[0].name.to_text(True), str(frame.client)): frame.extra
		for frame in lab.wait_for(find, "frames")}


def told(extra):
	return tuple((extra or {}).get(key) for key in ("verdict", "list", "category", "attack"))


def clients_are_kept_from_other_resolvers(tap):
	listed = names()
	some = listed[::max(1, len(listed) // 20)]
	denied = [("use-application-dns.net", "nxdomain", "canaries", "Firefox's canary"),
		("mask.icloud.com", "nxdomain", "canaries", "that of a relay"),
		("mask-h2.icloud.com", "nxdomain", "canaries", "its other one"),
		("_dns.resolver.arpa", "nodata", "canaries", "whether this resolver is found encrypted"),
		("below." + listed[0], "nxdomain", "resolvers", "a name below a resolver's")]
	denied += [(name, "nxdomain", "resolvers", "a resolver's name") for name in some]
	others, free = ("www.example.com", "resolver.arpa", "icloud.com"), ("use-application-dns.net", some[0])
	with lab.Lab({".": ROOT}) as here:
		begin(here, listed)
		for name, action, _, why in denied:
			rcode = "NXDOMAIN" if action == "nxdomain" else "NOERROR"
			tap.equal(ask(here, name), (rcode, False), "%s: %s" % (why, name))
		for name in others:
			tap.equal(ask(here, name), ("NOERROR", True), "others have an answer: " + name)
		for name in free:
			tap.equal(ask(here, name, STAFF), ("NOERROR", True), "who may has one: " + name)
		found = framed(here, len(denied) + len(others) + len(free))
		for name, action, by, _ in denied:
			tap.equal(told(found.get((name, "127.0.0.1"))), (action, by, "resolver-bypass", ATTACK),
				"the frame says why: " + name)
		tap.equal([found[name, STAFF]["verdict"] for name in free], ["allow"] * 2, "nothing is said against who may")


def observing_tells_and_denies_nothing(tap):
	with lab.Lab({".": ROOT}) as here:
		begin(here, OWN, (r"(format: domains\n)", r"\1        action: observe\n"))
		tap.equal(ask(here, OWN[1]), ("NOERROR", True), "with action: observe there is an answer")
		tap.equal(told(framed(here, 1).get((OWN[1], "127.0.0.1"))), ("observe", "resolvers", "resolver-bypass", ATTACK),
			"and the frame says what it is")


if __name__ == "__main__":
	lab.require()
	tap.run(clients_are_kept_from_other_resolvers, observing_tells_and_denies_nothing)
