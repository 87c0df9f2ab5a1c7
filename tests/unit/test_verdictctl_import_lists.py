#!/usr/bin/python3
"""`verdictctl import` of Pi-hole and OPNsense: what comes out passes `verdictctl check` and decides as its source does. TAP."""

import contextlib
import io
import json
import os
import random
import re
import shutil
import sqlite3
import sys
import tarfile
import zipfile

SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests/e2e"))
sys.path.insert(0, os.path.join(SOURCE, "tests/unit"))
import tap  # noqa: E402
from importing import folder, imported, path, verdicts, write  # noqa: E402

SCHEMA = """
CREATE TABLE "group" (id INTEGER PRIMARY KEY, enabled BOOLEAN NOT NULL DEFAULT 1, name TEXT NOT NULL);
INSERT INTO "group" VALUES (0, 1, 'Default');
CREATE TABLE domainlist (id INTEGER PRIMARY KEY, type INTEGER, domain TEXT, enabled BOOLEAN DEFAULT 1, comment TEXT);
CREATE TABLE adlist (id INTEGER PRIMARY KEY, address TEXT, enabled BOOLEAN DEFAULT 1, comment TEXT %s);
CREATE TABLE client (id INTEGER PRIMARY KEY, ip TEXT);
CREATE TABLE gravity (domain TEXT, adlist_id INTEGER);
CREATE TABLE client_by_group (client_id INTEGER, group_id INTEGER, PRIMARY KEY (client_id, group_id));
CREATE TABLE adlist_by_group (adlist_id INTEGER, group_id INTEGER, PRIMARY KEY (adlist_id, group_id));
CREATE TABLE domainlist_by_group (domainlist_id INTEGER, group_id INTEGER, PRIMARY KEY (domainlist_id, group_id));
CREATE TRIGGER tr_domainlist_add AFTER INSERT ON domainlist BEGIN INSERT INTO domainlist_by_group VALUES (NEW.id, 0); END;
CREATE TRIGGER tr_adlist_add AFTER INSERT ON adlist BEGIN INSERT INTO adlist_by_group VALUES (NEW.id, 0); END;
"""
ALLOW, DENY, ALLOW_REGEX, DENY_REGEX = range(4)


def gravity(name, *statements, six=True):
	"""A database of v6, or of v5."""
	where = write(name, "")
	database = sqlite3.connect(where)
	database.executescript(SCHEMA % (", type INTEGER NOT NULL DEFAULT 0" if six else ""))
	for statement, *values in statements:
		database.execute(statement, values)
	database.commit()
	database.close()
	return where


def domain(kind, text, enabled=1):
	return "INSERT INTO domainlist (type, domain, enabled) VALUES (?, ?, ?)", kind, text, enabled


def fetch(conf, **files):
	"""Puts lists where the configuration wants them, by the end of what they come from."""
	with open(conf) as file:
		wanted = dict(re.findall(r'^\t# FETCH: (.*)\n\tfile: "(.*)"', file.read(), re.M))
	for source, where in wanted.items():
		with open(where, "w") as file:
			file.write(files[source.rpartition("/")[2]])
	return sorted(wanted)


