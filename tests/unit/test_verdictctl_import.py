#!/usr/bin/python3
"""`verdictctl import`: what comes out passes `verdictctl check` and decides as its source does. TAP."""

import json
import os
import re
import shutil
import sys

SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests/e2e"))
sys.path.insert(0, os.path.join(SOURCE, "tests/unit"))
import tap  # noqa: E402
from importing import folder, imported, options, path, verdictctl, verdicts, write  # noqa: E402

ZONE = """$TTL 300
@ SOA localhost. root.localhost. 1 3600 600 86400 300
@ NS localhost.
%s CNAME .
*.%s CNAME .
"""

NAMED = r"""
/* a comment { with braces; */
options {
	directory "%(zones)s";        // relative files are below it
	recursion yes;
	response-policy {             # a third kind
		zone "pass.rpz" policy passthru;
		zone "garden.rpz" policy cname "garden.example" max-policy-ttl 60m;
		zone "quiet.rpz" policy disabled log yes;
		zone drop.rpz policy DROP;
		zone "given.rpz" ede filtered;
	} qname-wait-recurse no max-policy-ttl 1h break-dnssec yes min-ns-dots 0;
};
logging { channel x { file "log" versions 3; severity info; }; };
include "zones.conf";
"""


def bind_with_everything_that_has_an_equal(tap):
	zones = path("zones")
	names = ("pass", "garden", "quiet", "drop", "given")
	for name in names:
		write("zones/%s.db" % name, ZONE % (name + ".example", name + ".example"))
	write("zones.conf", "".join('zone "%s.rpz" IN { type master; file "%s.db"; allow-query { none; }; };\n' % (name, name)
		for name in names))
	code, conf, err = imported("bind", write("named.conf", NAMED % {"zones": zones}))
	tap.equal(code, 0, "all is carried over")
	got = options(conf)
	for line in ("qname-wait-recurse: no", "max-policy-ttl: 3600", "break-dnssec: yes", "min-ns-dots: 0",
			"recursive-only: yes", "nsip-wait-recurse: yes", "file: %s/given.db" % zones, "ede: filtered",
			"sinkhole-name: garden.example", "shadow: yes"):
		tap.ok(line in got, "there is " + line, "\n".join(got))
	verdicts(tap, conf, [("passthru", ["pass.example"], ["pass"]), ("a garden", ["www.garden.example"], ["sinkhole"]),
		("disabled", ["quiet.example"], ["allow"]), ("drop", ["drop.example"], ["drop"]),
		("as the zone says", ["x.given.example"], ["nxdomain"]), ("nothing", ["example.net"], ["allow"])])


def bind_tells_what_has_no_equal(tap):
	write("b.db", ZONE % ("b.example", "b.example"))
	conf = write("odd.conf", """zone "b" { type primary; file "b.db"; };
zone "raw" { type secondary; file "b.db"; masters { 192.0.2.1; }; };
options {
	response-policy {
		zone "b" policy maybe max-policy-ttl 7 log no add-soa no;
		zone "raw";
		zone "gone";
	} servfail-until-ready yes;
};
""")
	code, made, err = imported("bind", conf)
	tap.equal(code, 1, "the exit code says so")
	for line, what in ((5, "policy maybe"), (5, "max-policy-ttl 7"), (5, "log no"), (5, "add-soa no"), (6, "raw file"),
			(7, "no file here"), (8, "servfail-until-ready")):
		tap.ok(re.search(r"odd\.conf:%d: no equal: .*%s" % (line, what), err), "with file and line: " + what, err)
		with open(made) as file:
			tap.ok(re.search(r"# NO EQUAL: .*odd\.conf:%d: .*%s" % (line, what), file.read()), "and in its place: " + what)
	verdicts(tap, made, [("what is left decides", ["b.example"], ["nxdomain"])])


VIEW = """options {
	directory "%s";
	masterfile-format raw;
	response-policy { zone "outer.rpz"; } min-ns-dots 3;
};
view "only" {
	zone "inner.rpz." { masterfile-format text; type secondary; file "inner.db"; primaries { 192.0.2.1; }; };
	zone "raw.rpz" { type primary; file "inner.db"; };
	zone "outer.rpz" { type primary; file "inner.db"; };
	response-policy { zone "INNER.rpz"; zone "raw.rpz"; };
};
"""


