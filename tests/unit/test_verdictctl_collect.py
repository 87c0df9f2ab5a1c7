#!/usr/bin/python3
"""What `verdictctl collect` keeps of files of frames, against counting by hand and against `verdictctl tap`. TAP."""
import collections
import fcntl
import glob
import ipaddress
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import dnstap_bytes as d  # noqa: E402
import live  # noqa: E402
from live import equal  # noqa: E402

COMMAND = live.COMMAND
DATA = os.environ.get("VERDICT_DATA", os.path.join(os.environ.get("srcdir", "."), "..", "shared", "data"))
TRAFFIC = os.path.join(DATA, "traffic", "rita_desktop_2024-04.tsv")
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "SRV": 33, "AAAA": 28, "NBSTAT": 33, "NB": 32}


class Days:
    """A directory of day files."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="verdict-collect-")
        self.days = os.path.join(self.folder, "days")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def run(self, *words, octets=None):
        done = subprocess.run([COMMAND, *words], input=octets, capture_output=True, timeout=120)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def collect(self, octets, *words):
        return self.run("collect", "--directory", self.days, "--json", "--keep-free", "0", *words, "-", octets=octets)

    def rows(self, text):
        found = []
        for path in sorted(glob.glob(os.path.join(self.days, "*.sqlite"))):
            day = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
            found += day.execute(text).fetchall()
            day.close()
        return found


def answer(name="www.example", seq=1, verdict="allow", path="resolved", answers=(), rcode=0, client="10.0.0.7", time=1700000000,
           identity="resolver-1", qtype=1, **more):
    fields = {**d.extra(verdict, path, **more), "seq": seq}
    return d.frame(response=d.dns(name, qtype, rcode, answers), extra=fields, client=client, query_time=time,
                   response_time=time, identity=identity)


def address(name, text):
    octets = ipaddress.ip_address(text).packed
    return d.record(name, 1 if len(octets) == 4 else 28, octets)


def key(name):
    return ".".join(reversed(name.lower().split(".")))


# --- real traffic

def traffic():
    """Rows of a capture of desktops, as (time, client, name, type, rcode, records); multicast and names of NetBIOS left out."""
    if not os.path.exists(TRAFFIC):
        raise live.Skip("no %s (VERDICT_DATA)" % TRAFFIC)
    with open(TRAFFIC, encoding="utf-8") as file:
        next(file)
        for line in file:
            row = line.rstrip("\n").split("\t")
            name, qtype, rcode, values = row[6:10]
            if qtype not in ("A", "AAAA", "PTR") or rcode == "" or not name.isascii() or "\\" in name:
                continue
            records, owner = [], name
            for value in values.split("; ") if values else []:
                data = value.split(" ", 1)[1]
                try:
                    records.append((owner, 0, ipaddress.ip_address(data).packed))
                except ValueError:
                    records.append((owner, 12 if qtype == "PTR" else 5, d.name(data.lower())))
                    owner = owner if qtype == "PTR" else data
            records = [(o, t or (1 if len(r) == 4 else 28), r) for o, t, r in records]
            yield float(row[0]), row[1], name, TYPES[qtype], int(rcode), records


def as_frames(rows):
    octets = []
    for seq, (time, client, name, qtype, rcode, records) in enumerate(rows, 1):
        octets.append(answer(name, seq, "allow" if rcode != 2 else "nxdomain", "resolved", [d.record(*one) for one in records],
                             rcode, client, int(time), qtype=qtype))
    return d.stream(*octets)


def agrees_with_real_traffic_counted_by_hand():
    rows = list(traffic())
    with Days() as days:
        octets = as_frames(rows)
        code, out, err = days.collect(octets)
        equal((code, err, json.loads(out)["events"]), (0, "", len(rows)))
        code, out, err = days.collect(octets)
        equal((code, json.loads(out)["duplicates"], json.loads(out)["events"]), (0, len(rows), 0))
        pairs, pdns = collections.Counter(), {}
        for time, client, name, qtype, rcode, records in rows:
            pairs[key(name), ipaddress.ip_address(client).packed] += 1
            for owner, rtype, data in records if rcode != 2 else []:
                first, last, count = pdns.get((key(owner), rtype, data), (int(time), int(time), 0))
                pdns[key(owner), rtype, data] = (min(first, int(time)), max(last, int(time)), count + 1)
        got = collections.Counter()
        for name, client, count in days.rows("SELECT key, address, count FROM pair JOIN name ON name.id = pair.name JOIN client"
                                             " ON client.id = pair.client"):
            got[name, client] += count
        equal(got, pairs)
        found = {}
        for name, rtype, data, first, last, count in days.rows(
                "SELECT rrname, rrtype, rdata, (SELECT value FROM meta WHERE key = 'day') + first / 1000, (SELECT value FROM meta"
                " WHERE key = 'day') + last / 1000, count FROM pdns"):
            old = found.get((name, rtype, data), (first, last, 0))
            found[name, rtype, data] = (min(old[0], first), max(old[1], last), old[2] + count)
        equal(found, pdns)
        equal(passive_dns_of_tap(octets), {one: row for one, row in found.items() if one[1] in (1, 28)})


def passive_dns_of_tap(octets):
    """Addresses alone: their data need no printing."""
    done = subprocess.run([COMMAND, "tap", "--format", "cof", "--no-dedup", "-"], input=octets, capture_output=True, timeout=120)
    found = {}
    for line in map(json.loads, done.stdout.splitlines()):
        if line["rrtype"] in ("A", "AAAA"):
            found[key(line["rrname"]), TYPES[line["rrtype"]], ipaddress.ip_address(line["rdata"][0]).packed] = (
                line["time_first"], line["time_last"], line["count"])
    return found


# --- what is kept

def keeps_days_and_classes_apart():
    with Days() as days:
        days.collect(d.stream(answer(seq=1), answer(seq=2, time=1700000000 + 86400), answer(seq=3, verdict="refuse", list="bad"),
                              answer(seq=4, shadow={"list": "trial", "rule": "x", "action": "drop"})))
        names = sorted(os.path.basename(path) for path in glob.glob(days.days + "/*.sqlite"))
        equal(names, ["2023-11-14-plain.sqlite", "2023-11-14-verdicts.sqlite", "2023-11-15-plain.sqlite"])
        equal(days.rows("SELECT verdict, list, shadow_list, shadow_rule, shadow_action FROM verdict"), [
            ("allow", "", "", "", ""), ("refuse", "bad", "", "", ""), ("allow", "", "trial", "x", "drop"), ("allow", "", "", "", "")])


def keeps_what_detectors_said():
    detections = [{"detector": "tunnel", "tier": "high", "action": "observe", "value": 93.5, "attack": ["T1048", "T1071.004"]},
                  {"detector": "odd", "tier": "tag", "action": "observe"}]
    with Days() as days:
        days.collect(d.stream(answer(detections=detections)))
        equal(days.rows("SELECT detectors, techniques, score FROM event JOIN reply ON reply.id = event.reply JOIN verdict ON"
                        " verdict.id = reply.verdict"), [(" tunnel/high/observe odd/tag/observe ", " T1048 T1071.004 ", 93)])
        equal(json.loads(days.rows("SELECT detections FROM detail")[0][0]), detections)


def makes_names_in_data_whole():
    pointer = b"\xc0\x0c"
    records = [pointer + d.record("", 5, b"\3CDN\xc0\x10")[1:], d.record("cdn.example", 15, b"\0\5" + pointer),
               d.record("cdn.example", 33, b"\0\1\0\2\0\3" + pointer)]
    with Days() as days:
        days.collect(d.stream(answer("Www.Example", answers=records)))
        equal(days.rows("SELECT rrname, rrtype, rdata FROM pdns ORDER BY 2"), [
            ("example.www", 5, b"\3cdn\7example\0"), ("example.cdn", 15, b"\0\5\3www\7example\0"),
            ("example.cdn", 33, b"\0\1\0\2\0\3\3www\7example\0")])


def leaves_records_out_that_lack_their_form():
    records = [d.record("www.example", 1, b"\1\2\3"), d.record("www.example", 5, b"\xc0\xff"), d.record("www.example", 6, b"\0\0\1"),
               address("www.example", "192.0.2.1")]
    with Days() as days:
        days.collect(d.stream(answer(answers=records)))
        equal(days.rows("SELECT rrtype, rdata FROM pdns"), [(1, b"\xc0\0\2\1")])


def takes_hostile_texts_as_texts():
    nasty = "');DROP TABLE event;--\"<script>\x1b[31m\u202e"
    labels = [b"'; --", b"<b>", b"\0\x1b]0;x\x07", b"\xff"]
    with Days() as days:
        code, _, err = days.collect(d.stream(
            answer(labels, verdict="refuse", list=nasty, rule=nasty, category=nasty, attack=[nasty], group=nasty, identity=nasty),
            answer(seq=2, verdict=nasty, path=nasty, trigger=nasty)))
        equal((code, err), (0, ""))
        equal(days.rows("SELECT count(*) FROM event"), [(2,)])
        equal(days.rows("SELECT list, rule, grp FROM verdict WHERE list <> ''"), [(nasty, nasty, nasty)])
        identity = days.rows("SELECT identity FROM sensor ORDER BY id")[0][0]
        assert all(32 <= ord(letter) < 127 for letter in identity), identity
        for name, in days.rows("SELECT key FROM name"):
            assert all(letter.isalnum() or letter in "-_*.\\" for letter in name), name


def counts_what_is_no_frame_and_goes_on():
    with Days() as days:
        code, out, err = days.collect(d.stream(answer(seq=1), b"\xff\xff\xff", d.frame(kind=3), answer(seq=2)))
        told = json.loads(out)
        equal((code, told["events"], told["undecodable"], told["other"]), (3, 2, 1, 1))
        assert "no dnstap message" in err, err


def keeps_frames_of_another_writer():
    with Days() as days:
        days.collect(d.stream(d.frame(kind=5, query=d.dns("example", 252, response=False), identity="native"),
                              d.frame(kind=6, response=d.dns("www.example", answers=[address("www.example", "192.0.2.1")])),
                              d.frame(response=d.dns("x.evil.example", rcode=3), policy=d.policy())))
        equal(days.rows("SELECT path, seq, rcode, key FROM event JOIN reply ON reply.id = event.reply JOIN name ON name.id ="
                        " reply.name ORDER BY key"),
              [(16, 0, -1, "example"), (17, 0, 0, "example.www"), (17, 0, 3, "example.evil.x")])
        equal(days.rows("SELECT verdict, rule FROM verdict WHERE verdict <> ''"), [("nxdomain", "malware:*.evil.example")])


def hides_clients_when_asked_to():
    frames = d.stream(answer(seq=1), answer(seq=2, client="2001:db8::7"),
                      answer(seq=3, verdict="refuse", trigger="CLIENT-IP", rule="10.0.0.7/32"),
                      answer(seq=4, shadow={"list": "s", "rule": "10.0.0.7/32", "action": "nxdomain"}))
    with Days() as days:
        equal(days.collect(frames, "--privacy", "mask")[0], 0)
        equal(sorted(days.rows("SELECT hex(address) FROM client")), [("0A000000",), ("0A000000",), ("20010DB8" + "0" * 24,)])
        equal(days.rows("SELECT shadow_rule FROM verdict WHERE shadow_list <> ''"), [("(private)",)])
        equal(days.rows("SELECT rule, privacy FROM verdict WHERE rule <> ''"), [("(private)", "mask")])
    with Days() as days:
        equal(days.collect(frames, "--privacy", "pseudonym")[0], 0)
        got = days.rows("SELECT hex(address) FROM client")
        assert all(one.startswith("0100000000000000") for one, in got) and len(set(got)) == 2, got
        equal(stat.S_IMODE(os.stat(days.days + "/privacy.key").st_mode), 0o640)
        days.collect(d.stream(answer(seq=9)), "--privacy", "pseudonym")
        equal(len(set(days.rows("SELECT hex(address) FROM client"))), 2)


def nobody_else_may_read():
    with Days() as days:
        days.collect(d.stream(answer()))
        for path in glob.glob(days.days + "/*"):
            equal((path, stat.S_IMODE(os.stat(path).st_mode) & 0o027), (path, 0))


def leaves_files_that_need_no_leave_to_write():
    with Days() as days:
        days.collect(d.stream(answer()))
        equal(glob.glob(days.days + "/*-wal"), [])


def forgets_a_client_or_a_network():
    frames = d.stream(*(answer(seq=n, client="10.0.%d.7" % (n % 3), verdict="refuse" if n > 6 else "allow") for n in range(1, 10)))
    with Days() as days:
        days.collect(frames)
        equal(days.run("forget", "--directory", days.days, "10.0.1.7"), (0, "3 events were removed\n", ""))
        equal(days.run("forget", "--directory", days.days, "--json", "10.0.0.0/23"), (0, '{"events":3,"damaged":[]}\n', ""))
        equal(set(days.rows("SELECT hex(address) FROM client")), {("0A000207",)})
        equal(sum(one for one, in days.rows("SELECT count(*) FROM event")), 3)
        with open(days.days + "/2023-11-13-plain.sqlite.damaged-1", "w") as file:
            file.write("broken")
        code, out, err = days.run("forget", "--directory", days.days, "10.0.7.7")
        equal((code, out), (3, "0 events were removed\n"))
        assert "2023-11-13-plain.sqlite.damaged-1: is damaged and may still tell" in err, err
        code, out, _ = days.run("forget", "--json", "--directory", days.days, "10.0.7.7")
        equal((code, json.loads(out)), (3, {"events": 0, "damaged": ["2023-11-13-plain.sqlite.damaged-1"]}))
        equal(days.run("forget", "--directory", days.days, "10.0.0.300")[0], 2)
        equal(days.run("forget", "--directory", days.days + "x", "10.0.0.3")[0], 3)


def until(state, what):
    end = time.monotonic() + 120
    while not state():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def holds(child, name):
    """Has it that file open, or ended?"""
    paths = glob.glob("/proc/%d/fd/*" % child.pid)
    return child.poll() is not None or any(os.path.islink(path) and os.readlink(path).endswith("/" + name) for path in paths)


def two_who_have_something_forgotten_wait_for_each_other():
    with Days() as days:
        days.collect(d.stream(answer()))
        request, result = days.days + "/forget.request", days.days + "/forget.result"
        with open(days.days + "/lock") as lock, open(request + ".new", "w") as left:
            fcntl.flock(lock, fcntl.LOCK_EX)
            left.write("of one who was killed")
            children = []
            for client in "10.0.0.1", "10.0.0.2":
                children.append(subprocess.Popen([COMMAND, "forget", "--directory", days.days, client], text=True,
                                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE))
                until(lambda: os.path.exists(request) and holds(children[-1], "forget.lock"), "it asks, or waits")
            for _ in children:
                until(lambda: os.path.exists(request), "a request")
                with open(request) as asked, open(result, "w") as answered:
                    answered.write("events %s\n" % asked.read()[-1])
                os.unlink(request)
            equal([(one.wait(120), one.stdout.read(), one.stderr.read()) for one in children],
                  [(0, "1 events were removed\n", ""), (0, "2 events were removed\n", "")])
            for child in children:
                child.stdout.close()
                child.stderr.close()


def explains_wrong_usage():
    rows = [((), "either --listen"), (("--listen", "here"), "unix:PATH"), (("--listen", "unix:x", "file"), "either --listen"),
            (("--listen", "tls:127.0.0.1@1"), "--tls-cert"), (("--tls-cert", "x", "--listen", "unix:x"), "tls:ADDRESS@PORT"),
            (("--allow-identity", "a=b", "--listen", "unix:x"), "--tls-client-ca"), (("--allow-identity", "a", "-"), "CERTIFICATE=IDENTITY"),
            (("--tls-crl", "a", "--listen", "unix:x"), "--tls-client-ca"), (("--keep-plain", "1d", "-"), "number of days"), (("--keep-size", "much", "-"), "--keep-size"),
            (("--privacy", "none", "-"), "mask or pseudonym"), (("--status", "-"), "--status"), (("--socket-mode", "9", "-"), "octal")]
    with Days() as days:
        for words, wanted in rows:
            code, _, err = days.run("collect", *words)
            assert code == 2 and wanted in err, (words, code, err)
        code, _, err = days.run("collect", "--directory", days.days, "--status")
        assert code == 3 and "no collector" in err, (code, err)


CLAIMS = [
    agrees_with_real_traffic_counted_by_hand, keeps_days_and_classes_apart, keeps_what_detectors_said, makes_names_in_data_whole,
    leaves_records_out_that_lack_their_form, takes_hostile_texts_as_texts, counts_what_is_no_frame_and_goes_on,
    keeps_frames_of_another_writer, hides_clients_when_asked_to, nobody_else_may_read, leaves_files_that_need_no_leave_to_write,
    forgets_a_client_or_a_network, two_who_have_something_forgotten_wait_for_each_other, explains_wrong_usage,
]

if __name__ == "__main__":
    live.run(CLAIMS)