def pihole_domains_decide_as_there(tap):
	database = gravity("p/gravity.db", domain(ALLOW, "www.both.example"), domain(DENY, "both.example"), domain(DENY, "www.both.example"),
		domain(DENY, "OFF.example", 0), domain(ALLOW_REGEX, r"(^|\.)fine\.example$"), domain(DENY, "x.fine.example"),
		domain(DENY_REGEX, r"(\.|^)tracker\.example$"), domain(DENY_REGEX, r"^ads\.example$"), domain(DENY_REGEX, r"^(.+\.)?opt\.example$"),
		domain(DENY_REGEX, r"\.below\.example$"), domain(DENY_REGEX, r"^.*\.star-\_x\.example$"),
		("INSERT INTO adlist (address) VALUES ('https://lists.example/hosts')",),
		("INSERT INTO adlist (address, enabled) VALUES ('https://lists.example/old', 0)",),
		("INSERT INTO adlist (address, type) VALUES ('https://lists.example/anti', 1)",))
	for source in (database, path("p")):
		code, conf, err = imported("pihole", source)
		tap.equal((code, "2 lists are not there yet" in err), (0, True), "all is carried over")
		tap.equal(fetch(conf, hosts="0.0.0.0 plain.example anti.example tracker.example\n||wide.example^\n" * 5, anti="anti.example\n"),
			["https://lists.example/anti", "https://lists.example/hosts"], "what has to be fetched is said, and where to")
		verdicts(tap, conf, [
			("allowed before denied", ["www.both.example"], ["pass"]), ("denied", ["both.example"], ["sinkhole"]),
			("a plain name is that name alone", ["a.both.example"], ["allow"]), ("what is off is off", ["off.example"], ["allow"]),
			("allowed by a regex before denied", ["x.fine.example"], ["pass"]), ("its name", ["fine.example"], ["pass"]),
			("denied by a regex", ["a.tracker.example"], ["sinkhole"]), ("the name alone", ["ads.example"], ["sinkhole"]),
			("not below", ["a.ads.example"], ["allow"]), ("not beside", ["bads.example"], ["allow"]),
			("an optional beginning", ["opt.example"], ["sinkhole"]), ("and with it", ["a.opt.example"], ["sinkhole"]),
			("below alone", ["a.below.example"], ["sinkhole"]), ("not the name", ["below.example"], ["allow"]),
			("escapes", ["a.star-_x.example"], ["sinkhole"]),
			("a list", ["plain.example"], ["sinkhole"]), ("of plain names", ["a.plain.example"], ["allow"]),
			("of filters", ["a.wide.example"], ["sinkhole"]), ("a list that allows", ["anti.example"], ["pass"])])


def pihole_groups_and_clients(tap):
	staff, kid, both, other = (["--client", address] for address in ("192.0.2.1", "198.51.100.9", "198.51.100.200", "203.0.113.1"))
	database = gravity("g/gravity.db", ("INSERT INTO \"group\" VALUES (1, 1, 'kids')",), ("INSERT INTO \"group\" VALUES (2, 0, 'off')",),
		("INSERT INTO \"group\" VALUES (3, 1, 'staff room')",), ("INSERT INTO client VALUES (1, '198.51.100.0/24')",),
		("INSERT INTO client VALUES (2, '192.0.2.1')",), ("INSERT INTO client VALUES (3, '198.51.100.200')",),
		("INSERT INTO client_by_group VALUES (1, 1), (2, 3), (3, 1), (3, 0), (1, 2)",),
		domain(DENY, "all.example"), domain(DENY, "games.example"), domain(DENY, "default.example"), domain(DENY, "gone.example"),
		domain(ALLOW, "all.example"), domain(DENY, "nobody.example"),
		("UPDATE domainlist_by_group SET group_id = 1 WHERE domainlist_id = 2",), ("UPDATE domainlist_by_group SET group_id = 2 WHERE domainlist_id = 4",),
		("UPDATE domainlist_by_group SET group_id = 3 WHERE domainlist_id = 5",), ("DELETE FROM domainlist_by_group WHERE domainlist_id = 6",),
		("INSERT INTO domainlist_by_group VALUES (1, 1), (1, 3)",), six=False)
	code, conf, err = imported("pihole", database)
	tap.equal(code, 0, "all is carried over")
	verdicts(tap, conf, [("for all", [*other, "all.example"], ["sinkhole"]), ("and for kids", [*kid, "all.example"], ["sinkhole"]),
		("allowed to staff", [*staff, "all.example"], ["pass"]), ("for kids", [*kid, "games.example"], ["sinkhole"]),
		("of two groups", [*both, "games.example"], ["sinkhole"]), ("not for others", [*other, "games.example"], ["allow"]),
		("default", [*other, "default.example"], ["sinkhole"]), ("default among two", [*both, "default.example"], ["sinkhole"]),
		("not for kids", [*kid, "default.example"], ["allow"]), ("of a group that is off", [*kid, "gone.example"], ["allow"]),
		("of no group", [*other, "nobody.example"], ["allow"])])


