#!/usr/bin/python3
"""What `verdictctl check` and `verdictctl explain` say. TAP."""
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests", "unit"))
import live  # noqa: E402
from live import equal  # noqa: E402

COMMAND = os.environ.get("VERDICTCTL", os.path.join(os.environ.get("builddir", "."), "verdictctl"))
CONFIG = """
verdict:
    mode: %(mode)s
policy-list:
    name: allowed
    file: allowed.txt
    format: domains
    action: pass
policy-list:
    name: malware
    file: malware.rpz
    format: rpz
    category: malware
    attack: "T1071.004 T1568"
policy-list:
    name: seen
    file: seen.txt
    format: domains
    action: observe
policy-list:
    name: trial
    file: trial.txt
    format: domains
    action: sinkhole
    sinkhole-address: 192.0.2.1
    sinkhole-address: 2001:db8::1
    shadow: yes
policy-list:
    name: sink
    file: trial.txt
    format: domains
    action: sinkhole
    sinkhole-address: 192.0.2.1
    sinkhole-address: 2001:db8::1
    ttl: 60
"""
FILES = {
    "allowed.txt": "# ours\npartner.evil.example\n",
    "malware.rpz": "$TTL 300\n@ SOA localhost. nobody.invalid. 2026112001 3600 1200 604800 300\n@ NS localhost.\n"
                   "evil.example CNAME .\n*.evil.example CNAME .\nnodata.example CNAME *.\n"
                   "walled.example A 192.0.2.10\nwalled.example TXT \"go away\"\n32.1.2.0.192.rpz-xy CNAME .\n"
                   "drop.example CNAME rpz-drop.\ntcp.example CNAME rpz-tcp-only.\n"
                   "twice.example A 192.0.2.11\ntwice.example CNAME .\n",
    "seen.txt": "seen.example\n",
    "trial.txt": "example.net\nbad..name\nsink.example.net\nSINK.example.net\n",
}