def bind_with_a_view_of_its_own(tap):
	write("one/inner.db", ZONE % ("inner.example", "inner.example"))
	code, made, err = imported("bind", write("one/named.conf", VIEW % path("one")))
	tap.equal((code, err.count("no equal: ")), (1, 1), "one zone is lost: " + err)
	tap.ok(re.search(r"named\.conf:10: no equal: zone raw.rpz has a raw file", err), "by the format that options say", err)
	got = options(made)
	tap.ok("name: outer.rpz" not in got and "min-ns-dots: 1" in got, "the view's policy replaces that of options", "\n".join(got))
	verdicts(tap, made, [("a copy written as text", ["inner.example"], ["nxdomain"])])


def what_is_no_named_conf_is_refused(tap):
	rows = [("options {", "does not end"), ("options { response-policy { zone ; }; };", "a value is missing"),
		("/* never closed", "a comment does not end"), ('zone "x', "a quote does not end"),
		('include "%s";' % path("self.conf"), "too many includes"), ("} ;", "semicolon"),
		('include "/nonexistent/x";', "nonexistent"), ("zone " + "x" * 2000 + ";", "too long")]
	for text, says in rows:
		code, out, err = verdictctl("import", "--from", "bind", write("self.conf", text))
		tap.ok(code == 3 and out == "" and (says in err or "missing" in err), "refused: " + text[:40], "%d %s" % (code, err))


UNBOUND = """
server:
	directory: "%(place)s"
	define-tag: "kids staff"
	access-control: 0.0.0.0/0 allow
	access-control-tag: 192.0.2.0/24 "kids"
	access-control-tag: 198.51.100.0/24 "kids staff"
	local-zone: "static.example." static
	local-data: "www.static.example. 60 IN A 192.0.2.80"
	local-zone: "refuse.example" refuse
	local-zone: "deny.example" deny
	local-zone: "null.example" always_null
	local-zone: "nodata.example" always_nodata
	local-data: "x.nodata.example A 192.0.2.1"
	local-zone: "redirect.example" redirect
	local-data: 'redirect.example AAAA 2001:db8::1'
	local-data: 'redirect.example A 192.0.2.81'
	local-zone: "alone.example" transparent
	local-zone: "seen.example" inform
	local-zone: "games.example" always_nxdomain
	local-zone-tag: "games.example" "kids"
	response-ip: 203.0.114.0/24 redirect
	response-ip-data: 203.0.114.0/24 "IN A 192.0.2.90"
include: "more*.conf"
rpz:
	name: "feed.rpz"
	zonefile: "feed.db"
	rpz-action-override: nodata
	rpz-log: yes
"""


def unbound_with_everything_that_has_an_equal(tap):
	write("u/feed.db", ZONE % ("fed.example", "fed.example"))
	write("u/more1.conf", 'server:\n\tlocal-zone: "more.example" always_nxdomain # a comment\n')
	code, conf, err = imported("unbound", write("u/unbound.conf", UNBOUND % {"place": path("u")}))
	tap.equal((code, err.count("differs: ")), (1, 1), "all is carried over: " + err)
	tap.ok(re.search(r"unbound\.conf:25: differs: rpz: .*response-ip", err), "the order of rpz and response-ip is told")
	kid, other = ["--client", "192.0.2.7"], ["--client", "10.0.0.1"]
	verdicts(tap, conf, [
		("static", ["nothing.static.example"], ["nxdomain"]), ("its data", ["www.static.example"], ["local-data"]),
		("transparent alone says nothing", ["alone.example"], ["allow"]),
		("refuse", ["refuse.example"], ["refuse"]), ("deny", ["x.deny.example"], ["drop"]),
		("always_null", ["x.null.example"], ["sinkhole"]), ("always_nodata", ["nodata.example"], ["nodata"]),
		("which does not look at data", ["x.nodata.example"], ["nodata"]),
		("redirect", ["below.redirect.example"], ["local-data"]),
		("redirect, the other family", ["below.redirect.example", "AAAA"], ["local-data"]),
		("inform", ["seen.example"], ["observe"]), ("an included file", ["more.example"], ["nxdomain"]),
		("a tag, for who has it", [*kid, "games.example"], ["nxdomain"]),
		("a tag, for who has it among others", ["--client", "198.51.100.9", "games.example"], ["nxdomain"]),
		("a tag, for others", [*other, "games.example"], ["allow"]),
		("rpz with an override", ["fed.example"], ["nodata"]),
		("response-ip redirect", ["--answer", "a.example. A 203.0.114.5", "a.example"], ["sinkhole"]),
	])


NESTED = """
server:
	access-control-tag: 192.0.2.0/24 "kids"
	local-zone: "static.example" static
	local-zone: "null.static.example" always_null
	local-zone: "gone.null.static.example" always_nxdomain
	local-zone: "open.static.example" always_transparent
	local-zone: "null.open.static.example" always_null
	local-zone: "kids.static.example" refuse
	local-zone-tag: "kids.static.example" "kids"
	local-zone: "all.kids.static.example" deny
	local-zone: "null.example" always_null
	local-zone: "open.null.example" transparent
"""