TOML = """# Pi-hole configuration file (v6.0)
[dns]
  # a = [ "x" ]
  hosts = [
    "192.0.2.10 nas.lan box.lan",
    "2001:db8::10 nas.lan"
  ] ### CHANGED, default = []
  cnameRecords = [ "files.lan,data.lan,nas.lan,300" ]

  [dns.blocking]
    active = true
    mode = "NX" ### CHANGED
"""


def archive(name, members, six):
	where = path(name)
	if six:
		with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as file:
			for member, content in members.items():
				file.writestr(member, content)
		return where
	with tarfile.open(where, "w:gz") as file:
		for member, content in members.items():
			info = tarfile.TarInfo(member)
			info.size = len(content)
			file.addfile(info, io.BytesIO(content))
	return where


def pihole_teleporter_archives(tap):
	with open(gravity("t/gravity.db", domain(DENY, "bad.example")), "rb") as file:
		six = archive("six.zip", {"etc/pihole/gravity.db": file.read(), "etc/pihole/pihole.toml": TOML, "etc/hosts": "x"}, True)
	rows = lambda *all: json.dumps(all).encode()
	five = archive("five.tar.gz", {"blacklist.exact.json": rows({"id": 1, "type": 1, "domain": "bad.example", "enabled": 1, "comment": None}),
		"domainlist_by_group.json": rows({"domainlist_id": "1", "group_id": 0}), "group.json": rows({"id": 0, "enabled": 1, "name": "Default"}),
		"custom.list": b"192.0.2.10 nas.lan box.lan\n2001:db8::10 nas.lan\n",
		"dnsmasq.d/05-pihole-custom-cname.conf": b"cname=files.lan,nas.lan\ncname=data.lan,nas.lan,300\n",
		"pihole-FTL.conf": b"BLOCKINGMODE=NXDOMAIN\n"}, False)
	for source in (six, five):
		code, conf, err = imported("pihole", source)
		tap.equal((code, err.count("no equal:")), (1, 1), "all but reverse names is carried over")
		tap.ok("to names (" in err and "local-data-ptr" in err, "which is told", err)
		verdicts(tap, conf, [("denied as set", ["bad.example"], ["nxdomain"]), ("a local name", ["nas.lan"], ["local-data"]),
			("in both families", ["nas.lan", "AAAA"], ["local-data"]), ("a second one", ["box.lan"], ["local-data"]),
			("an alias", ["data.lan", "AAAA"], ["local-data"]), ("other types are asked elsewhere", ["nas.lan", "MX"], ["allow"])])


def pihole_teleporter_with_a_log(tap):
	database = gravity("log.db", domain(1, "bad.example"), ("INSERT OR IGNORE INTO domainlist_by_group VALUES (1, 0)",))
	with contextlib.closing(sqlite3.connect(database)) as log:
		log.execute("PRAGMA journal_mode = WAL")
	toml = ('[dns]\nhosts = [\n"192.0.2.1 nas.lan # mine",\n"alone"\n]\n[dns.specialDomains]\nmozillaCanary = true\niCloudPrivateRelay = false\n'
		'[misc]\ndnsmasq_lines = [\n"address=/x.example/192.0.2.1"\n]\n')
	with open(database, "rb") as file:
		code, conf, err = imported("pihole", archive("log.zip", {"etc/pihole/gravity.db": file.read(), "etc/pihole/pihole.toml": toml}, True))
	for what in ("pihole.toml:4: no equal: local name", "pihole.toml:7: no equal: mozillaCanary", "pihole.toml:11: no equal: dnsmasq: address=/x",
			r"names \(1\)"):
		tap.ok(re.search(what, err), "told: " + what, err)
	tap.ok("iCloud" not in err, "what is off is not", err)
	verdicts(tap, conf, [("a database that says it has a log", ["bad.example"], ["sinkhole"]), ("a name with a comment", ["nas.lan"], ["local-data"]),
		("which is no name", ["mine"], ["allow"])])