class Folder:
    """A configuration with its lists, in a folder of its own."""

    def __init__(self, config=None, mode="enforce", **files):
        self.folder = tempfile.TemporaryDirectory()
        self.config = os.path.join(self.folder.name, "verdict.conf")
        for name, text in {**FILES, "verdict.conf": config or CONFIG % {"mode": mode}, **files}.items():
            with open(os.path.join(self.folder.name, name), "w") as file:
                file.write(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def run(self, command, *arguments, environment=()):
        done = subprocess.run([COMMAND, command, "--config", self.config, *arguments], capture_output=True, text=True,
                              env={**os.environ, **dict(environment)}, timeout=60)
        return done.returncode, done.stdout.replace(self.folder.name + "/", ""), \
            done.stderr.replace(self.folder.name + "/", "")

    def json(self, *arguments):
        code, out, err = self.run(arguments[0], "--json", *arguments[1:])
        return code, json.loads(out), err


def counts_rules_skips_and_duplicates_of_each_list():
    with Folder() as folder:
        code, out, err = folder.run("check")
        equal((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()]
        for row in ["verdict.conf: mode enforce, 5 lists in this order", "allowed domains pass 1 0 0 - 28 B",
                    "malware rpz by rule 9 1 1 2026112001 353 B", "skipped 1: not a domain name", "first in line 2: bad..name",
                    "trial domains sinkhole 3 1 1 - 56 B shadow", "fine"]:
            assert row in rows, (row, rows)
        assert all(len(line) <= 80 for line in out.splitlines()), out


def says_the_same_as_json():
    with Folder() as folder:
        code, found, err = folder.json("check")
        equal((code, err, found["ok"], found["mode"]), (0, "", True, "enforce"))
        equal([row["name"] for row in found["lists"]], ["allowed", "malware", "seen", "trial", "sink"])
        equal({key: found["lists"][3][key] for key in ("rules", "duplicates", "shadow", "skipped")},
              {"rules": 3, "duplicates": 1, "shadow": True, "skipped": {
                  "total": 1, "reasons": [{"reason": "not a domain name", "count": 1, "first_line": 2, "first_text": "bad..name"}]}})


def says_how_a_feed_is():
    config = "policy-list:\n name: feed\n file: feed.gz\npolicy-list:\n name: wide\n file: wide.txt\n"
    names = "".join("n%d.example\n" % i for i in range(50)) + "www.n1.example\nwww.n2.example\n"
    with Folder(config, **{"wide.txt": "com\na.example\n"}) as folder:
        path = os.path.join(folder.folder.name, "feed.gz")
        with gzip.open(path, "wt") as file:
            file.write(names)
        os.utime(path, (time.time() - 7500, time.time() - 7500))
        code, out, err = folder.run("check")
        equal((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()]
        assert any(re.fullmatch(r"2 h old; \d+ B compressed; format: domains \(detected\); 2 below others \(3\.8 %\)", row)
                   for row in rows), rows
        assert "skipped 1: a TLD, a public suffix or a huge network, see allow-wide" in rows, rows
        assert "first in line 1: com" in rows, rows
        assert all(len(line) <= 80 for line in out.splitlines()), out
        code, found, err = folder.json("check")
        feed = found["lists"][0]
        equal((feed["format"], feed["detected"], feed["rules"], feed["subsumed"]), ("domains", True, 52, 2))
        assert 7500 <= feed["age_seconds"] < 7600 and feed["file_octets"] < feed["octets"], feed


def counts_networks_inside_others():
    config = "policy-list:\n name: cidr\n file: nets.txt\npolicy-list:\n name: zone\n file: nets.rpz\n format: rpz\n"
    nets = "192.0.2.0/24\n192.0.2.0/25\n192.0.2.1\n192.0.3.1\n2001:db8::/32\n2001:db8:1::/48\n::ffff:192.0.2.9\n"
    zone = ("$ORIGIN z.\n24.0.2.0.192.rpz-ip CNAME .\n32.1.2.0.192.rpz-ip CNAME .\n32.2.2.0.192.rpz-ip CNAME *.\n"
            "32.3.2.0.192.rpz-nsip CNAME .\n24.0.2.0.192.rpz-nsip CNAME rpz-drop.\n")
    with Folder(config, **{"nets.txt": nets, "nets.rpz": zone}) as folder:
        code, found, err = folder.json("check")
        equal([(row["rules"], row["subsumed"]) for row in found["lists"]], [(7, 4), (5, 1)])


def says_what_became_of_an_expired_feed():
    config = ("policy-list:\n name: kept\n file: a.rpz\npolicy-list:\n name: gone\n file: a.rpz\n format: rpz\n"
              " expire: withdraw\npolicy-list:\n name: fresh\n file: b.rpz\n format: rpz\n expire: withdraw\n")
    zone = "$ORIGIN rpz.example.\n@ SOA ns. admin. 7 60 60 86400 60\n@ NS ns.\nevil.example CNAME .\n"
    with Folder(config, **{"a.rpz": zone, "b.rpz": zone.replace("evil", "fresh")}) as folder:
        then = int(time.time()) - 100000
        os.utime(os.path.join(folder.folder.name, "a.rpz"), (then, then))
        code, out, err = folder.run("check")
        equal((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()]
        assert any(re.fullmatch(r"expired 136\d\d s ago: kept, see `expire:`", row) for row in rows), rows
        assert any(re.fullmatch(r"expired 136\d\d s ago: withdrawn, none of its rules \(1\) is in force", row)
                   for row in rows), rows
        assert any(re.fullmatch(r"\d+ s old; expires in 2[34] h", row) for row in rows), rows
        assert all(len(line) <= 80 for line in out.splitlines()), out
        code, found, err = folder.json("check")
        equal([[row[key] for key in ("rules", "withheld", "expired", "withdrawn")] for row in found["lists"]],
              [[1, 0, True, False], [0, 1, True, True], [1, 0, False, False]])
        equal(found["lists"][0]["expires_at"], then + 86400)
        assert abs(found["lists"][0]["last_good"] - time.time()) < 3600, found
        code, found, err = folder.json("explain", "evil.example")
        equal([row["list"] for row in found["rules"]], ["kept"])


def says_which_popular_names_would_be_denied():
    popular = "rank,name\n1,www.partner.evil.example\n2,evil.example\n3,good.example\n4,seen.example\n5,\"b.evil.example\"\n"
    with Folder(**{"top.csv": popular, "nothing": "\n"}) as folder:
        top = os.path.join(folder.folder.name, "top.csv")
        code, out, err = folder.run("check", "--popular", top)
        equal((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()]
        at = rows.index("popular: 2 of 5 names would be denied (40.000 %)")
        equal(rows[at + 1:at + 5], [
            "line 2: www.partner.evil.example pass by allowed: *.partner.evil....",
            "line 3: evil.example nxdomain by malware: evil.example",
            "line 5: seen.example observe by seen: seen.example",
            "line 6: b.evil.example nxdomain by malware: *.evil.example"])
        code, found, err = folder.json("check", "--popular", top)
        found = found["popular"]
        equal((found["names"], found["denied"], found["hit_count"]), (5, 2, 4))
        equal(found["hits"][1], {"line": 3, "name": "evil.example", "list": "malware", "rule": "evil.example",
                                 "action": "nxdomain", "denied": True, "shadow": False})
        code, out, err = folder.run("check", "--popular", os.path.join(folder.folder.name, "nothing"))
        equal((code, out), (1, ""))
        assert "has no names" in err, err


def counts_no_address_as_a_popular_name():
    popular = "evil.example\n1.2.3.4\n2,5.6.7.8\nmünchen.example\n"
    with Folder(**{"top.csv": popular, "seen.txt": "xn--mnchen-3ya.example\n"}) as folder:
        code, found, err = folder.json("check", "--popular", os.path.join(folder.folder.name, "top.csv"))
        found = found["popular"]
        equal((found["names"], found["unreadable"], found["denied"]), (2, 2, 1))
        equal(found["hits"][1]["name"], "xn--mnchen-3ya.example")


def explains_names_in_unicode():
    with Folder(**{"seen.txt": "münchen.example\n"}) as folder:
        for name in "münchen.example", "MÜNCHEN.example.", "xn--mnchen-3ya.example":
            code, found, err = folder.json("explain", name)
            equal((code, found["verdict"], [row["list"] for row in found["rules"]]), (0, "observe", ["seen"]))
        code, out, err = folder.run("explain", "a\u202e.example")
        equal((code, out), (2, ""))
        assert "IDNA" in err, err


def says_which_popular_names_shadow_would_deny():
    with Folder(mode="shadow", **{"top.csv": "evil.example\ngood.example\nwww.partner.evil.example\n"}) as folder:
        top = os.path.join(folder.folder.name, "top.csv")
        code, out, err = folder.run("check", "--popular", top)
        rows = [" ".join(line.split()) for line in out.splitlines()]
        at = rows.index("popular: 0 of 3 names would be denied (0.000 %)")
        equal(rows[at + 1], "1 more if what is in shadow were enforced (33.333 %)")
        code, found, err = folder.json("check", "--popular", top)
        found = found["popular"]
        equal((found["denied"], found["shadow_denied"]), (0, 1))
        equal([hit["name"] for hit in found["hits"] if hit["shadow"] and not hit["denied"]], ["evil.example"])


def points_at_what_is_wrong():
    rows = [("verdict:\n  mode: shadowy\n", {}, "verdictctl: verdict.conf:2:"),
            ("policy-list:\n  name: x\n  format: domains\n", {}, "has no `file:`"),
            (None, {"seen.txt": "<html><body>404</body></html>"}, "verdictctl: seen.txt: is a web page"),
            (None, {"seen.txt": ""}, "verdictctl: seen.txt: is empty"),
            ("detection:\n  public-suffix-list: nowhere.dat\n", {}, "nowhere.dat: does not exist"),
            ("detection:\n  public-suffix-list: seen.txt\n", {"seen.txt": "com\n"}, "seen.txt: this is no Public Suffix List")]
    for config, files, wanted in rows:
        with Folder(config, **files) as folder:
            code, out, err = folder.run("check")
            equal((code, out), (1, ""))
            assert wanted in err, (wanted, err)
            code, found, err = folder.json("check")
            equal((code, found["ok"]), (1, False))
            assert found["error"]["text"] and wanted in err, found


def tells_a_file_that_is_missing_from_one_that_is_wrong():
    with Folder() as folder:
        os.remove(folder.config)
        for command in ["check"], ["explain", "www.example"]:
            code, out, err = folder.run(*command)
            equal((code, out), (3, ""))
            assert "does not exist" in err, err


def finds_the_configuration_by_the_environment():
    with Folder() as folder:
        done = subprocess.run([COMMAND, "check"], capture_output=True, timeout=60,
                              env={**os.environ, "UNBOUND_VERDICT_CONF": folder.config})
        equal((done.returncode, done.stderr), (0, b""))


def explains_who_decides_and_why_others_lost():
    with Folder() as folder:
        code, out, err = folder.run("explain", "WWW.Partner.evil.example.", "aaaa")
        equal((code, err), (0, ""))
        equal(out, "www.partner.evil.example AAAA: pass\n"
                   "  the client gets what resolution gives, and nothing in the answer is judged\n\n"
                   "Rules that match, in order of precedence (> decides):\n"
                   "> allowed      *.partner.evil.example   pass       allowed.txt:2\n"
                   "  malware      *.evil.example           nxdomain   malware.rpz:5\n"
                   "    not this one: list comes later\n")


def gives_the_verdict_and_the_answer_of_each_action():
    rows = [  # name, type, verdict, rcode, answers, list and line that decide, exit
        ("www.evil.example", "A", "nxdomain", "NXDOMAIN", [], ("malware", 5), 1),
        ("evil.example", "A", "nxdomain", "NXDOMAIN", [], ("malware", 4), 1),
        ("nodata.example", "A", "nodata", "NOERROR", [], ("malware", 6), 1),
        ("www.nodata.example", "A", "allow", None, [], None, 0),
        ("walled.example", "TXT", "local-data", "NOERROR", ["walled.example.\t300\tIN\tTXT\t\"go away\""],
         ("malware", 7), 1),
        ("walled.example", "MX", "local-data", "NOERROR", [], ("malware", 7), 1),
        ("drop.example", "A", "drop", None, [], ("malware", 10), 1),
        ("tcp.example", "A", "truncate", "NOERROR", [], ("malware", 11), 1),
        ("twice.example", "A", "nxdomain", "NXDOMAIN", [], ("malware", 13), 1),
        ("seen.example", "A", "observe", None, [], ("seen", 1), 0),
        ("a.sink.example.net", "A", "sinkhole", "NOERROR", ["a.sink.example.net.\t60\tIN\tA\t192.0.2.1"],
         ("sink", 3), 1),
        ("example.net", "AAAA", "sinkhole", "NOERROR", ["example.net.\t60\tIN\tAAAA\t2001:db8::1"], ("sink", 1), 1),
        ("example.net", "MX", "sinkhole", "NOERROR", [], ("sink", 1), 1),
        ("www.example.org", "A", "allow", None, [], None, 0),
    ]
    with Folder() as folder:
        for name, rtype, verdict, rcode, answers, decides, exit_code in rows:
            code, found, err = folder.json("explain", name, rtype)
            winner = [(row["list"], row["line"]) for row in found["rules"] if row["decides"]]
            equal((name, code, found["verdict"], found.get("rcode"), found["answers"], winner),
                  (name, exit_code, verdict, rcode, answers, [decides] if decides else []))


def shows_what_shadow_lists_would_do():
    with Folder() as folder:
        found = folder.json("explain", "sink.example.net")[1]
        equal((found["shadow"]["list"], found["shadow"]["action"]), ("trial", "sinkhole"))
        equal([(row["list"], row["rule"], row.get("why_not")) for row in found["rules"]],
              [("trial", "sink.example.net", "list is in shadow"),
               ("trial", "*.example.net", "less specific rule of the same list"),
               ("sink", "sink.example.net", None), ("sink", "*.example.net", "less specific rule of the same list")])
    with Folder(mode="shadow") as folder:
        code, out, err = folder.run("explain", "evil.example")
        equal(code, 0)
        assert out.startswith("evil.example A: allow\n") and "everything is in shadow" in out and \
            "without shadow: nxdomain by list malware, rule evil.example" in out, out


def gives_the_ede_that_the_client_sees():
    with Folder() as folder:
        equal(folder.json("explain", "evil.example")[1]["ede"],
              {"code": 15, "name": "Blocked", "text": "list malware, rule evil.example"})
        for name in "drop.example", "seen.example", "www.example":
            assert "ede" not in folder.json("explain", name)[1], name


def judges_answers_clients_and_name_servers_that_are_given():
    rules = "evil.example CNAME .\n24.0.2.0.192.rpz-ip CNAME .\nns.evil.test.rpz-nsdname CNAME *.\n" \
            "24.0.0.0.10.rpz-client-ip CNAME rpz-drop.\n48.zz.7.db8.2001.rpz-nsip A 192.0.2.80\n"
    alias, address = "www.example. CNAME a.example.", "a.example. 60 IN A 192.0.2.1"
    rows = [  # arguments, verdict, final, trigger, line, matched, answers
        (["www.example", "--answer", alias, "--answer", address], "nxdomain", True, "IP", 2, "192.0.2.1", []),
        (["www.example", "--client", "10.0.0.9"], "drop", True, "CLIENT-IP", 4, "10.0.0.9", []),
        (["www.example", "--name-server", "ns.evil.test"], "nodata", False, "NSDNAME", 3, "ns.evil.test", []),
        (["www.example", "--answer", alias, "--name-server", "ns.test 2001:db8:7::53"], "local-data", True, "NSIP", 5,
         "2001:db8:7::53", ["www.example.\t300\tIN\tA\t192.0.2.80"]),
        (["www.example", "--answer", "www.example. MX 1 evil.example."], "nxdomain", True, "QNAME", 1, "evil.example",
         []),
        (["www.example", "--answer", "www.example. A 203.0.113.1"], "allow", True, None, None, None, []),
    ]
    with Folder(**{"malware.rpz": rules}) as folder:
        for arguments, verdict, final, trigger, line, matched, answers in rows:
            code, found, err = folder.json("explain", *arguments)
            winner = [row for row in found["rules"] if row["decides"]] or [{}]
            equal((arguments, err, found["verdict"], found["final"], winner[0].get("trigger"), winner[0].get("line"),
                   winner[0].get("matched"), found["answers"]),
                  (arguments, "", verdict, final, trigger, line, matched, answers))
        code, out, err = folder.run("explain", "www.example", "--answer", alias, "--answer", address)
        assert "> malware      192.0.2.0/24 (IP)        nxdomain   malware.rpz:2\n    matches 192.0.2.1\n" in out, out
        code, out, err = folder.run("explain", "www.example", "--name-server", "ns.evil.test")
        assert "  not final: " in out and "rule ns.evil.test (NSDNAME), incident" in out, out


GROUPS = """
client-group:
    name: office
    network: 10.0.0.0/8
client-group:
    name: branch
    parent: office
    network: 10.20.0.0/16
    ede: code
client-group:
    name: kiosk
    parent: office
    network: 10.30.0.0/16
client-group:
    name: tls
    interface: 0.0.0.0/0@853
    ede: none
policy-list:
    name: malware
    file: malware.rpz
policy-list:
    name: games
    file: games.txt
    group: office
    group: tls
"""


def says_who_is_in_which_group_and_what_that_changes():
    rows = [  # arguments, group, verdict, EDE
        ([], "default", "allow", None),
        (["--client", "10.1.1.1"], "office", "nxdomain", {"code": 15, "text": "list games, rule game.example"}),
        (["--client", "10.20.1.1"], "branch", "nxdomain", {"code": 15}),
        (["--client", "192.0.2.1", "--interface", "192.0.2.53"], "default", "allow", None),
        (["--client", "192.0.2.1", "--interface", "192.0.2.53@853"], "tls", "nxdomain", None),
    ]
    with Folder(GROUPS, **{"games.txt": "game.example\n"}) as folder:
        for arguments, group, verdict, ede in rows:
            code, found, err = folder.json("explain", *arguments, "game.example")
            got = found.get("ede")
            equal((arguments, found["group"], found["verdict"], got and {key: got[key] for key in got if key != "name"}),
                  (arguments, group, verdict, ede))
        equal(folder.json("explain", "game.example")[1]["rules"][0]["why_not"], "list does not serve the client's group")
        for wrong in "eth0", "192.0.2.53@", "192.0.2.53@0", "192.0.2.53@65536", "192.0.2.53@5x", "@53", "192.0.2.53@-1":
            code, out, err = folder.run("explain", "--interface", wrong, "game.example")
            equal((wrong, code, out), (wrong, 2, ""))
            assert "--interface takes an address" in err, err


def checks_who_has_which_lists_and_whom_nothing_tells_apart():
    with Folder(GROUPS, **{"games.txt": "game.example\n"}) as folder:
        equal([(row["name"], row["lists"], row.get("like")) for row in folder.json("check")[1]["groups"]],
              [("default", ["malware"], None), ("office", ["malware", "games"], None),
               ("branch", ["malware", "games"], None), ("kiosk", ["malware", "games"], "office"),
               ("tls", ["malware", "games"], None)])
        out = folder.run("check")[1]
        assert "  branch below office: 1 network, 0 interfaces, ede code\n    lists: malware, games\n" in out, out
        assert "    no list tells it from office\n" in out, out
    many = "client-group:\n name: g\n network: 10.0.0.0/8\n" + "".join(
        "policy-list:\n name: a-list-with-quite-a-long-name-%d\n file: seen.txt\n" % i for i in range(9))
    with Folder(many) as folder:
        out = folder.run("check")[1].split("client groups")[1]
        assert all(len(line) <= 80 for line in out.splitlines()) and out.count("long-name-8") == 2, out
    with Folder() as folder:
        equal(folder.json("check")[1]["groups"], [])
        assert "client groups" not in folder.run("check")[1]


def takes_the_sample_as_it_is():
    sample = os.path.join(SOURCE, "doc", "verdict.conf.sample")
    for arguments, code in [(["check"], 0), (["explain", "www.malware.example"], 1),
                            (["explain", "partner.malware.example"], 0)]:
        done = subprocess.run([COMMAND, *arguments, "--config", sample], capture_output=True, timeout=60)
        equal((arguments, done.returncode, done.stderr), (arguments, code, b""))


def the_canaries_get_what_keeps_clients_here():
    """An address would let them go, and no data where NXDOMAIN is meant, too."""
    path = os.path.join(SOURCE, "doc", "canaries.rpz")
    with Folder('policy-list:\n  name: canaries\n  format: rpz\n  file: "%s"\n' % os.path.abspath(path)) as folder:
        for name, action in ("use-application-dns.net", "nxdomain"), ("mask.icloud.com", "nxdomain"), \
                ("mask-h2.icloud.com", "nxdomain"), ("_dns.resolver.arpa", "nodata"), ("www.icloud.com", "allow"), \
                ("resolver.arpa", "allow"):
            equal((name, folder.json("explain", name)[1]["verdict"]), (name, action))


def no_public_name_leads_inside():
    """And all that is the network's own, or parking, is left alone."""
    path = os.path.join(SOURCE, "doc", "rebinding.rpz")
    rows = [("a.evil.com", "A", "10.1.2.3", "nxdomain"), ("a.evil.com", "A", "100.64.0.1", "nxdomain"),
            ("a.evil.com", "A", "169.254.169.254", "nxdomain"), ("a.evil.com", "A", "172.31.0.1", "nxdomain"),
            ("a.evil.com", "A", "192.168.1.1", "nxdomain"), ("a.evil.com", "AAAA", "::ffff:192.168.1.1", "nxdomain"),
            ("a.evil.com", "AAAA", "64:ff9b::a01:203", "nxdomain"), ("a.evil.com", "AAAA", "fd00::1", "nxdomain"),
            ("a.evil.com", "AAAA", "fe80::1", "nxdomain"), ("a.evil.com", "HTTPS", "1 . ipv4hint=10.0.0.1", "nxdomain"),
            ("a.evil.com", "A", "127.0.0.1", "allow"), ("a.evil.com", "A", "172.32.0.1", "allow"),
            ("a.evil.com", "A", "100.128.0.1", "allow"), ("a.evil.com", "AAAA", "2001:db8::1", "allow"),
            ("nas.home.arpa", "A", "10.0.0.1", "pass"), ("printer.lan", "A", "10.0.0.1", "pass"),
            ("x.plex.direct", "A", "192.168.1.2", "pass")]
    with Folder('policy-list:\n  name: rebinding\n  format: rpz\n  allow-wide: yes\n  file: "%s"\n'
                % os.path.abspath(path)) as folder:
        equal([row["skipped"]["total"] for row in folder.json("check")[1]["lists"]], [0])
        for name, rrtype, data, action in rows:
            answer = "%s. %s %s" % (name, rrtype, data)
            equal((answer, folder.json("explain", "--answer", answer, name, rrtype)[1]["verdict"]), (answer, action))


def says_what_denies_where_a_detector_can_not():
    rows = [("rebinding", "rebinding.rpz"), ("rebinding-flip", "rebinding.rpz"), ("name-server", "approved-name-server:"),
            ("delegation-change", "approved-name-server:"), ("resolver-bypass", "canaries.rpz"), ("recon", "no further\n")]
    for detector, remedy in rows:
        with Folder("detector:\n  name: %s\n  action: block\n" % detector) as folder:
            code, out, err = folder.run("check")
            equal((detector, code), (detector, 1))
            assert ":3:11: action: %s is evidence" % detector in out + err and remedy in out + err, (out, err)


def refuses_thresholds_out_of_order():
    """Whichever of the two was given, the place of it is told; where both were, that of the lower one."""
    rows = [("low-octets: 3000", ":3:15: low-octets: 3000 is over high-octets, 2048"),
            ("low-octets-12h: 2049", ":3:19: low-octets-12h: 2049 is over high-octets, 2048"),
            ("high-octets: 1023", ":3:16: high-octets: 1023 is under low-octets-12h, 1024"),
            ("block-octets: 2000", ":3:17: block-octets: 2000 is under high-octets, 2048"),
            ("block-octets: 5000\n  high-octets: 5001", ":4:16: high-octets: 5001 is over block-octets, 5000"),
            ("block-octets: 2048", None), ("low-octets: 9000\n  block-octets: 20000\n  high-octets: 9000", None)]
    for keys, wanted in rows:
        with Folder("detector:\n  name: tunnel\n  %s\n" % keys) as folder:
            code, out, err = folder.run("check")
            equal((keys, code), (keys, 1 if wanted else 0))
            assert wanted is None or wanted in out + err, (out, err)


def takes_thresholds_of_which_either_is_enough():
    """Out of reach, one leaves it to the other."""
    rows = [("tunnel-down", "odd-octets: 9000"), ("nxdomain-burst", "zones: 100"), ("recon", "ptr-network: 200"),
            ("recon", "owners: 100"), ("random-subdomain", "hits: 100")]
    for detector, keys in rows:
        with Folder("detector:\n  name: %s\n  %s\n" % (detector, keys)) as folder:
            code, out, err = folder.run("check")
            equal((detector, keys, code), (detector, keys, 0))


def explains_wrong_usage():
    rows = [([], "name a domain"), (["a..b"], "is no domain name"), (["a" * 64 + ".example"], "is no domain name"),
            (["a.example", "AX"], "no record type"), (["a", "b", "c"], "one name"), (["--clint", "1"], "--client"),
            (["--client", "10.0.0.0/8", "a.example"], "takes an IPv4"), (["\x1b[2J..", "A"], "\\027"),
            (["--answer", "www", "a.example"], "is no record"),
            (["--name-server", "a..b", "a.example"], "empty label"),
            (["--name-server", "ns.example x", "a.example"], "no good address")]
    with Folder() as folder:
        for arguments, wanted in rows:
            code, out, err = folder.run("explain", *arguments)
            equal((arguments, code, out), (arguments, 2, ""))
            assert wanted in err and "\x1b" not in err, (wanted, err)
        equal(folder.run("explain", "--client", "2001:db8::7", "evil.example", "TYPE65")[0], 1)
        equal(folder.run("check", "evil.example")[0], 2)


def teaches():
    for arguments, wanted in [(["--help"], "Examples:"), (["help", "tap"], "--listen"), (["help", "check"], "--json"),
                              (["explain", "--help"], "--client"), (["--version"], "verdictctl ")]:
        done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60)
        equal((arguments, done.returncode, done.stderr), (arguments, 0, ""))
        # The default configuration's path is as long as configure's prefix.
        lines = re.sub(r"/\S*/unbound/verdict\.conf", "/etc/unbound/verdict.conf", done.stdout).splitlines()
        assert wanted in done.stdout and all(len(line) < 120 for line in lines), done.stdout
    for arguments, wanted in [([], "Commands:"), (["chekc"], "did you mean 'check'"), (["x"], "lists them"),
                              (["help", "tpa"], "did you mean 'tap'")]:
        done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60)
        equal((arguments, done.returncode, done.stdout), (arguments, 2, ""))
        assert wanted in done.stderr, done.stderr


CLAIMS = [
    counts_rules_skips_and_duplicates_of_each_list, says_the_same_as_json, says_how_a_feed_is,
    says_what_became_of_an_expired_feed, counts_networks_inside_others,
    says_which_popular_names_would_be_denied, says_which_popular_names_shadow_would_deny,
    counts_no_address_as_a_popular_name, explains_names_in_unicode, points_at_what_is_wrong,
    tells_a_file_that_is_missing_from_one_that_is_wrong, finds_the_configuration_by_the_environment,
    explains_who_decides_and_why_others_lost, gives_the_verdict_and_the_answer_of_each_action,
    judges_answers_clients_and_name_servers_that_are_given, shows_what_shadow_lists_would_do,
    gives_the_ede_that_the_client_sees, says_who_is_in_which_group_and_what_that_changes,
    checks_who_has_which_lists_and_whom_nothing_tells_apart, takes_the_sample_as_it_is, the_canaries_get_what_keeps_clients_here,
    no_public_name_leads_inside, says_what_denies_where_a_detector_can_not,
    refuses_thresholds_out_of_order,
    takes_thresholds_of_which_either_is_enough,
    explains_wrong_usage, teaches,
]

if __name__ == "__main__":
    live.run(CLAIMS)