def unbound_zones_inside_of_each_other(tap):
	code, conf, err = imported("unbound", write("n/unbound.conf", NESTED))
	tap.equal((code, err.count("differs")), (0, 0), "all is carried over")
	kid, other = ["--client", "192.0.2.7"], ["--client", "10.0.0.1"]
	verdicts(tap, conf, [("the outer one", ["a.static.example"], ["nxdomain"]), ("always_null inside of it", ["a.null.static.example"], ["sinkhole"]),
		("and another inside of that", ["a.gone.null.static.example"], ["nxdomain"]), ("an open one", ["a.open.static.example"], ["pass"]),
		("always_null inside of that", ["null.open.static.example"], ["sinkhole"]), ("with a tag", [*kid, "a.kids.static.example"], ["refuse"]),
		("for others as around", [*other, "a.kids.static.example"], ["nxdomain"]),
		("without a tag inside of it", [*kid, "all.kids.static.example"], ["drop"]), ("for others, too", [*other, "all.kids.static.example"], ["drop"]),
		("an open one inside of always_null", ["a.open.null.example"], ["pass"]), ("around it", ["a.null.example"], ["sinkhole"])])


PLAIN = """server: local-zone: "inline.example" always_nxdomain
	access-control: 192.0.2.0/24 allow
	access-control: 192.0.2.9/32 allow
	access-control: 198.51.100.0/24 allow
	access-control-tag: 192.0.2.0/24 "kids"
	local-zone: "games.example" always_nxdomain
	local-zone-tag: "games.example" "kids"
	local-data: "null.example A 0.0.0.0"
	local-zone: "redirect.example" redirect
	local-data: "redirect.example 60 IN A 0.0.0.0"
	local-zone: "other.redirect.example" static
	local-zone: "twice.example" static
	local-zone: "twice.example" always_refuse
"""


def unbound_blocks_with_addresses_of_nobody(tap):
	code, conf, err = imported("unbound", write("p/unbound.conf", PLAIN))
	tap.equal(code, 0, "all is carried over: " + err)
	kid, free, other = ["--client", "192.0.2.7"], ["--client", "192.0.2.9"], ["--client", "198.51.100.1"]
	verdicts(tap, conf, [("0.0.0.0 is an answer", ["null.example"], ["local-data", "null.example.\t3600\tIN\tA\t0.0.0.0"]),
		("so it is below a redirect zone", ["x.redirect.example"], ["local-data", "x.redirect.example.\t60\tIN\tA\t0.0.0.0"]),
		("another type has no data", ["x.redirect.example", "AAAA"], ["local-data"]),
		("a zone inside of that", ["x.other.redirect.example"], ["nxdomain"]),
		("an option behind `server:`", ["inline.example"], ["nxdomain"]),
		("of a zone said twice the last", ["twice.example"], ["refuse"]),
		("who has the tag", [*kid, "games.example"], ["nxdomain"]),
		("who is further in and has none", [*free, "games.example"], ["allow"]),
		("who never had one", [*other, "games.example"], ["allow"])])
	tap.ok("198.51.100.0" not in open(conf).read(), "networks without tags outside of others need no group")


def unbound_tells_of_its_default_zones(tap):
	conf = write("d/unbound.conf", """server:
	local-zone: "home.arpa." static
	local-data: "nas.home.arpa. A 192.0.2.9"
	local-zone: "10.in-addr.arpa" nodefault
	local-data: "printer.test A 192.0.2.10"
	local-zone: "athome.arpa" static
	local-zone: "refused.example" refuse
	local-data: "a.refused.example A 192.0.2.1"
	local-data: "b.example A 192.0.2.1 2"
	local-zone: "c.example" static local-zone: "d.example" static
""")
	code, made, err = imported("unbound", conf)
	tap.equal((code, err.count("differs: ")), (1, 4), "the exit code says so, and so many differ: " + err)
	for line, what in ((2, "differs: home.arpa .*nodefault"), (4, "differs: 10.in-addr.arpa .*nodefault"),
			(5, "differs: printer.test .*nodefault"), (8, "differs: local-data: a.refused.example"),
			(9, "no equal: local-data"), (10, "no equal: what is behind")):
		tap.ok(re.search(r"unbound\.conf:%d: %s" % (line, what), err), "with file and line: " + what, err)