def pihole_tells_what_differs(tap):
	rows = json.dumps([{"id": 1, "type": 1, "domain": "bad.example", "enabled": 1}]).encode()
	source = archive("alone.tar.gz", {"blacklist.exact.json": rows, "pihole.toml": b"[dns.blocking]\n  active = false\n"}, False)
	code, conf, err = imported("pihole", source)
	tap.equal((code, "0 things have no equal, 2 differ" in err), (1, True), "the exit code says so, and the count")
	for what in ("pihole.toml:2: differs: blocking is off", "differs: groups of its lists"):
		tap.ok(what in err, "told: " + what, err)
	verdicts(tap, conf, [("for all", ["bad.example"], ["sinkhole"])])


def pihole_before_the_database(tap):
	where = write("old/adlists.list", "# mine\nhttps://lists.example/hosts\n\n")
	write("old/custom.list", "")
	for source in (where, path("old")):
		code, conf, err = imported("pihole", source)
		tap.equal((code, fetch(conf, hosts="0.0.0.0 bad.example\n")), (0, ["https://lists.example/hosts"]), "adlists.list")
		verdicts(tap, conf, [("it denies", ["bad.example"], ["sinkhole"])])


def pihole_tells_what_has_no_equal(tap):
	database = gravity("n/gravity.db", domain(DENY_REGEX, r"^ads?[0-9]*\."), domain(DENY_REGEX, "example.com$"), domain(DENY_REGEX, r"bad\.example$"),
		domain(DENY_REGEX, r"(^|\.)x\.example$;querytype=AAAA"), domain(ALLOW_REGEX, "["), domain(DENY, "not a name..example"),
		domain(DENY, "left.example"), ("INSERT INTO client VALUES (1, '02:00:00:00:00:01'), (2, 'host.lan'), (3, ':eth1')",))
	write("n/pihole.toml", '[dns]\ncnameRecords = [ "a.lan,elsewhere.example" ]\nhosts = [ "nonsense b.lan" ]\n[dns.blocking]\nmode = "IP"\n')
	code, conf, err = imported("pihole", path("n"))
	tap.equal((code, err.count("no equal:"), "12 things have no equal" in err), (1, 12, True), "each of them, and the count")
	with open(conf) as file:
		text = file.read()
	for what in (r"domainlist 1, deny by regex: \^ads\?", "domainlist 2", r"domainlist 3, deny by regex: bad", "querytype=AAAA", r"by regex: \[",
			r"not a name", "client 02:00", "client host.lan", "client :eth1", "pihole.toml:2: (no equal: )?alias", "pihole.toml:3: (no equal: )?local name", "blocking mode IP"):
		tap.ok(re.search(what, err) and re.search("# NO EQUAL: .*" + what, text), "told, and in its place: " + what, err)
	verdicts(tap, conf, [("what is left decides", ["left.example"], ["sinkhole"])])


def never_half(tap, system, source, why):
	code, conf, err = imported(system, source)
	tap.ok(code == 3 and not os.path.exists(conf) and err.startswith("verdictctl: ") and "anitizer" not in err, why, "%d %s" % (code, err[-1500:]))


