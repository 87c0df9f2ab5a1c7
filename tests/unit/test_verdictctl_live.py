#!/usr/bin/python3
"""What verdictctl says to and of a running resolver. TAP."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

import live
from live import COMMAND, SUFFIXES, Fake, Skip, equal

NOBODY = 65534


def shows_what_is_in_force():
    with Fake() as fake:
        code, out, err = fake.run("status")
        equal((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()]
        assert rows[0].startswith("policy 7 in force since 2023-11-14") or rows[0].startswith("policy 7 in force"), rows
        for row in ["LIST FORMAT RULES SKIPPED SERIAL AGE EXPIRES STATE",
                    "frames: 99, 1 dropped, kept in memory until they arrive", "overrides: 0 allow, 0 deny",
                    "kept to go back to: 6", "went back: changed files are not loaded until `verdictctl reload`",
                    "denials: 0 lines, 0 suppressed, 0 lost, 0 not written"]:
            assert row in rows, (row, rows)
        assert any(row.startswith("malware domains 1 1 0 ") and row.endswith(" ok") for row in rows), rows
        assert "\x1b" not in out
        code, found, err = fake.json("status")
        equal((code, found["mode"], [row["name"] for row in found["lists"]]), (0, "enforce", ["allowed", "malware", "guests"]))
        equal(found["lists"][1]["skipped_by_reason"], {"not a domain name": 1})


def prints_counters():
    with Fake() as fake:
        fake.tell("deny")
        code, out, err = fake.run("stats")
        equal((code, err), (0, ""))
        for row in "answers.cached=12345678901", "verdicts.nxdomain=17", "lists.malware.nxdomain.QNAME=1", "frames.emitted=99":
            assert row in out.splitlines(), (row, out)
        process = subprocess.Popen([COMMAND, "stats", "--config", fake.config, "--every", "1"], stdout=subprocess.PIPE, text=True)
        while not process.stdout.readline().startswith("lists."):
            pass
        fake.tell("deny")
        found = ""
        while not found.startswith("lists.malware.nxdomain.QNAME=2"):   # before that it may print the 1 again
            found = process.stdout.readline()
            assert found, "it has ended"
        equal(found, "lists.malware.nxdomain.QNAME=2 (+1)\n")
        process.terminate()
        process.wait(60)
        process.stdout.close()


def hands_out_what_was_asked_as_a_recording():
    with Fake() as fake:
        equal(fake.run("recent"), (0, "time\tclient\tqname\tqtype\trcode\tanswers\tcount\n", ""))
        for name in "www.evil.example", "b.example", "a\\009b.example", "b.example":
            fake.tell("ask " + name)
        code, out, err = fake.run("recent")
        rows = [line.split("\t") for line in out.splitlines()[1:]]
        equal((code, err, [row[1:] for row in rows]), (0, "", [
            ["", "a\\009b.example", "A", "", "", "2"], ["", "b.example", "A", "", "", "4"],
            ["", "www.evil.example", "A", "", "", "2"]]))
        assert abs(int(rows[0][0]) - time.time()) < 3600, rows
        code, found, err = fake.json("recent")
        equal((code, found["every"], found["left_out"], found["questions"][1]),
              (0, 8, 0, {"name": "b.example", "type": "A", "count": 4}))
        new = os.path.join(fake.path, "new.conf")
        with open(new, "w") as file:
            file.write("policy-list:\n name: malware\n file: allowed.txt\n")
        done = subprocess.run([COMMAND, "diff", "--json", "--queries", "-", fake.config, new], input=out, capture_output=True,
                              text=True, timeout=60)
        asked = json.loads(done.stdout)["questions"]
        equal((done.returncode, asked["questions"], asked["newly_allowed"], asked["unreadable"]), (1, 8, 2, 0))


def changes_the_policy_for_a_while():
    with Fake() as fake:
        code, found, err = fake.json("allow", "portal.example", "--for", "2h", "--why", "ticket 4711", "--client", "10.0.0.0/8",
                                     environment={"SUDO_USER": "alice"})
        equal((code, err, found["override"]["id"], found["override"]["client"]), (0, "", 1, "10.0.0.0/8"))
        equal(found["override"]["until"] - found["override"]["made"], 7200)
        code, out, err = fake.run("deny", "b\u00fccher.example", "--for", "7d", "--why", "phish\u2019ing \x1b[31m")
        equal((code, err), (0, ""))
        assert "deny    xn--bcher-kva.example" in out and "\x1b" not in out, out
        code, out, err = fake.run("overrides")
        equal((code, err, len(out.splitlines())), (0, "", 2))
        assert "portal.example" in out and "10.0.0.0/8" in out and "ticket 4711" in out, out
        code, out, err = fake.run("deny", "portal.example", "--for", "60", "--why", "again", "--client", "10.0.0.0/8")
        assert code == 0 and "instead of" in out, out
        code, out, err = fake.run("revoke", "2", "--why", "done")
        assert code == 0 and out.startswith("revoked "), out
        code, out, err = fake.run("revoke", "portal.example")
        equal(code, 0)
        equal(fake.run("overrides")[1], "no override is in force\n")
        if os.geteuid() == 0:
            assert 'who="root (as alice)"' in fake.text("audit.log"), fake.text("audit.log")
        audit = fake.text("audit.log").splitlines()
        equal([line.split()[1] for line in audit], ["allow", "deny", "replace", "deny", "revoke", "revoke"])
        assert 'why="phish\\226\\128\\153ing \\027[31m"' in audit[1], audit[1]


def refuses_what_it_must():
    rows = [  # arguments, exit code, what it says
        (["allow", "a.example", "--for", "1h"], 2, "--why"),
        (["allow", "a.example", "--why", "x"], 2, "--for 1h"),
        (["allow", "a.example", "--for", "91d", "--why", "x"], 2, "at most 90d"),
        (["allow", "a.example", "--for", "1y", "--why", "x"], 2, "such as 30m"),
        (["allow", "a.example", "--for", "h", "--why", "x"], 2, "such as 30m"),
        (["allow", "a.example", "--for", "0h", "--why", "x"], 2, "such as 30m"),
        (["allow", "a.example", "--for", "-1h", "--why", "x"], 2, "such as 30m"),
        (["allow", "a..example", "--for", "1h", "--why", "x"], 2, "is no domain name"),
        (["allow", ".", "--for", "1h", "--why", "x"], 2, "it is the root"),
        (["allow", "--for", "1h", "--why", "x"], 2, "name a domain"),
        (["allow", "a.example", "--for", "1h", "--why", " "], 2, "say in a few words"),
        (["allow", "a.example", "--for", "1h", "--why", "x" * 256], 2, "at most 255"),
        (["deny", "a.example", "--for", "1h", "--why", "x", "--client", "10.0.0.1/8"], 2, "no bit set"),
        (["deny", "bank.example", "--for", "1h", "--why", "x"], 1, "bank.example is protected"),
        (["deny", "example", "--for", "1h", "--why", "x"], 1, "bank.example is protected"),
        (["revoke", "99"], 1, "no such override"), (["revoke", "0"], 2, "no override has that number"), (["revoke"], 2, "give"),
        (["reload", "--to", "x"], 2, "previous"), (["reload", "now"], 2, "no argument"),
        (["flush"], 2, "name a domain"), (["flush", "a..b"], 2, "is no domain name"),
        (["stats", "--every", "0"], 2, "--every"), (["status", "--sokcet", "x"], 2, "--socket"),
        (["status", "--socket", "/nonexistent/x.sock"], 3, "no resolver answers"),
        (["status", "--socket", "/" + "x" * 200], 3, "a socket's path"),
        (["explain", "--live", "a.example", "--answer", "a.example. A 192.0.2.1"], 2, "--live goes without"),
        (["relaod"], 2, "did you mean 'reload'"),
    ]
    with Fake() as fake:
        for arguments, code, says in rows:
            found = fake.run(*arguments)
            equal((arguments, found[0], found[1]), (arguments, code, ""))
            assert says in found[2], (arguments, found[2])
        equal(fake.json("overrides")[1]["overrides"], [])
        code, found, err = fake.json("deny", "bank.example", "--for", "1h", "--why", "x")
        equal((code, found["ok"], found["kind"]), (1, False, "refused"))


def loads_again_and_goes_back():
    with Fake() as fake:
        code, out, err = fake.run("reload")
        equal((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()]
        for row in ["policy 7 is in force: 1 lists, 3 rules, 0 entries skipped", "build 2000 us",
                    "of 500 recent questions 0 are newly denied"]:
            assert row in rows, (row, rows)
        assert any(row.startswith("swept 10 of 1000 messages") for row in rows), rows
        equal(fake.json("reload", "--to", "3")[1]["load"]["cause"], "rollback")
        equal(fake.json("reload", "--to", "previous")[1]["load"]["cause"], "rollback")
        fake.tell("fail")
        code, out, err = fake.run("reload")
        equal((code, out), (1, ""))
        assert "newly deny 60 %" in err, err
        equal(fake.json("reload", "--force")[0], 0)
        assert "reload force=yes policy=7 result=ok" in fake.text("audit.log"), fake.text("audit.log")
        code, out, err = fake.run("flush", "a.example", "--below")
        assert code == 0 and out.startswith("swept "), (out, err)


def explains_for_whom_and_where_it_is_asked():
    with Fake() as fake:
        rows = [([], "default", "allow"), (["--client", "192.0.2.7", "--interface", "192.0.2.53@853"], "guests", "nxdomain"),
                (["--client", "192.0.2.7", "--interface", "192.0.2.53"], "default", "allow"), (["--client", "10.20.3.4"], "branch", "allow"),
                (["--client", "2001:db8::1", "--interface", "192.0.2.53@853"], "guests", "nxdomain")]
        for options, group, verdict in rows:
            code, found, err = fake.json("explain", "--live", "games.example", *options)
            equal((options, err, found["group"], found["verdict"], code), (options, "", group, verdict, int(verdict != "allow")))
            equal((code, found, err), fake.json("explain", "games.example", *options))
        for live in [], ["--live"]:
            code, out, err = fake.run("explain", *live, "games.example", "--interface", "192.0.2.53@853")
            equal((code, out, "--interface goes with --client" in err), (2, "", True))


DETECTION = 'detection:\n public-suffix-list: "%s"\ndetector:\n name: newly-observed\n warm-up: 0\n' % SUFFIXES + \
    "detector:\n name: tunnel\n action: alert\n"


def tunnel(fake, zone, count):
    for number in range(count):
        fake.tell("see %s.%s" % (hashlib.sha256(b"%d" % number).hexdigest()[:48], zone))


def explains_what_the_detectors_know():
    if not os.path.exists(SUFFIXES):
        raise Skip("no " + SUFFIXES)
    with Fake(DETECTION) as fake:
        tunnel(fake, "tunnel-lab.com", 200)
        wait_for(lambda: fake.json("flagged")[1]["flags"])
        for name in "tunnel-lab.com", "www.tunnel-lab.com":
            code, found, err = fake.json("explain", "--live", "--client", "192.0.2.7", name)
            equal((code, err), (0, ""))
            known = found["behaviour"]
            equal((known["zone"]["name"], known["zone"]["names"], known["zone"]["clients"]), ("tunnel-lab.com", 200, 1))
            rows = {row["detector"]: row for row in known["detectors"]}
            equal(len(rows), 20)
            equal((rows["tunnel"]["tier"], rows["tunnel"]["said"], rows["tunnel"]["action"]), ("block", "block", "alert"))
            measured = {row["option"]: row for row in rows["tunnel"]["features"] if row["name"] != "all_octets_12h"}
            equal((measured["block-octets"]["threshold"], measured["block-octets"]["bound"]), (4096, "over"))
            assert 4096 < measured["block-octets"]["value"] < 8192, measured
            assert known["pair"]["points"] >= 8 and known["client"]["answers"] == 200, known
            live_flags = [(row["zone"], row["client"], row["detector"]) for row in known["flags"]]
            assert ("tunnel-lab.com", "192.0.2.7/32", "tunnel") in live_flags, live_flags
        code, found, err = fake.json("explain", "--live", "tunnel-lab.com")
        assert "client" not in found["behaviour"] and "pair" not in found["behaviour"], found
        equal([row["said"] for row in found["behaviour"]["detectors"]], ["none"] * 20)
        code, found, err = fake.json("explain", "--live", "--client", "192.0.2.8", "tunnel-lab.com")
        equal([row["zone"] for row in found["behaviour"]["flags"]], [])
        equal(found["behaviour"]["pair"], {"remembered": False})
        code, out, err = fake.run("explain", "--live", "--client", "192.0.2.7", "tunnel-lab.com")
        for text in "  zone tunnel-lab.com: first asked for 2", "200 new names, 1 client\n", "  client 192.0.2.7/32: 200 answers", \
                "  tunnel: block, said of both: block, action alert, ATT&CK T1071.004 T1048.003 T1572\n", \
                " over 4096 octets (block-octets)\n", "  at least 50 percent\n", "  at least 50 percent (share)\n", "Flags in force:\nalert  ":
            assert text in out, (text, out)
        equal("behaviour" in fake.json("explain", "tunnel-lab.com")[1], False)


def explains_what_the_detectors_know_of_a_client():
    if not os.path.exists(SUFFIXES):
        raise Skip("no " + SUFFIXES)
    with Fake(DETECTION) as fake:
        for zone in "tunnel-lab.com", "other-lab.com":
            tunnel(fake, zone, 200)
        wait_for(lambda: len(fake.json("flagged")[1]["flags"]) == 2)
        code, found, err = fake.json("explain", "--live", "--client", "192.0.2.7")
        equal((code, err, list(found)), (0, "", ["behaviour"]))
        known = found["behaviour"]
        equal({"zone", "pair", "traits"} & set(known), set())
        equal(known["client"]["answers"], 400)
        equal({flag["zone"] for flag in known["flags"]}, {"tunnel-lab.com", "other-lab.com"})
        equal({feature["of"] for row in known["detectors"] for feature in row["features"]}, {"client"})
        equal(fake.json("explain", "--live", "--client", "192.0.2.8")[1]["behaviour"]["flags"], [])
        code, out, err = fake.run("explain", "--live", "--client", "192.0.2.7")
        equal((code, err, out.startswith("What the detectors know (> crosses the threshold):\n  client 192.0.2.7/32: 400 answers")),
              (0, "", True))
        for more in [], ["--interface", "192.0.2.53"]:
            equal(fake.run("explain", "--client", "192.0.2.7", *more, *(["--live"] if more else []))[0], 2)
    with Fake() as fake:
        code, out, err = fake.run("explain", "--live", "--client", "192.0.2.7")
        assert (code, out) == (1, "") and "no detectors run" in err, (code, out, err)


def says_so_when_detectors_know_nothing():
    if not os.path.exists(SUFFIXES):
        raise Skip("no " + SUFFIXES)
    with Fake(DETECTION) as fake:
        for name, says in ("nobody.com", "zone nobody.com: unknown: nobody has asked for it"), ("com", "no registrable domain"), \
                ("a.b.nowhere-at-all", "no registrable domain"):
            code, out, err = fake.run("explain", "--live", "--client", "2001:db8::7", name)
            assert says in out and "client 2001:db8::/64: unknown" in out and "no flag is in force" in out, (name, out)


def says_so_when_no_detectors_run():
    with Fake() as fake:
        equal(fake.run("flagged")[1], "no detectors run: there is no `detection:` in the configuration\n")
        equal("detectors:" in fake.run("status")[1], False)
    with Fake("detection:\n public-suffix-list: nowhere\n") as fake:
        for command in "flagged", "status":
            assert "though the configuration has them" in fake.run(command)[1], fake.run(command)
            equal(fake.json(command)[1]["detectors_wanted"], True)


def hostile_names_do_no_harm_to_a_terminal():
    if not os.path.exists(SUFFIXES):
        raise Skip("no " + SUFFIXES)
    with Fake(DETECTION) as fake:
        zone = "\\027]0;x\\007\\155\\010\\255\\000.com"
        tunnel(fake, zone, 100)
        for more in [], ["--client", "192.0.2.7"]:
            code, out, err = fake.run("explain", "--live", *more, "a." + zone)
            equal((code, err), (0, ""))
            assert "100 new names" in out and out.isascii() and all(one >= " " or one == "\n" for one in out), out
        found = fake.json("explain", "--live", "a." + zone)[1]["behaviour"]
        equal(found["zone"]["names"], 100)


def takes_a_name_for_what_it_is():
    with Fake() as fake:
        for text in "https://www.evil.example/path?x=1#y", "http://a:b@WWW.evil.example:8080", "ftp://www.evil.example":
            for live in [], ["--live"]:
                code, found, err = fake.json("explain", *live, text)
                equal((text, code, found["qname"], err), (text, 1, "www.evil.example", ""))
        code, found, err = fake.json("deny", "https://login.example/x", "--for", "1h", "--why", "x")
        equal((code, found["override"]["name"]), (0, "login.example"))
        for text, says in [("192.0.2.1", "is an address"), ("2001:db8::1", "is an address"), ("https://[2001:db8::1]/x", "is an address"),
                           ("https://192.0.2.1/", "is an address"), ("evil.example:443", "leave out port"),
                           ("evil.example/path", "leave out port"), ("user@evil.example", "leave out port"),
                           ("https:///x", "is no domain name")]:
            for command in ["explain", "--live"], ["explain"], ["deny", "--for", "1h", "--why", "x"], ["flush"], ["revoke"]:
                code, out, err = fake.run(*command, text)
                equal((command, text, code, out), (command, text, 2, ""))
                assert says in err, err
        equal(fake.json("explain", "0/25.2.0.192.in-addr.arpa")[0], 0)
        equal(fake.json("explain", "a\\058b.example")[1]["qname"], "a\\058b.example")


def explains_what_the_resolver_does():
    with Fake() as fake:
        for name, code, verdict in ("www.evil.example", 1, "nxdomain"), ("partner.evil.example", 0, "pass"), \
                ("other.example", 0, "allow"):
            found = fake.json("explain", "--live", name)
            equal((found[0], found[1]["verdict"]), (code, verdict))
            offline = fake.json("explain", name)
            equal(found[1], offline[1])
        equal(fake.run("explain", "--live", "www.evil.example")[1], fake.run("explain", "www.evil.example")[1])
        assert "malware.txt:2" in fake.run("explain", "--live", "www.evil.example")[1]
        os.unlink(os.path.join(fake.path, "malware.txt"))
        code, out, err = fake.run("explain", "--live", "www.evil.example")
        assert code == 1 and "changed since it was loaded" in out and "warning: " in err, (out, err)


def lets_other_users_read_only():
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs root and setpriv")
    as_nobody = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    with Fake() as fake:
        equal(fake.run("status", before=as_nobody)[0], 3)          # the folder's mode keeps them out
        os.chmod(fake.path, 0o755)
        code, out, err = fake.run("status", before=as_nobody)
        assert code == 3 and "you may not connect" in err, (code, err)   # and the socket's
        os.chmod(fake.socket, 0o666)
        equal(fake.run("status", before=as_nobody)[0], 0)
        equal(fake.run("overrides", before=as_nobody)[0], 0)
        for arguments in ["reload"], ["allow", "a.example", "--for", "1h", "--why", "x"], ["flush", "a.example"], \
                ["revoke", "1"], ["log-reopen"]:
            code, out, err = fake.run(*arguments, before=as_nobody)
            assert code == 1 and "is for root" in err, (arguments, code, err)


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def open_files(pid):
    found = set()
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            found.add(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except FileNotFoundError:   # closed meanwhile
            pass
    return found


def writes_and_reopens_the_denial_log():
    with Fake() as fake:
        fake.tell("deny")
        wait_for(lambda: fake.text("denials.log").endswith("\n"))
        assert fake.text("denials.log").startswith(
            "time=2023-11-14T22:13:20.000Z client=192.0.2.7 name=www.evil.example type=A action=nxdomain list=malware "
            "rule=www.evil.example trigger=QNAME ede=15 incident="), fake.text("denials.log")
        os.rename(fake.log, fake.log + ".1")
        equal(fake.run("log-reopen"), (0, "", ""))
        wait_for(lambda: fake.log + ".1" not in open_files(fake.process.pid))
        fake.tell("deny")
        wait_for(lambda: os.path.exists(fake.log) and fake.text("denials.log").endswith("\n"))
        equal((fake.text("denials.log").count("\n"), fake.text("denials.log.1").count("\n")), (1, 1))


def knows_a_stranger_at_the_socket():
    for sent, says in (b"", "closed without an answer"), (b"HTTP/1.1 400\r\n\r\n", "no verdict module"), (b"[]\n", "no verdict module"):
        with tempfile.TemporaryDirectory(prefix="verdict") as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path)
                server.listen()
                process = subprocess.Popen([COMMAND, "status", "--socket", path], stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True)
                peer, _ = server.accept()
                peer.recv(4096)
                peer.sendall(sent)
                peer.close()
                out, err = process.communicate(timeout=60)
            equal((process.returncode, out), (3, ""))
            assert says in err, err


def teaches():
    with Fake() as fake:
        for command in "status", "stats", "metrics", "reload", "allow", "deny", "revoke", "overrides", "recent", "flush", \
                "log-reopen":
            code, out, err = fake.run(command, "--help")
            equal((command, code, err), (command, 0, ""))
            assert out.startswith("Usage: verdictctl " + command) and "Exit: 0" in out, out
            equal(fake.run(command, "--help")[1], subprocess.run([COMMAND, "help", command], capture_output=True, text=True).stdout)


if __name__ == "__main__":
    live.run([shows_what_is_in_force, prints_counters, hands_out_what_was_asked_as_a_recording, changes_the_policy_for_a_while,
              refuses_what_it_must,
              loads_again_and_goes_back, explains_what_the_resolver_does, explains_for_whom_and_where_it_is_asked,
              explains_what_the_detectors_know, explains_what_the_detectors_know_of_a_client, says_so_when_detectors_know_nothing,
              says_so_when_no_detectors_run, hostile_names_do_no_harm_to_a_terminal,
              takes_a_name_for_what_it_is, lets_other_users_read_only,
              writes_and_reopens_the_denial_log, knows_a_stranger_at_the_socket, teaches])
