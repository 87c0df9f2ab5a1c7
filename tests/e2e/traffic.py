"""A resolver whose clients meet every verdict, trigger, path and transport, for tests of what its frames say."""

import os
import subprocess
import sys

import lab
import transports
from meeting import groups

sys.path.insert(0, os.path.join(lab.SRCDIR, "tests", "unit"))

HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n"
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + """@ NS ns
ns A 127.0.0.1
* A 192.0.2.80
* AAAA 2001:db8::80
* MX 10 mail
* TXT "v=spf1 -all" "two \\"quoted\\" words"
* HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80
ranged A 203.0.113.5
chain CNAME link
link CNAME www
to-bad CNAME www.n
""",
	"victim.test": "$ORIGIN victim.test.\n" + HEAD + "@ NS ns1.crime.test.\nwww A 192.0.2.90\n",
	"crime.test": "$ORIGIN crime.test.\n" + HEAD + "@ NS ns1\nns1 A 127.0.0.1\n",
}
LISTS = [
	{"name": "refused", "format": "domains", "action": "refuse", "category": "policy", "lines": ["r.example"]},
	{"name": "missing", "format": "wildcard", "attack": "T1071.004 T1568.002", "category": "c2", "lines": ["*.n.example"]},
	{"name": "holes", "format": "domains", "action": "sinkhole", "sinkhole-address": "192.0.2.1", "lines": ["s.example"]},
	{"name": "empty", "format": "domains", "action": "nodata", "lines": ["e.example"]},
	{"name": "silent", "format": "domains", "action": "drop", "lines": ["d.example"]},
	{"name": "streams", "format": "domains", "action": "truncate", "lines": ["t.example"]},
	{"name": "watched", "format": "domains", "action": "observe", "lines": ["o.example"]},
	{"name": "trial", "format": "domains", "shadow": "yes", "attack": "T1583", "lines": ["h.example"]},
	{"name": "rpz", "format": "rpz", "lines": ["$TTL 77", "@ SOA localhost. root.localhost. 42 1 1 1 1", "@ NS localhost.",
		"24.0.113.0.203.rpz-ip CNAME .", "ns1.crime.test.rpz-nsdname CNAME .", "32.9.1.0.127.rpz-client-ip CNAME .",
		"given.example A 192.0.2.66"]},
]
GROUPS = groups(branch="127.0.1.0/24")
QUESTIONS = [("www.example", "A"), ("www.example", "A"), ("www.example", "AAAA"), ("www.example", "MX"), ("www.example", "TXT"),
	("www.example", "HTTPS"), ("chain.example", "A"), ("to-bad.example", "A"), ("x.n.example", "A"), ("r.example", "A"),
	("s.example", "A"), ("e.example", "A"), ("t.example", "A"), ("o.example", "A"), ("h.example", "A"), ("ranged.example", "A"),
	("www.victim.test", "A"), ("given.example", "A"), ("www.lame.test", "A"), ("local.example.net", "A")]


def ask(here):
	"""Every question by every way; the names of the ways."""
	ways = transports.all_of_them()[0]
	for way in ways.values():
		for name, qtype in QUESTIONS:
			way(here, name, qtype, "127.0.0.1")
		way(here, "www.example", "A", "127.0.1.1")
	here.ask("d.example", timeout=0.5)
	here.ask("www.example", client="127.0.1.9")
	here.ask("version.bind", "TXT", rdclass="CH")
	subprocess.run([lab.VERDICTCTL, "deny", "www.example", "--for", "1h", "--why", "a test", "--config", here.path("verdict.conf")],
		check=True, capture_output=True, timeout=60)
	here.ask("www.example")
	return sorted(ways)


def run(here, raw="", lists=LISTS):
	"""Starts all, asks all, and ends it when heartbeats have come; the ways of asking."""
	here.zones = dict(here.zones)
	here.start_nsd()
	here.start_capture()
	here.policy(lists, raw="\theartbeat-interval: 1\n" + raw + GROUPS)
	del here.zones["victim.test"]   # its server is known by its name, as a delegation says it
	here.start_unbound(server=transports.server(here) + '\tlocal-zone: "example.net." static\n'
		'\tlocal-data: "local.example.net. A 192.0.2.99"\n',
		rest='stub-zone:\n\tname: "victim.test"\n\tstub-host: ns1.crime.test@%d\n' % here.nsd_port)
	ways = ask(here)
	here.finish(beats=2)
	here.end_capture()
	return ways