def pihole_that_is_damaged_is_refused(tap):
	with open(gravity("d/gravity.db", *[domain(DENY, "name%d.example" % i) for i in range(2000)]), "rb") as file:
		good = file.read()
	never_half(tap, "pihole", path("nowhere"), "a file that is not there")
	never_half(tap, "pihole", write("empty", ""), "an empty file")
	never_half(tap, "pihole", "/dev/null", "a device")
	os.mkdir(path("nothing"))
	never_half(tap, "pihole", path("nothing"), "a folder without anything")
	sqlite3.connect(path("other.db")).execute("CREATE TABLE other (id)").connection.commit()
	never_half(tap, "pihole", path("other.db"), "another database")
	huge = gravity("huge.db", domain(DENY, "x" * (2 << 20)))
	never_half(tap, "pihole", huge, "a field of 2 MiB")
	long = imported("pihole", gravity("long.db", domain(DENY, "x" * 100000), domain(DENY, "left.example")))
	tap.ok(long[0] == 1 and "no equal: domainlist 1: xxx" in long[2] and len(long[2]) < 2000, "a field of 100 kB is told", long[2][:500])
	for number, bad in enumerate(('{"id": 1}', "[{", '[{"id": 1, "domain"', "\0")):
		never_half(tap, "pihole", archive("bad%d.tar.gz" % number, {"blacklist.exact.json": bad.encode()}, False), "no JSON table: " + ascii(bad))
	whole = archive("whole.zip", {"etc/pihole/gravity.db": good}, True)
	with open(whole, "rb") as file:
		octets = file.read()
	with open(path("cut.zip"), "wb") as file:
		file.write(octets[:len(octets) // 2])
	never_half(tap, "pihole", path("cut.zip"), "half an archive")
	seed = int(os.environ.get("VERDICT_SEED", "1"))
	tap.note("seed %d" % seed)
	rng, codes = random.Random(seed), []
	for number in range(60):
		octets = bytearray(good[:rng.randrange(1, len(good))] if number % 3 == 0 else good)
		for _ in range(rng.randrange(40)):
			octets[rng.randrange(100 if number % 2 else 0, max(101, len(octets))) % len(octets)] = rng.randrange(256)
		with open(path("damaged.db"), "wb") as file:
			file.write(octets)
		code, conf, err = imported("pihole", path("damaged.db"))
		codes.append(code if "anitizer" not in err and (code != 3 or not os.path.exists(conf)) else "%s: %s" % (code, err))
	tap.ok(set(codes) <= {0, 1, 3} and 3 in codes, "60 damaged databases are refused, or what is left is read", str(codes))


def pihole_databases_run_nothing(tap):
	database = gravity("hostile.db", domain(DENY, "left.example"))
	base = sqlite3.connect(database)
	base.executescript("DROP TABLE adlist; CREATE VIEW adlist AS WITH RECURSIVE n(id, address) AS (SELECT 1, 'https://lists.example/a' UNION ALL"
		" SELECT id + 1, address FROM n) SELECT id, address FROM n;")
	base.close()
	never_half(tap, "pihole", database, "a view that never ends")
	before = os.listdir(os.path.dirname(gravity("ro/gravity.db", domain(DENY, "left.example"))))
	imported("pihole", path("ro/gravity.db"))
	tap.equal(os.listdir(path("ro")), before, "nothing is written beside a database")


OPNSENSE = """<?xml version="1.0"?>
<opnsense>
<OPNsense><unboundplus version="1.0.12">
%s
</unboundplus></OPNsense>
</opnsense>
"""
HOSTS = """<hosts>
<host uuid="h1"><enabled>1</enabled><hostname>www</hostname><domain>lan.example</domain><rr>A</rr><server>192.0.2.1</server></host>
<host uuid="h2"><enabled>1</enabled><hostname>*</hostname><domain>wild.example</domain><rr>AAAA</rr><server>2001:db8::2</server></host>
<host uuid="h3"><enabled>1</enabled><hostname/><domain>lan.example</domain><rr>MX</rr><mxprio>10</mxprio><mx>mail.example</mx></host>
<host uuid="h4"><enabled>0</enabled><hostname>off</hostname><domain>lan.example</domain><rr>A</rr><server>192.0.2.4</server></host>
</hosts>
<aliases><alias uuid="a1"><enabled>1</enabled><host>h1</host><hostname>web</hostname><domain/></alias>
<alias uuid="a2"><enabled>1</enabled><host>h4</host><hostname>web2</hostname><domain>x.example</domain></alias></aliases>
"""
BLOCKS = """<enabled>1</enabled><safesearch>0</safesearch><type>ag</type><lists>https://lists.example/hosts</lists>
<%s>good.example,^fine\\.example$</%s><blocklists>bad.example,www.both.example</blocklists><wildcards>both.example</wildcards>
<address>192.0.2.66</address><nxdomain>%d</nxdomain>"""
LISTS = {"hosts": "0.0.0.0 listed.example good.example\n", "OPNsense's list `ag`: its address is in blocklists.conf of that release": "ag.example\n"}


def opnsense_lists_and_overrides(tap):
	old = "<dnsbl>" + BLOCKS % ("whitelists", "whitelists", 0) + "</dnsbl>" + HOSTS
	code, conf, err = imported("opnsense", write("config.xml", OPNSENSE % old))
	tap.equal((code, err.count("no equal:"), "2 lists are not there yet" in err), (1, 1, True), "all but reverse names is carried over")
	fetch(conf, **LISTS)
	verdicts(tap, conf, [("a list", ["listed.example"], ["sinkhole"]), ("of plain names", ["a.listed.example"], ["allow"]),
		("a list by its short name", ["ag.example"], ["sinkhole"]), ("a name of one's own", ["bad.example"], ["sinkhole"]),
		("that name alone", ["a.bad.example"], ["allow"]), ("a wildcard", ["a.both.example"], ["sinkhole"]), ("its name", ["both.example"], ["sinkhole"]),
		("an allowed name", ["good.example"], ["pass"]), ("an allowed pattern", ["fine.example"], ["pass"]),
		("a host override", ["www.lan.example"], ["local-data"]), ("of all below", ["a.b.wild.example", "AAAA"], ["local-data"]),
		("and the domain", ["wild.example", "AAAA"], ["local-data"]), ("an MX", ["lan.example", "MX"], ["local-data"]),
		("an alias", ["web.lan.example"], ["local-data"]), ("off", ["off.lan.example"], ["allow"]), ("of one that is off", ["web2.x.example"], ["allow"])])
	with open(conf) as file:
		tap.ok('sinkhole-address: "192.0.2.66"' in file.read(), "the address that is answered")


def opnsense_policies_for_networks(tap):
	new = "<dnsbl>%s%s</dnsbl>" % tuple("<blocklist uuid='%s'>%s<source_nets>%s</source_nets></blocklist>" % row for row in (
		("p1", BLOCKS % ("allowlists", "allowlists", 1), "192.0.2.0/24,198.51.100.0/24"),
		("p2", "<enabled>1</enabled><blocklists>all.example</blocklists><nxdomain>1</nxdomain>", "")))
	code, conf, err = imported("opnsense", write("config25.xml", OPNSENSE % new))
	tap.equal(code, 0, "all is carried over")
	fetch(conf, **LISTS)
	verdicts(tap, conf, [("of that network", ["--client", "198.51.100.1", "bad.example"], ["nxdomain"]),
		("of another", ["--client", "203.0.113.1", "bad.example"], ["allow"]), ("for all", ["--client", "203.0.113.1", "all.example"], ["nxdomain"]),
		("for all, and that network, too", ["--client", "192.0.2.1", "all.example"], ["nxdomain"])])


def opnsense_policies_for_the_same_networks(tap):
	rows = (("bad", "192.0.2.0/24,198.51.100.1"), ("same", "192.0.2.0/24,198.51.100.1"), ("part", "198.51.100.1"), ("inner", "192.0.2.128/25"),
		("odd", "gateway"))
	new = "<dnsbl>%s</dnsbl>" % "".join("\n<blocklist uuid='%s'><enabled>1</enabled><blocklists>%s.example</blocklists><nxdomain>1</nxdomain>"
		"<source_nets>%s</source_nets></blocklist>" % (name, name, networks) for name, networks in rows)
	code, conf, err = imported("opnsense", write("shared.xml", (OPNSENSE % new).replace("<OPNsense>",
		"<unbound><hosts><host>old</host></hosts></unbound><OPNsense>", 1)))
	tap.equal(code, 1, "the exit code says so")
	for line, word, what in ((7, "no equal", "a policy without"), (8, "differs", "source_nets 192.0.2.128/25 overlaps"),
			(9, "no equal", "a policy without"), (3, "no equal", "host overrides as before")):
		tap.ok(re.search(r"shared\.xml:%d: %s: .*%s" % (line, word, what), err), "with file and line: " + what, err)
	verdicts(tap, conf, [("of the first", ["--client", "192.0.2.1", "bad.example"], ["nxdomain"]),
		("of the second, for the same networks", ["--client", "198.51.100.1", "same.example"], ["nxdomain"]),
		("of one further in", ["--client", "192.0.2.129", "inner.example"], ["nxdomain"]),
		("whose networks are not known denies nobody", ["odd.example"], ["allow"])])


def opnsense_tells_what_has_no_equal(tap):
	odd = """<acls><acl uuid="x"><enabled>1</enabled><name>guests</name><action>refuse</action><networks>192.0.2.0/24</networks></acl></acls>
<dnsbl><enabled>1</enabled><safesearch>1</safesearch><whitelists>.*\\.fine\\.example,ads?\\.</whitelists><blocklists>no..name,left.example</blocklists></dnsbl>
<hosts><host uuid="h"><enabled>1</enabled><hostname>t</hostname><domain>lan.example</domain><rr>TXT</rr><server>192.0.2.1</server></host></hosts>"""
	code, conf, err = imported("opnsense", write("odd.xml", OPNSENSE % odd))
	tap.equal(code, 1, "the exit code says so")
	for line, word, what in ((4, "no equal", "access list guests .*access-control"), (5, "no equal", "safesearch"), (5, "no equal", "allowed ads"),
			(5, "differs", "allowed .*fine"), (5, "no equal", "blocked no..name"), (6, "no equal", "host override t.lan.example TXT")):
		tap.ok(re.search(r"odd\.xml:%d: %s: .*%s" % (line, word, what), err), "with file and line: " + what, err)
	with open(conf) as file:
		tap.ok(re.search(r"# DIFFERS: .*odd\.xml:5: allowed ", file.read()), "and in its place")
	verdicts(tap, conf, [("what is left decides", ["left.example"], ["sinkhole"]), ("the difference", ["a.fine.example"], ["pass"])])
	code, conf, err = imported("opnsense", write("none.xml", "<opnsense><system/></opnsense>"))
	tap.ok(code == 1 and "there is no Unbound in it" in err, "a firewall without Unbound", err)


def opnsense_that_is_no_configuration_is_refused(tap):
	bomb = "<!DOCTYPE o [<!ENTITY a0 'ha'>%s]><opnsense>&a20;</opnsense>" % "".join(
		"<!ENTITY a%d '%s'>" % (i, "&a%d;" % (i - 1) * 10) for i in range(1, 21))
	rows = [("", "nothing"), ("<opnsense>", "one that breaks off"), ("<pfsense></pfsense>", "another system's"), ("a,b\n", "no XML"), (bomb, "an entity bomb"),
		("<!DOCTYPE o SYSTEM 'file:///etc/passwd'><opnsense/>", "entities from outside"), ("<opnsense>\0</opnsense>", "a NUL"),
		("<opnsense>" + "<a>" * 100000, "100000 levels")]
	for text, why in rows:
		never_half(tap, "opnsense", write("bad.xml", text), why)
	deep = OPNSENSE % ("<a>" * 50000 + "</a>" * 50000 + "<dnsbl><enabled>1</enabled><blocklists>%s,left.example</blocklists></dnsbl>" % ("x" * 3000000))
	code, conf, err = imported("opnsense", write("deep.xml", deep))
	tap.ok(code == 1 and len(err) < 2000, "depth and a field of 3 MB", err[:500])
	verdicts(tap, conf, [("what is left decides", ["left.example"], ["sinkhole"])])


try:
	tap.run(pihole_domains_decide_as_there, pihole_groups_and_clients, pihole_teleporter_archives, pihole_tells_what_differs, pihole_before_the_database,
		pihole_teleporter_with_a_log, pihole_tells_what_has_no_equal, pihole_that_is_damaged_is_refused, pihole_databases_run_nothing, opnsense_lists_and_overrides,
		opnsense_policies_for_networks, opnsense_policies_for_the_same_networks, opnsense_tells_what_has_no_equal, opnsense_that_is_no_configuration_is_refused)
finally:
	shutil.rmtree(folder)
