#!/usr/bin/python3
"""`verdictctl hunt` against the same questions answered in Python from the raw recordings. TAP."""
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import hunting as h  # noqa: E402
import intervals  # noqa: E402
import live  # noqa: E402
from intervals import TYPE_NAMES, data_text, grouped  # noqa: E402
from live import equal  # noqa: E402

DATA = Path(os.environ.get("VERDICT_DATA", Path(os.environ.get("srcdir", ".")) / "../shared/data"))
ROWS = 4000


class Recording:
    """Day files of one capture, made once, and the events they came from."""
    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="verdict-hunt-")
        self.events = None

    def load(self):
        source = DATA / "traffic" / "rita_desktop_2024-04.tsv"
        if not source.exists():
            raise live.Skip("no recordings (VERDICT_DATA)")
        if self.events is None:
            events = h.events_of(h.traffic(source, ROWS))
            h.collect(self.scratch.name, events)
            self.events = events
        return self.events


RECORDING = Recording()


def windows(events):
    """All of it, and some that cut days."""
    first, last = min(e.ms for e in events), max(e.ms for e in events)
    third = (last - first) // 3
    middle = sorted(e.ms for e in events)[len(events) // 2]
    return [(None, None), (first + third, last - third), (None, middle), (middle, None)] + borders(events)


def borders(events):
    """Windows that begin and end exactly at an event or one millisecond beside it, at an hour and around midnight; some
    with nothing in them."""
    times = sorted(e.ms for e in events)
    one, other = times[len(times) // 5], times[len(times) * 2 // 3]
    hour, midnight = one // 3600000 * 3600000, other // 86400000 * 86400000
    return [(one, other), (one + 1, other - 1), (one, one), (hour, hour + 3599999), (midnight - 1, midnight),
            (midnight - 3600000, midnight - 1), (midnight, midnight + 86399999)]


def inside(events, window):
    return [e for e in events if (window[0] is None or e.ms >= window[0]) and (window[1] is None or e.ms <= window[1])]


def hunt(window, *arguments):
    times = (["--from", h.iso(window[0])] if window[0] is not None else []) + \
        (["--to", h.iso(window[1])] if window[1] is not None else [])
    return h.hunt(RECORDING.scratch.name, *arguments, *times)


def span(events):
    return {"first": h.iso(min(e.ms for e in events)), "last": h.iso(max(e.ms for e in events)), "count": len(events)}


def verdicts_of(events):
    return {e.verdict_text() for e in events}


def words(rows):
    """group_concat has an order of its own."""
    return [dict(row, verdicts=set(row["verdicts"].split(","))) for row in rows]


def summary(events):
    return [dict(span(events), clients=len({e.client for e in events}), names=len({e.name for e in events}))] \
        if events else []


def by_count(rows, key):
    return sorted(rows, key=lambda row: (-row["count"], key(row)))


def packed(client):
    return h.address(client).packed


def clients_of(events, more=lambda some: {}):
    return by_count([dict(span(some), client=client, verdicts=verdicts_of(some), **more(some))
                     for client, some in grouped(events, lambda e: e.client).items()],
                    lambda row: packed(row["client"]))


def plain(data):
    """Names are lists of labels."""
    return tuple(data) if isinstance(data, list) else data


def records_of(events):
    found = defaultdict(list)
    for event in events:
        for owner, rtype, data in {(tuple(owner), rtype, plain(data)) for owner, rtype, data, _ in event.records}:
            found[(owner, rtype, data)].append(event)
    rows = [dict(span(some), owner=h.shown(owner), type=rtype, data=data_text(data),
                 upstream=any(getattr(e, "upstream", True) for e in some)) for (owner, rtype, data), some in found.items()]
    return sorted(rows, key=lambda row: (row["owner"], row["type"], row["data"]))


def some_names(events):
    names = sorted(grouped(events, lambda e: e.name).items(), key=lambda item: (-len(item[1]), item[0]))
    return [name for name, _ in names[:6] + names[len(names) // 2:len(names) // 2 + 4] + names[-4:]]


def a_name_has_the_clients_verdicts_and_records_of_the_recording():
    events = RECORDING.load()
    for window in windows(events):
        for name in some_names(events):
            wanted = [e for e in inside(events, window) if e.name == name]
            got = hunt(window, "domain", name)
            equal(got["summary"], summary(wanted), name)
            equal(words(got["clients"]), clients_of(wanted, lambda es: {"names": 1}), name)
            rows = [{k: v for k, v in row.items() if k != "ttl"} for row in got["records"]]
            equal(sorted(rows, key=lambda row: (row["owner"], row["type"], row["data"])), records_of(wanted), name)


def all_below_a_name_is_found_and_nothing_beside_it():
    events = RECORDING.load()
    for window in windows(events):
        for zone in ("com", "amazonaws.com", "local", "in-addr.arpa", "mozilla.com"):
            wanted = [e for e in inside(events, window) if e.name.endswith("." + zone)]
            got = hunt(window, "domain", "*." + zone)
            equal(got["summary"], summary(wanted), zone)
            equal(words(got["clients"]), clients_of(wanted, lambda es: {"names": len({e.name for e in es})}), zone)
            names = by_count([dict(span(some), name=name, clients=len({e.client for e in some}),
                                   verdicts=verdicts_of(some))
                              for name, some in grouped(wanted, lambda e: e.name).items()],
                             lambda row: h.order(row["name"]))
            equal(words(got["names"]), names, zone)


def an_address_leads_to_its_names_and_their_clients():
    events = RECORDING.load()
    for window in windows(events):
        for text in ("216.115.208.230", "104.18.27.211", "104.18.0.0/16", "2600::/12", "0.0.0.0/0", "192.0.2.1"):
            network = h.ipaddress.ip_network(text)

            def hits(event):
                return {a for a in (h.ipaddress.ip_address(octets) for r in event.records for octets in h.brought(*r[1:3]))
                        if a.version == network.version and a in network}
            # A reply counts with all its times of the day when its day touches the window.
            some = {e.name for e in inside(events, window) if hits(e)}
            got = hunt(window, "ip", text)
            equal({row["name"] for row in got["names"]} >= some, True, text)
            if window == (None, None):
                pairs = defaultdict(list)
                for e in events:
                    for a in hits(e):
                        pairs[(e.name, str(a))].append(e)
                names = by_count([dict(span(es), name=n, address=a) for (n, a), es in pairs.items()],
                                 lambda row: (h.order(row["name"]), h.address(row["address"]).packed))
                equal(got["names"], names, text)
                asked = [e for e in events if e.name in some]
                equal(words(got["clients"]),
                      clients_of(asked, lambda es: {"names": len({e.name for e in es})}), text)


def number_of(event):
    """"": of a question."""
    return "%s.%d.%d" % event.number if event.number else ""


def a_host_has_its_names_new_and_rare_ones_first():
    events = RECORDING.load()
    clients = [c for c, _ in sorted(grouped(events, lambda e: e.client).items(), key=lambda i: (-len(i[1]), i[0]))][:5]
    for window in windows(events):
        within = inside(events, window)
        # What has no question is shown as the root, and nobody asked for it.
        askers = {name: len({e.client for e in es if getattr(e, "asked", True)})
                  for name, es in grouped(within, lambda e: e.name).items()}
        before = {e.name for e in events if window[0] is not None and e.ms < window[0] and getattr(e, "asked", True)}
        for client in clients:
            wanted = [e for e in within if e.client == client]
            rows = [dict(span(es), name=name, new=window[0] is not None and name not in before,
                         askers=min(askers[name], 5), verdicts=verdicts_of(es))
                    for name, es in grouped(wanted, lambda e: e.name).items()]
            rows.sort(key=lambda row: (not row["new"], row["askers"], row["first"], h.order(row["name"])))
            got = hunt(window, "host", client, "--events")
            equal(words(got["names"]), rows, client)
            rows = [(row["time"], row["name"], row.get("number", "")) for row in got.get("timeline", [])]
            equal(sorted(rows), sorted((h.iso(e.ms), e.name, number_of(e)) for e in wanted), client)
            equal([row[0] for row in rows], sorted(row[0] for row in rows), client)


def in_order(row):
    return sorted(row.items())


def changes_of(events):
    rows = []
    for (name, rtype), some in grouped(events, lambda e: (e.name, e.rtype)).items():
        first, last = min(e.ms for e in some), max(e.ms for e in some)
        pieces = defaultdict(list)
        for e in some:
            for piece in {(h.shown(owner), rt, data_text(data)) for owner, rt, data, _ in e.records}:
                pieces[piece].append(e)
        for (owner, rt, text), es in pieces.items():
            row = {"name": name, "asked": TYPE_NAMES[rtype], "owner": owner, "type": rt, "data": text, "count": len(es)}
            if min(e.ms for e in es) > first:
                rows.append(dict(row, time=h.iso(min(e.ms for e in es)), change="appeared"))
            if max(e.ms for e in es) < last:
                rows.append(dict(row, time=h.iso(max(e.ms for e in es)), change="vanished"))
    return sorted(rows, key=in_order)


def record_sets_have_their_intervals_and_changes():
    events = RECORDING.load()
    for window in windows(events):
        for asked in some_names(events) + ["*.mozilla.com", "*.slack.com"]:
            wanted = [e for e in inside(events, window)
                      if (e.name.endswith(asked[1:]) if asked.startswith("*") else e.name == asked)]
            got = hunt(window, "changes", asked)
            rows = [{k: v for k, v in row.items() if k != "ttl"} for row in got["intervals"]]
            equal(sorted(rows, key=in_order), sorted(intervals.of_events(wanted, events), key=in_order), asked)
            equal(sorted(got["changes"], key=in_order), changes_of(wanted), asked)


def hits(got, wanted, what):
    equal(got["summary"], summary(wanted), what)
    equal(words(got["clients"]), clients_of(wanted, lambda es: {"names": len({e.name for e in es})}), what)
    equal(sum(row["count"] for row in got["verdicts"]), len(wanted), what)


def a_rule_and_a_technique_have_what_bears_them():
    events = RECORDING.load()
    rules = sorted({e.extra["rule"] for e in events if "rule" in e.extra})[:4]
    for window in windows(events):
        within = inside(events, window)
        hits(hunt(window, "rule", "malware"), [e for e in within if e.extra.get("list") == "malware"], "malware")
        hits(hunt(window, "rule", "trial"), [e for e in within if "shadow" in e.extra], "trial")
        hits(hunt(window, "rule", "mal%"), [], "mal%")
        for rule in rules:
            hits(hunt(window, "rule", "malware:" + rule), [e for e in within if e.extra.get("rule") == rule], rule)
        for technique, bears in (("T1071.004", lambda e: "list" in e.extra), ("T1071", lambda e: "list" in e.extra),
                                 ("T1568.002", lambda e: "detections" in e.extra),
                                 ("T1568", lambda e: "detections" in e.extra or "shadow" in e.extra), ("T1041", lambda e: 0)):
            hits(hunt(window, "technique", technique), [e for e in within if bears(e)], technique)


def new_domains_are_those_that_nobody_asked_for_before():
    """By public suffixes of one label, where the suffix list has nothing to say."""
    events = RECORDING.load()

    def domain(event):
        return ".".join(event.name.split(".")[-2:])
    plain = ("mozilla.com", "slack.com", "gstatic.com", "adobe.io", "proximic.com", "aaplimg.com", "vimeocdn.com")
    for window in windows(events):
        if window[0] is None:
            continue
        before = {domain(e) for e in events if e.ms < window[0]}
        rows = [dict(span(es), domain=name, clients=len({e.client for e in es}),
                     client=str(min((h.address(e.client).packed, h.address(e.client)) for e in es)[1]))
                for name, es in grouped(inside(events, window), domain).items() if name not in before and name in plain]
        got = [row for row in hunt(window, "new")["domains"] if row["domain"] in plain]
        equal(got, sorted(rows, key=lambda row: (row["first"], h.order(row["domain"]))), str(window))


def a_domain_of_the_same_day_is_not_new():
    def event(number, hour, labels):
        return h.Event((1700006400 + hour * 3600) * 1000000, "10.0.0.1", labels, 1, 0, [], (h.BOOT, 0, number),
                       {"verdict": "allow", "path": "cached"})
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, [event(1, 1, [b"old", b"com"]), event(2, 5, [b"old", b"com"]), event(3, 5, [b"new", b"com"])])
        got = h.hunt(scratch, "new", "--from", h.iso((1700006400 + 3 * 3600) * 1000))
        equal([row["domain"] for row in got["domains"]], ["new.com"])


def technique_of(extra):
    """Each event of a recording has one, or none."""
    return (extra.get("attack") or extra.get("shadow", {}).get("attack") or
            extra.get("detections", [{}])[0].get("attack") or [None])[0]


def the_top_is_the_top():
    events = RECORDING.load()
    for window in windows(events):
        got, within = hunt(window, "top"), inside(events, window)
        for section, column, key, order in (
                ("names", "name", lambda e: getattr(e, "asked", True) and e.name, lambda row: h.order(row["name"])),
                ("clients", "client", lambda e: e.client, lambda row: packed(row["client"])),
                ("verdicts", "verdict", lambda e: e.extra.get("verdict", "-"), lambda row: row["verdict"]),
                ("rules", "rule", lambda e: "list" in e.extra and e.extra["list"] + ":" + e.extra["rule"],
                 lambda row: row["rule"]),
                ("techniques", "technique", lambda e: technique_of(e.extra), lambda row: row["technique"])):
            rows = by_count([dict(span(es), **{column: value}) for value, es in grouped(within, key).items() if value], order)
            equal(got[section], rows, section)


def an_incident_leads_from_its_number_to_the_answer_and_what_was_around():
    events = RECORDING.load()
    for event in [e for e in events if "incident" in e.extra][::60]:
        got = hunt((None, None), "incident", event.extra["incident"])
        row = {k: got["event"][0][k] for k in ("time", "client", "name", "verdict", "list", "rule", "techniques", "resolver")}
        equal(row, {"time": h.iso(event.ms), "client": event.client, "name": event.name, "verdict": "nxdomain",
                    "list": "malware", "rule": event.extra["rule"], "techniques": "T1071.004", "resolver": "resolver-1"})
        around = [e for e in events if e.client == event.client and abs(e.at_us // 1000 * 1000 - event.at_us) <= 60000000]
        equal(sorted(row.get("number", "") for row in got["timeline"]),
              sorted(number_of(e) for e in around if abs(e.at_us - event.ms * 1000) <= 60000000), row["name"])
        same = [e for e in events if e.name == event.name and e.client == event.client]
        equal(got["same_name"][0]["count"], len(same))
    equal(hunt((None, None), "incident", h.BOOT + ".0.999999")["event"], [])


def coverage_finds_every_gap_and_says_when():
    """Of a recording from which frames are taken away; heartbeats tell how far a worker had come."""
    events = RECORDING.load()[:1200]
    last = {worker: max(e.number[2] for e in events if e.number[1] == worker) for worker in (0, 1)}
    gone = {(0, 1), (0, 17), (0, 18), (0, 19), (1, 100), (1, last[1])} | {(1, n) for n in range(200, 260)}
    kept = [e for e in events if e.number[1:] not in gone]

    def beat(number, seqs):
        workers = [{"worker": w, "seq": seqs[w], "dropped": 6 * (number - 1) * w, "left_out": 0} for w in (0, 1)]
        extra = {"v": 1, "boot": h.BOOT, "heartbeat": number, "interval_ms": 60000, "workers": ["odd", None, 7] + workers,
                 "dropped": {"ring": 6 * (number - 1), "spool": 0}, "targets": [],
                 "clock": {"synchronized": number < 3, "max_error_us": 100 * number, "offset_us": 1}}
        at = max(e.at_us for e in events) // 1000000
        return h.dnstap.frame(kind=12, client=None, extra=extra, response_time=at, query_time=None,
                              response=h.dnstap.dns("heartbeat.unbound-verdict", 16))
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        made = h.collect(scratch, kept, beat(1, {0: 0, 1: 0}), beat(3, last))
        equal(made["notes"], 2)
        got = h.hunt(scratch, "coverage")
        row = got["resolvers"][0]
        equal((row["expected"], row["received"], row["missing"], row["dropped"]),
              (len(events), len(kept), len(gone), 12))
        gaps = sorted((g["worker"], g["from"], g["to"]) for g in got["gaps"])
        equal(gaps, sorted([(0, 1, 1), (0, 17, 19), (1, 100, 100), (1, 200, 259), (1, last[1], last[1])]))
        times = {e.number[1:]: h.iso(e.ms) for e in events}
        for gap in got["gaps"]:
            equal(gap.get("after"), times[(gap["worker"], gap["from"] - 1)] if gap["from"] > 1 else None)
            equal(gap.get("before"), times.get((gap["worker"], gap["to"] + 1)))
            equal(gap["reason"], "dropped, or lost on the way" if gap["worker"] else "lost on the way, or not here yet")
        clock = got["clocks"][0]
        equal((clock["heartbeats"], clock["expected"], clock["clock"], clock["max_error_us"]),
              (2, 3, "not always synchronized", 300))
        statement = got["statements"][0]["statement"]
        assert "was due to send %d frames" % len(events) in statement and "%d are missing" % len(gone) in statement


def coverage_is_of_what_is_proved():
    """A loss that only a resolver's words or the days before prove, and answers that were left out before the first of
    both: counted by hand, and `report` says the same."""
    base, day = 1700000000, h.DAY

    def beat(number, seq, at, left_out=0):
        worker = dict({"worker": 0, "seq": seq, "dropped": 0}, **({"left_out": left_out} if left_out else {}))
        extra = {"v": 1, "boot": h.BOOT, "heartbeat": number, "interval_ms": 10000, "workers": [worker], "targets": []}
        return h.dnstap.frame(kind=12, client=None, extra=extra, response_time=base + at, query_time=None,
                              response=h.dnstap.dns("heartbeat.unbound-verdict", 16))

    def frames(first, last, at, left_out=0):
        return [h.Event((base + at) * 1000000, "10.0.0.7", [b"www", b"example"], 1, 0, [], (h.BOOT, 0, number),
                        dict(h.decide((h.BOOT, 0, number), [b"www", b"example"]), **({"left_out": left_out} if left_out else {})))
                .frame() for number in range(first, last + 1)]
    rows = [
        ("lost before the first frame", [beat(5, 100, 0), *frames(500, 509, 10), beat(6, 509, 60)], 0, (10, 399, 0)),
        ("frames before the first word", [*frames(90, 99, 0), beat(5, 100, 5), *frames(101, 103, 10)], 0, (13, 1, 0)),
        ("left out long ago", [beat(500, 1000, 0, 900), *frames(1001, 1010, 10, 900), *frames(1501, 1510, 20, 900),
                               beat(501, 1510, 60, 900)], 0, (20, 490, 0)),
        ("left out since the first word", [*frames(990, 990, 0, 880), beat(500, 1000, 1, 889), *frames(1011, 1020, 10, 899),
                                           *frames(1031, 1040, 20, 909), beat(501, 1040, 60, 909)], 0, (20, 0, 20)),
        ("left out, says nobody when", [*frames(1001, 1010, 10, 900), *frames(1501, 1510, 20, 900)], 0, (20, 490, 0)),
        ("over midnight", [beat(1, 0, 0), *frames(1, 10, 10), beat(9, 30, day), *frames(31, 40, day + 10)], day, (10, 20, 0)),
        ("left out over midnight", [beat(1, 0, 0), *frames(1, 10, 10), beat(2, 20, 60, 10), *frames(61, 70, day, 50),
                                    beat(9, 70, day + 10, 50)], day, (10, 0, 40)),
        ("lost up to the end of a process", [beat(1, 0, 0), *frames(1, 10, 10), beat(9, 30, day)], day, (0, 20, 0)),
        ("a clock that was set back", [beat(1, 0, day), *frames(1, 10, day + 10), *frames(11, 20, 10)], day, (10, 0, 0)),
    ]
    for why, sent, begin, wanted in rows:
        with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
            h.collect(scratch, [], *sent)
            window = ["--from", h.iso((base + begin - base % day) * 1000)]
            row = h.hunt(scratch, "coverage", *window)["resolvers"][0]
            equal((row["received"], row["missing"], row["left_out"]), wanted, why)
            if why.startswith("a clock"):
                continue
            page = os.path.join(scratch, "page.html")
            done = h.verdictctl("report", "--directory", scratch, *window, "--to", h.iso((base + 3 * day) * 1000), "--output", page)
            equal((done.returncode, done.stderr), (0, b""), why)
            with open(page) as file:
                said = file.read().partition("<blockquote>")[2].partition("</blockquote>")[0]
            assert " %d (" % wanted[0] in said and "and %d are missing" % wanted[1] in said and \
                ("%d were not to be" % wanted[2] in said or not wanted[2]), (why, said)


def names_and_numbers_are_taken_as_people_have_them():
    """In any script, in any case, out of an EDE text; and what would be found nowhere is no answer."""
    labels, number = [b"xn--mller-kva", b"example"], (h.BOOT, 1, 17)
    event = h.Event(1700000000 * 1000000, "10.0.0.7", labels, 1, 3, [], number, {"verdict": "nxdomain", "path": "resolved",
                    "list": "malware", "rule": "*.example", "trigger": "QNAME"})
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, [event, h.Event(event.at_us, "10.0.0.7", [b"other", b"test"], 1, 0, [], (h.BOOT, 1, 20),
                                           {"verdict": "allow", "path": "cached"})])
        for name in ("m\u00fcller.example", "M\u00dcLLER.Example.", "XN--MLLER-KVA.example", "*.Example"):
            equal(h.hunt(scratch, "domain", name)["summary"][0]["count"], 1, name)
        text = "%s.1.17" % h.BOOT
        for said in (text, text.upper(), " %s\n" % text, "malware:*.example %s" % text, "EDE: 15 (Blocked): (malware:*.example %s)" % text,
                     "a0b1c2d3e4f5.0.1 " + text, "'%s'" % text, text + "."):
            equal(len(h.hunt(scratch, "incident", said)["event"]), 1, said)
        for said in ("x" + text, text + "0.1", text + "x", "a" + text, text[1:], text.replace(".1.", ".x."), ""):
            equal(h.verdictctl("hunt", "incident", said, "--directory", scratch).returncode, 2, said)
        for name in ("*example", "w*.example", "*.*.example", "https://www.example/x", "m\u00fcller\\046.example"):
            for pivot in ("domain", "changes"):
                done = h.verdictctl("hunt", pivot, name, "--directory", scratch)
                equal((done.returncode, done.stdout), (2, b""), name)
        for limit in ("9223372036854775807", "99999999999999999999"):
            done = h.verdictctl("hunt", "coverage", "--limit", limit, "--json", "--directory", scratch)
            equal(h.json.loads(done.stdout)["gaps"][0].get("after"), h.iso(event.ms), limit)


def busy_days():
    """Two days: names that are asked for very often, and clients that ask for very many names, some of them alone."""
    events, draw = [], random.Random(7)
    for number in range(1, 9001):
        day, kind = number % 2, draw.random()
        client = "10.0.0.%d" % (1 if kind < 0.6 else 2 if kind < 0.8 else draw.randrange(3, 40))
        name = [b"host%d" % draw.randrange(3), b"often", b"com"] if draw.random() < 0.4 else \
            [b"www", b"rare%d" % draw.randrange(6000), b"com"]
        denied = name[1] == b"often" and kind > 0.9 or name[1].endswith(b"7")
        at_us = (1700006400 + day * h.DAY) * 1000000 + number * 4000000 + draw.randrange(1000000)
        extra = {"verdict": "nxdomain", "list": "malware", "rule": h.shown(name), "trigger": "QNAME"} if denied else \
            {"verdict": "allow"}
        events.append(h.Event(at_us, client, name, 1, 3 if denied else 0, [], (h.BOOT, 0, number),
                              dict(extra, path="cached")))
    return events


def a_limit_gives_the_first_rows_of_all():
    """What is added up by day answers a question with a limit; without one, and in a cut window, pairs are counted."""
    events = busy_days()
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, events)
        begin, middle = min(e.ms for e in events), sorted(e.ms for e in events)[len(events) // 4]
        proved = 0
        for arguments in (["top"], ["host", "10.0.0.1"], ["host", "10.0.0.2"], ["host", "10.0.0.3"], ["host", "10.0.0.0/28"],
                          ["new", "--from", h.iso(begin)], ["new", "--from", h.iso(middle)],
                          ["new", "--from", h.iso(begin + h.DAY * 1000)], ["top", "--from", h.iso(middle)],
                          ["host", "10.0.0.1", "--from", h.iso(middle)], ["domain", "*.com"], ["rule", "malware"]):
            whole = words_of(h.hunt(scratch, *arguments))
            for limit in (1, 2, 40):
                done = h.verdictctl("hunt", *arguments, "--json", "--limit", limit, "--directory", scratch)
                got = h.json.loads(done.stdout)
                left_out, got = got["left_out"], words_of(got)
                equal(set(got), set(whole), arguments)
                for section in [key for key, rows in got.items() if isinstance(rows, list)]:
                    equal(got[section], whole[section][:limit], (arguments, limit, section))
                    rest = len(whole[section]) - len(got[section])
                    proved += left_out.get(section, 0) is None
                    equal(left_out.get(section, 0) in (rest, None), True, (arguments, limit, section, left_out))
                    equal(left_out.get(section, 0) is None and rest == 0, False, (arguments, limit, section))
        equal(proved > 3, True)
        wanted = [e for e in events if e.client == "10.0.0.1"]
        got = h.json.loads(h.verdictctl("hunt", "host", "10.0.0.1", "--json", "--directory", scratch).stdout)
        equal(got["summary"], summary(wanted))
        equal(got["left_out"]["names"], len({e.name for e in wanted}) - 100)
        alone = {name for name, es in grouped(events, lambda e: e.name).items() if {e.client for e in es} == {"10.0.0.1"}}
        rows = sorted((min(e.ms for e in es), h.order(name), name)
                      for name, es in grouped(wanted, lambda e: e.name).items() if name in alone)[:100]
        equal([row["name"] for row in got["names"]], [name for _, _, name in rows])


def words_of(answer):
    """Without what is not of the answer itself, and with verdicts as a set."""
    return {key: words(rows) if isinstance(rows, list) and rows and "verdicts" in rows[0] else rows
            for key, rows in answer.items() if key not in ("left_out", "asked")}


def as_an_earlier_release_left_it(directory):
    """Day files without slices."""
    for path in Path(directory).glob("*.sqlite"):
        file = sqlite3.connect(path)
        file.executescript("DROP TABLE slice; PRAGMA user_version = 2")
        file.close()


def files_of_an_earlier_release_answer_the_same_and_are_written_on():
    events = busy_days()
    middle = sorted(e.ms for e in events)[len(events) // 4]
    some = sorted((e for e in events if e.client == "10.0.0.1"), key=lambda e: e.ms)
    questions = [["top"], ["top", "--limit", "0"], ["host", "10.0.0.1"], ["host", "10.0.0.0/29"], ["domain", "*.com"],
                 ["domain", "host1.often.com", "--events"], ["changes", "*.often.com"], ["rule", "malware"],
                 ["new", "--from", h.iso(middle)]]
    times = [[], ["--from", h.iso(middle)], ["--to", h.iso(some[70].ms)],
             ["--from", h.iso(some[700].ms), "--to", h.iso(some[702].ms)]]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as new, \
            tempfile.TemporaryDirectory(prefix="verdict-hunt-") as old:
        h.collect(new, events)
        h.collect(old, events[:3000])
        as_an_earlier_release_left_it(old)
        h.collect(old, events[3000:])
        versions = {sqlite3.connect(path).execute("PRAGMA user_version").fetchone() for path in Path(old).glob("*.sqlite")}
        equal(versions, {(3,)})
        for directory in (old, None):
            if directory is None:
                as_an_earlier_release_left_it(old)
            for question in questions:
                for window in times:
                    if "--from" in question and window:
                        continue
                    got, wanted = ([h.verdictctl("hunt", *question, *window, "--json", "--directory", place)
                                    for place in (old, new)])
                    equal((got.returncode, got.stderr), (0, b""), question)
                    got, wanted = (words_of(h.json.loads(done.stdout)) for done in (got, wanted))
                    equal(got, wanted, (question, window))


HOSTILE = [[b"'; drop table event; --", b"example"], [b"<script>alert(1)</script>", b"example"], [b"\x1b[2j\x07", b"example"],
           [b"nul\0nul", b"example"], [b"100%", b"example"], [b"a_c", b"example"], [b"abc", b"example"], [b"a.c", b"example"],
           [b'q"\\', b"example"], [b"\xff\xfe\x9b", b"example"], [b"*", b"example"], [b"*", b"*", b"example"], [b"*\0x", b"example"], [b"-x*", b"example"],
           [b"\\*", b"example"], [b"w*w", b"*", b"example"]]


def passive_dns_leaves_as_cof():
    events = RECORDING.load()
    uses = defaultdict(list)
    for e in events:
        for owner, rtype, data, _ in (e.records if getattr(e, "upstream", True) else []) + getattr(e, "servers", []):
            uses[(h.shown(owner), rtype, data_text(data))].append(e)
    wanted = [{"rrname": n, "rrtype": int(t[4:]) if t.startswith("TYPE") else t, "rdata": [d],
               "time_first": min(e.ms for e in es) // 1000, "count": len(es),
               "time_last": max(e.ms for e in es) // 1000, "sensor_id": "resolver-1"} for (n, t, d), es in uses.items()]
    done = h.verdictctl("hunt", "export", "cof", "--directory", RECORDING.scratch.name)
    equal((done.returncode, done.stderr), (0, b""))
    got = [h.json.loads(line) for line in done.stdout.splitlines()]
    def place(row):
        return str(in_order(row))
    equal(sorted(got, key=place), sorted(wanted, key=place))


def hostile_names_and_texts_are_data_and_nothing_else():
    texts = {"verdict": "nxdomain", "path": "resolved", "list": "l'\"><b>%_\u202e", "rule": "'); DELETE FROM pair; --",
             "attack": ['T1071.004"] UNION', "T1048"], "category": "\u001b]0;x\u0007"}
    events = [h.Event(1700000000000000 + i, "10.0.0.%d" % (i + 1), labels, 16, 3, [(labels, "TXT", b"\x03<i>", 60)],
                      (h.BOOT, 0, i + 1), texts, identity="res\x1b[31molver' OR 1=1 --") for i, labels in enumerate(HOSTILE)]
    away = h.Event(1700000000000000, "172.16.0.1", [b"away", b"test"], 1, 0, [([b"away", b"test"], "CNAME", labels, 60)
                   for labels in HOSTILE], (h.BOOT, 0, 1000), {"verdict": "allow", "path": "resolved"})
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, events + [away])
        for i, labels in enumerate(HOSTILE):
            name = h.shown(labels)
            got = h.hunt(scratch, "domain", name)
            equal([row["client"] for row in got["clients"]], ["10.0.0.%d" % (i + 1)], name)
            equal(got["records"][0]["owner"], name)
            equal(h.hunt(scratch, "changes", name)["intervals"][0]["name"], name)
        for target in h.hunt(scratch, "domain", "away.test")["records"]:
            equal(len(h.hunt(scratch, "domain", target["data"])["clients"]), 1, target)
        equal(len(h.hunt(scratch, "domain", "*.example")["names"]), len(HOSTILE))
        equal(h.hunt(scratch, "host", "10.0.0.0/24")["summary"][0]["names"], len(HOSTILE))
        equal(h.hunt(scratch, "technique", "T1048")["summary"][0]["count"], len(HOSTILE))
        equal(h.hunt(scratch, "rule", texts["list"] + ":" + texts["rule"])["summary"][0]["count"], len(HOSTILE))
        for arguments in (["top"], ["coverage"], ["new", "--from", "2000-01-01"], ["changes", "*.example"],
                          ["host", "10.0.0.0/8", "--events"], ["incident", h.BOOT + ".0.3"], ["domain", "*"]):
            h.hunt(scratch, *arguments)
            done = h.verdictctl("hunt", *arguments, "--directory", scratch)
            equal((done.returncode, done.stderr), (0, b""), arguments)
            assert all(32 <= octet < 127 or octet == 10 for octet in done.stdout), arguments


def name_servers_above_the_deepest_name_are_found():
    zone = [b"deep", b"example"]
    labels = [b"\x01"] * 110 + zone
    events = [h.Event(1700000000000000 + i, "10.0.0.1", asked, 1, 0, [(zone, "NS", [b"ns", b"example"], 60)], (h.BOOT, 0, i + 1),
                      {"verdict": "allow", "path": "resolved"}) for i, asked in enumerate((labels, zone))]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, events)
        got = h.hunt(scratch, "domain", h.shown(labels))
        equal([(row["zone"], row["server"]) for row in got["name_servers"]], [("deep.example", "ns.example")])


def a_damaged_file_is_named_and_the_rest_answers():
    events = [h.Event((1700000000 + day * h.DAY) * 1000000, "10.0.0.1", [b"www", b"example"], 1, 0, [], (h.BOOT, 0, day + 1),
                      {"verdict": "allow", "path": "cached"}) for day in range(3)]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, events)
        files = sorted(Path(scratch).glob("*-plain.sqlite"))
        equal(len(files), 3)
        for octets in (b"not a database at all" * 400, files[1].read_bytes()[:4096] + b"\xa5" * 40960, b""):
            files[1].write_bytes(octets)
            done = h.verdictctl("hunt", "domain", "www.example", "--json", "--directory", scratch)
            equal(done.returncode, 3)
            assert files[1].name.encode() in done.stderr, done.stderr
            got = h.json.loads(done.stdout)
            equal((got["summary"][0]["count"], got["files"], got["passed_over"], got["damaged"]), (2, 3, 1, 0))
        # A collector has set it aside since, and began another one.
        for name, more, damaged in ((".damaged", [], 1), (".damaged-1", [], 2), (".damaged-1", ["--to", "1d"], 2),
                                    (".damaged-1", ["--to", h.iso(1700000000 * 1000)], 0)):
            Path(str(files[1]) + name).write_bytes(b"")
            if files[1].exists():
                files[1].unlink()
            done = h.verdictctl("hunt", "domain", "www.example", "--json", *more, "--directory", scratch)
            got = h.json.loads(done.stdout)
            equal((done.returncode, got["damaged"], done.stderr.count(b"was set aside")), (3 if damaged else 0, damaged, damaged))
            said = h.verdictctl("hunt", "domain", "nowhere.example", *more, "--directory", scratch).stdout
            equal(b"incomplete: %d damaged" % damaged in said, damaged > 0, "'nothing' has its reason")


def one_day(number):
    return h.Event((1700000000 + number * h.DAY) * 1000000, "10.0.0.1", [b"www", b"example"], 1, 0, [],
                   (h.BOOT, 0, number + 1), {"verdict": "allow", "path": "cached"})


def what_is_no_file_is_named_and_keeps_nobody_waiting():
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, [one_day(0), one_day(1)])
        second = sorted(Path(scratch).glob("*-plain.sqlite"))[1]
        kept = second.read_bytes()
        for tail, make in (("", os.mkfifo), ("-wal", os.mkfifo), ("-shm", os.mkfifo), ("-journal", os.mkfifo), ("", os.mkdir),
                           ("", lambda path: os.symlink("/dev/zero", path))):
            if not tail:
                second.unlink()
            make(str(second) + tail)
            done = h.verdictctl("hunt", "domain", "www.example", "--json", "--directory", scratch)
            got = h.json.loads(done.stdout)
            equal((done.returncode, got["summary"][0]["count"], got["passed_over"]), (3, 1, 1), tail)
            assert second.name.encode() + b": is passed over: is damaged" in done.stderr, done.stderr
            os.rmdir(second) if second.is_dir() else os.unlink(str(second) + tail)
            second.write_bytes(kept)
        equal(h.hunt(scratch, "domain", "www.example")["summary"][0]["count"], 2)


def who_may_only_read_is_told_what_a_log_without_its_index_needs():
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise live.Skip("needs root and setpriv")
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        other = Path(scratch) / "other"
        h.collect(scratch, [one_day(0)])
        path = next(Path(scratch).glob("*-plain.sqlite"))
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE more (x)")
            other.mkdir()
            for tail in "", "-wal":          # as a copy has it, or who removed the -shm
                shutil.copy(str(path) + tail, other)
        for place in (scratch, other, *other.iterdir()):
            os.chmod(place, 0o755)
        done = subprocess.run([*as_nobody, h.build() / "verdictctl", "hunt", "domain", "www.example", "--directory", other],
                              capture_output=True, timeout=300)
        equal(done.returncode, 3, done.stderr)
        assert b"its -wal cannot be read without its -shm" in done.stderr and b"collector's user" in done.stderr, done.stderr
        equal(h.hunt(other, "domain", "www.example")["summary"][0]["count"], 1, "who may write reads it")


HALF_A_CHANGE = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript("PRAGMA cache_size = 1; BEGIN; DELETE FROM event; DELETE FROM pair; DELETE FROM reply; DELETE FROM name;"
                 "DELETE FROM client; DELETE FROM name_sum; DELETE FROM domain_sum; DELETE FROM minute; DELETE FROM seen")
os.kill(os.getpid(), 9)
"""


def half_a_change_is_taken_back_by_who_may_write():
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, [one_day(0)])
        path = next(Path(scratch).glob("*-plain.sqlite"))
        equal(subprocess.run([sys.executable, "-c", HALF_A_CHANGE, path], timeout=300).returncode, -9)
        assert path.with_name(path.name + "-journal").stat().st_size > 0
        if os.geteuid() == 0 and shutil.which("setpriv") is not None:
            for place in (scratch, path, str(path) + "-journal"):
                os.chmod(place, 0o755)
            done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", h.build() / "verdictctl",
                                   "hunt", "domain", "www.example", "--directory", scratch], capture_output=True, timeout=300)
            equal(done.returncode, 3, done.stderr)
            assert b"half of a change is in it" in done.stderr, done.stderr
        equal(h.hunt(scratch, "domain", "www.example")["summary"][0]["count"], 1)


def an_address_is_found_in_both_of_its_forms():
    inner, mapped = bytes([192, 0, 2, 1]), bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])
    other = bytes(10) + b"\xff\xff" + bytes([192, 0, 3, 1])
    asked = [("four", "A", inner, "10.0.0.1"), ("six", "AAAA", mapped, "::ffff:10.0.0.1"), ("far", "AAAA", other, "10.0.0.2")]
    events = [h.Event((1700000000 + i) * 1000000, client, [name.encode()], h.TYPES[rtype], 0, [([name.encode()], rtype, data, 60)],
                      (h.BOOT, 0, i + 1), {"verdict": "allow", "path": "resolved"}) for i, (name, rtype, data, client) in
              enumerate(asked)]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, events)
        for text in "192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "192.0.2.0/24", "::ffff:192.0.2.0/120":
            got = h.hunt(scratch, "ip", text)
            equal([(row["name"], row["address"]) for row in got["names"]],
                  [("four", "192.0.2.1"), ("six", "::ffff:192.0.2.1")], text)
            equal([row["owner"] for row in got["passive_dns"]], ["four", "six"], text)
            equal([row["client"] for row in got["clients"]], ["10.0.0.1"], text)
        equal([row["name"] for row in h.hunt(scratch, "ip", "::/0")["names"]], ["far", "six"])
        for text in "10.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.0/127":
            equal([row["name"] for row in h.hunt(scratch, "host", text)["names"]], ["four", "six"], text)
        equal(h.verdictctl("hunt", "ip", "::ffff:1.2.3.4/129", "--directory", scratch).returncode, 2)
        h.verdictctl("forget", "--directory", scratch, "::ffff:10.0.0.1")
        equal(h.hunt(scratch, "host", "::/0")["names"] + h.hunt(scratch, "host", "10.0.0.1")["names"], [], "nothing is left of it")


def an_address_in_a_hint_leads_to_its_names():
    four, six, other = bytes([192, 0, 2, 1]), bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1]), bytes([198, 51, 100, 7])
    far = bytes([0x20, 1, 0xd, 0xb8]) + bytes(11) + b"\5"
    rows = [("hint", [("hint", "HTTPS", h.service(1, [], (1, b"\2h2"), (4, other + four), (6, far)))]),
            ("alias", [("alias", "CNAME", [b"service"]), ("service", "HTTPS", h.service(1, [b"pool"], (4, four)))]),
            ("mapped", [("mapped", "SVCB", h.service(2, [b"x"], (6, six)))]),
            ("twice", [("twice", "HTTPS", h.service(1, [], (4, four))), ("twice", "HTTPS", h.service(2, [], (4, four)))]),
            ("both", [("both", "HTTPS", h.service(1, [], (4, four))), ("both", "A", four)]),
            ("inside", [("inside", "HTTPS", h.service(1, [], (5, b"\0\4\0\4" + four)))]),
            ("cut", [("cut", "HTTPS", h.service(1, [], (4, four))[:-1])]),
            ("none", [("none", "HTTPS", h.service(1, [], (4, other)))]), ("text", [("text", "TXT", b"\4" + four)])]
    events = [h.Event((1700000000 + i) * 1000000, "10.0.0.%d" % (i + 1), [name.encode()], 65, 0, [
        ([owner.encode()], rtype, data, 60) for owner, rtype, data in records], (h.BOOT, 0, i + 1),
        {"verdict": "allow", "path": "resolved"}) for i, (name, records) in enumerate(rows)]
    found = [("alias", "192.0.2.1", 1), ("both", "192.0.2.1", 1), ("hint", "192.0.2.1", 1), ("mapped", "::ffff:192.0.2.1", 1),
             ("twice", "192.0.2.1", 1)]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, events)
        for text in "192.0.2.1", "192.0.2.0/25", "192.0.2.0/30", "::ffff:192.0.2.1":
            got = h.hunt(scratch, "ip", text)
            equal([(row["name"], row["address"], row["count"]) for row in got["names"]], found, text)
            equal([row["client"] for row in got["clients"]], ["10.0.0.%d" % i for i in (1, 2, 3, 4, 5)], text)
            equal([(row["owner"], row["count"], row["ttl"]) for row in got["passive_dns"]],
                  [("both", 2, 60), ("twice", 2, 60), ("hint", 1, 60), ("mapped", 1, 60), ("service", 1, 60)], text)
        equal([row["name"] for row in h.hunt(scratch, "ip", "2001:db8::/32")["names"]], ["hint"])
        equal(sorted(row["name"] for row in h.hunt(scratch, "ip", "0.0.0.0/0")["names"]),
              sorted([name for name, _, _ in found] + ["hint", "none"]))
        equal([(row["type"], row["data"]) for row in h.hunt(scratch, "domain", "none")["records"]],
              [("HTTPS", "1 . ipv4hint=198.51.100.7")], "no other records are made of it")
        rows = map(h.json.loads, h.verdictctl("hunt", "export", "cof", "--directory", scratch).stdout.splitlines())
        equal([row["rrname"] for row in rows if row["rrtype"] in ("A", "AAAA")], ["both"])


def a_bitmap_of_types_is_shown_whole_or_as_octets():
    name, cut = b"\1a\0", "a bitmap is cut"
    rows = [(b"\0\1\x40", "a. A ", "whole"), (b"\0\1\x40\1\1\x40", "a. A CAA ", "two windows"), (b"\0\2\x40", None, cut),
            (b"\0\1\x40\1\2\x40", None, "the second window is cut"), (b"\0\1\x40\1", None, "an octet is left"),
            (b"\0\0", None, "a window of nothing"), (b"\0\x21" + b"a" * 33, None, "a window of 33 octets"),
            (b"\1\1\x40\0\1\x40", None, "windows fall"), (b"\0\1\x40\0\1\x40", None, "a window comes twice")]
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        h.collect(scratch, [h.Event((1700000000 + i) * 1000000, "10.0.0.1", [b"n%d" % i], 47, 0, [
            ([b"n%d" % i], "NSEC", name + bitmap, 60)], (h.BOOT, 0, i + 1), {"verdict": "allow", "path": "resolved"})
            for i, (bitmap, _, _) in enumerate(rows)])
        for i, (bitmap, text, why) in enumerate(rows):
            data = name + bitmap
            equal([row["data"] for row in h.hunt(scratch, "domain", "n%d" % i)["records"]],
                  [text or "\\# %d %s" % (len(data), data.hex())], why)


def wrong_usage_is_explained():
    with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
        for arguments in ([], ["domian", "x"], ["domain"], ["domain", "a" * 64], ["domain", "x", "y"], ["ip", "1.2.3"],
                          ["ip", "1.2.3.4/33"], ["ip", "::/-1"], ["host", "'"], ["technique", "T1071'"], ["technique", "%"],
                          ["incident", "1.2.3"], ["incident", h.BOOT + ".0.99999999999999999999"], ["new"], ["top", "x"], ["export", "xml"],
                          ["rule", ":x"], ["top", "--from", "2024-02-30"], ["top", "--from", "soon"], ["top", "--limit", "-1"],
                          ["top", "--from", "1h", "--to", "2h"], ["top", "--from", "2024-01-01T25:00"], ["top", "--nope"]):
            done = h.verdictctl("hunt", *arguments, *(["--directory", scratch] if arguments else []))
            equal((done.returncode, done.stdout), (2, b""), arguments)
            assert b"verdictctl help hunt" in done.stderr, done.stderr
        done = h.verdictctl("hunt", "top", "--directory", scratch + "/none")
        equal(done.returncode, 3)
        equal(h.verdictctl("hunt", "top", "--directory", scratch).returncode, 0)


CLAIMS = [
    a_name_has_the_clients_verdicts_and_records_of_the_recording, all_below_a_name_is_found_and_nothing_beside_it,
    an_address_leads_to_its_names_and_their_clients, a_host_has_its_names_new_and_rare_ones_first,
    record_sets_have_their_intervals_and_changes, a_rule_and_a_technique_have_what_bears_them,
    new_domains_are_those_that_nobody_asked_for_before, a_domain_of_the_same_day_is_not_new,
    the_top_is_the_top, a_limit_gives_the_first_rows_of_all,
    files_of_an_earlier_release_answer_the_same_and_are_written_on,
    an_incident_leads_from_its_number_to_the_answer_and_what_was_around, coverage_finds_every_gap_and_says_when,
    coverage_is_of_what_is_proved, names_and_numbers_are_taken_as_people_have_them,
    passive_dns_leaves_as_cof,
    hostile_names_and_texts_are_data_and_nothing_else, name_servers_above_the_deepest_name_are_found,
    a_damaged_file_is_named_and_the_rest_answers, what_is_no_file_is_named_and_keeps_nobody_waiting,
    who_may_only_read_is_told_what_a_log_without_its_index_needs, half_a_change_is_taken_back_by_who_may_write,
    an_address_is_found_in_both_of_its_forms, an_address_in_a_hint_leads_to_its_names,
    a_bitmap_of_types_is_shown_whole_or_as_octets,
    wrong_usage_is_explained,
]

if __name__ == "__main__":
    live.run(CLAIMS)