def unbound_tells_what_differs(tap):
	conf = write("w/unbound.conf", """server:
	access-control-tag: 192.0.2.0/24 "kids"
	local-zone: "static.example" static
	local-zone: "open.static.example" transparent
	local-zone: "seen.static.example" inform
	local-zone-tag: "seen.static.example" "kids"
	response-ip: 198.51.100.0/24 always_refuse
	response-ip: 198.51.100.64/26 always_nxdomain
	response-ip: 198.51.100.65 deny
""")
	code, made, err = imported("unbound", conf)
	tap.equal((code, "0 things have no equal, 3 differ" in err), (1, True), "the exit code says so, and the count")
	for line, what in ((4, "open.static.example"), (5, "seen.static.example"), (7, "response-ip")):
		tap.ok(re.search(r"unbound\.conf:%d: differs: .*%s" % (line, what), err), "with file and line: " + what, err)
		with open(made) as file:
			tap.ok(re.search(r"# DIFFERS: .*unbound\.conf:%d: .*%s" % (line, what), file.read()), "and in its place: " + what)
	answer = lambda address: ["--answer", "a.example. A " + address, "a.example"]
	verdicts(tap, made, [("the longest prefix", answer("198.51.100.65"), ["drop"]), ("the next", answer("198.51.100.66"), ["nxdomain"]),
		("the shortest", answer("198.51.100.1"), ["refuse"]), ("an open zone", ["a.open.static.example"], ["pass"])])


def unbound_tells_what_has_no_equal(tap):
	conf = write("v/unbound.conf", """server:
	local-data: "a.example TXT text"
	local-data-ptr: "192.0.2.1 a.example"
	local-zone: "b.example" ipset
	access-control-tag-action: 192.0.2.0/24 kids refuse
	local-zone: "tagged.example" static
	local-zone-tag: "tagged.example" "nobody"
	response-ip: 192.0.2.0/24 static
	local-zone: "c.example" static
view:
	name: v
	local-zone: "inside.example" static
rpz:
	name: secondary
	primary: 192.0.2.1
""")
	code, made, err = imported("unbound", conf)
	tap.equal(code, 1, "the exit code says so")
	for line, what in ((2, "local-data other"), (3, "local-data-ptr"), (4, "b.example ipset"), (5, "tag-action"),
			(8, "192.0.2.0/24 static"), (10, "view"), (13, "no zonefile"), (15, "primary")):
		tap.ok(re.search(r"unbound\.conf:%d: no equal: .*%s" % (line, what), err), "with file and line: " + what, err)
	verdicts(tap, made, [("what is left decides", ["c.example"], ["nxdomain"]),
		("a zone whose tag no client has denies nobody", ["tagged.example"], ["allow"]),
		("nor does a view's", ["inside.example"], ["allow"])])
	code, out, err = verdictctl("import", "--from", "unbound", conf)
	tap.ok(code == 3 and "--lists" in err, "lists that have to be made need a folder", err)


def usage(tap):
	conf = write("empty.conf", "")
	for arguments in ([conf], ["--from", "nobody", conf], ["--from", "bind"], ["--from", "bind", "--json", conf]):
		tap.equal(verdictctl("import", *arguments)[0], 2, "wrong usage: " + " ".join(arguments))
	made = write("there.conf", "mine")
	code, out, err = verdictctl("import", "--from", "bind", "--output", made, conf)
	tap.ok(code == 3 and open(made).read() == "mine", "a file that is there is not replaced", err)
	conf = write("u.conf", 'local-zone: "a.example" static\n')
	os.makedirs(path("made"))
	for output in (made, path("no/where.conf")):
		code, out, err = verdictctl("import", "--from", "unbound", "--lists", path("made"), "--output", output, conf)
		tap.equal((code, os.listdir(path("made"))), (3, []), "what fails leaves no lists in the way of the next attempt")
	relative = os.path.relpath(path("made"))
	code, out, err = verdictctl("import", "--from", "unbound", "--lists", relative, "--output", path("made/new.conf"), conf)
	verdicts(tap, path("made/new.conf"), [("lists are found from where the configuration is", ["a.example"], ["nxdomain"])])
	conf = write("empty.conf", "")
	code, out, err = verdictctl("import", "--from", "bind", "--output", path("new.conf"), "--json", conf)
	tap.equal((code, json.loads(out)["no_equal"]), (1, 1), "the summary for scripts")


try:
	tap.run(bind_with_everything_that_has_an_equal, bind_tells_what_has_no_equal, bind_with_a_view_of_its_own, what_is_no_named_conf_is_refused,
		unbound_with_everything_that_has_an_equal, unbound_zones_inside_of_each_other,
		unbound_blocks_with_addresses_of_nobody, unbound_tells_of_its_default_zones, unbound_tells_what_differs, unbound_tells_what_has_no_equal, usage)
finally:
	shutil.rmtree(folder)
