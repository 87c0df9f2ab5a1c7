#!/usr/bin/python3
"""`verdictctl hunt changes`: intervals of record sets by hand, and against a computation that knows no SQL. TAP."""
import os
import random
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import hunting as h  # noqa: E402
import intervals  # noqa: E402
import live  # noqa: E402

START = 1700006400                       # midnight
HOUR = 3600
BANK = [b"www", b"bank", b"example"]
OURS, OTHER, THIRD = b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x07", b"\xcb\x00\x71\x09"


class Scene:
    """Answers, each numbered as its resolver does."""
    def __init__(self):
        self.events, self.seqs = [], {}

    def say(self, at, data, rtype="A", resolver="resolver-1", labels=BANK, rcode=0, extra=None, owner=None, ttl=300):
        """`data`: addresses, or one record's data; none: an answer without records."""
        seq = self.seqs[resolver] = self.seqs.get(resolver, 0) + 1
        records = [(owner or labels, rtype, one, ttl) for one in (data if isinstance(data, (tuple, set)) else [data])] \
            if data is not None else []
        asked = h.TYPES["A"] if rtype == "CNAME" else h.TYPES[rtype]
        self.events.append(h.Event(int((START + at) * 1000000), "10.0.0.1", labels, asked, rcode, records,
                                   (h.BOOT[:-1] + resolver[-1], 0, seq), extra or {"verdict": "allow", "path": "resolved"}, identity=resolver))

    def regular(self, begin, end, step, data, **more):
        at = begin
        while at < end:
            self.say(at, data, **more)
            at += step

    def ask(self, *arguments, name="www.bank.example"):
        self.events.sort(key=lambda e: e.at_us)
        with tempfile.TemporaryDirectory(prefix="verdict-hunt-") as scratch:
            h.collect(scratch, self.events)
            return h.hunt(scratch, "changes", name, *arguments)


def clock(text):
    """Seconds since START."""
    from datetime import datetime
    return (datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") - datetime(1970, 1, 1)).total_seconds() - START


def rows(got):
    return [(clock(row["first"]) / HOUR, clock(row["last"]) / HOUR, row["count"], row.get("records", row["rcode"]),
             row.get("rotates", False)) for row in got["intervals"]]


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError("%s: got %r, wanted %r" % (what, got, wanted))


def an_hour_of_a_hijack_cuts_the_day():
    scene = Scene()
    scene.regular(0, 10 * HOUR, HOUR, OURS, ttl=86400)
    scene.regular(10 * HOUR, 11 * HOUR, HOUR // 4, OTHER)
    scene.regular(11 * HOUR, 24 * HOUR, HOUR, OURS, ttl=86400)
    equal(rows(scene.ask()), [(0, 9, 10, "A 192.0.2.1", False), (10, 10.75, 4, "A 198.51.100.7", False),
                              (11, 23, 13, "A 192.0.2.1", False)])


def across_midnight_it_is_one_interval():
    scene = Scene()
    scene.regular(0, 22 * HOUR, HOUR, OURS)
    scene.regular(22 * HOUR, 27 * HOUR, HOUR, OTHER)
    scene.regular(27 * HOUR, 96 * HOUR, 24 * HOUR, OURS)
    equal(rows(scene.ask()), [(0, 21, 22, "A 192.0.2.1", False), (22, 26, 5, "A 198.51.100.7", False),
                              (27, 75, 3, "A 192.0.2.1", False)])


def a_day_without_an_answer_ends_nothing():
    scene = Scene()
    scene.say(0, OURS)
    scene.say(90 * HOUR, OURS)
    equal(rows(scene.ask()), [(0, 90, 2, "A 192.0.2.1", False)])


def what_is_given_in_turn_is_one_interval_that_rotates():
    scene = Scene()
    for i in range(300):
        scene.say(i * HOUR / 12, (OURS, OTHER, THIRD)[i % 3])
    equal([(row[2:]) for row in rows(scene.ask())], [(100, "A 192.0.2.1", True), (100, "A 198.51.100.7", True), (100, "A 203.0.113.9", True)])


def what_takes_the_place_of_rotating_sets_cuts_them():
    scene = Scene()
    for i in range(288):
        at = i * HOUR / 12
        scene.say(at, b"\x01\x01\x01\x01" if 10 * HOUR <= at < 11 * HOUR else (OURS, OTHER)[i % 2])
    equal([row[:3] for row in rows(scene.ask()) if row[3] == "A 1.1.1.1"], [(10, 10 + 11 / 12, 12)])
    equal([(row[0], row[4]) for row in rows(scene.ask()) if row[3] == "A 192.0.2.1"], [(0, True), (11, True)])


def four_returns_are_told_one_by_one_and_five_are_not():
    for times, wanted in ((5, 5), (6, 1)):
        scene = Scene()
        for i in range(times):
            scene.say(i * HOUR, OURS)
            scene.say(i * HOUR + HOUR / 2, OTHER if i + 1 < times else OURS)
        equal(len([row for row in rows(scene.ask()) if row[3] == "A 192.0.2.1"]), wanted, times)


def a_name_that_was_gone_begins_again():
    scene = Scene()
    scene.regular(0, 5 * HOUR, HOUR, OURS)
    scene.regular(5 * HOUR, 7 * HOUR, HOUR, None, rcode=3)
    scene.regular(7 * HOUR, 9 * HOUR, HOUR, OURS)
    equal(rows(scene.ask()), [(0, 4, 5, "A 192.0.2.1", False), (5, 6, 2, "NXDOMAIN", False), (7, 8, 2, "A 192.0.2.1", False)])


def a_cname_that_leads_elsewhere_is_another_set():
    scene = Scene()
    scene.regular(0, 5 * HOUR, HOUR, [b"a", b"cdn", b"example"], rtype="CNAME")
    scene.regular(5 * HOUR, 6 * HOUR, HOUR, [b"b", b"cdn", b"example"], rtype="CNAME")
    scene.regular(6 * HOUR, 8 * HOUR, HOUR, [b"a", b"cdn", b"example"], rtype="CNAME")
    equal([row[:4] for row in rows(scene.ask())],
          [(0, 4, 5, "CNAME a.cdn.example"), (5, 5, 1, "CNAME b.cdn.example"), (6, 7, 2, "CNAME a.cdn.example")])


def another_type_cuts_nothing():
    scene = Scene()
    scene.regular(0, 5 * HOUR, HOUR, OURS)
    scene.regular(HOUR / 2, 5 * HOUR, HOUR, None, rtype="AAAA")
    equal([row[:3] for row in rows(scene.ask())], [(0, 4, 5), (0.5, 4.5, 5)])


def resolvers_do_not_cut_each_other():
    scene = Scene()
    for i in range(8):
        scene.say(i * HOUR, OURS, resolver="resolver-1")
        scene.say(i * HOUR + 60, OTHER, resolver="resolver-2")
    equal([row[2:] for row in rows(scene.ask())], [(8, "A 192.0.2.1", False), (8, "A 198.51.100.7", False)])


def what_two_resolvers_saw_change_is_cut_once():
    scene = Scene()
    for resolver, late in (("resolver-1", 0), ("resolver-2", 60)):
        scene.regular(late, 10 * HOUR, HOUR, OURS, resolver=resolver)
        scene.regular(10 * HOUR + late, 11 * HOUR, HOUR // 4, OTHER, resolver=resolver)
        scene.regular(11 * HOUR + late, 24 * HOUR, HOUR, OURS, resolver=resolver)
    equal([(round(row[0], 1), row[2], row[3]) for row in rows(scene.ask())],
          [(0, 20, "A 192.0.2.1"), (10, 8, "A 198.51.100.7"), (11, 26, "A 192.0.2.1")])


def a_verdict_is_told_of_its_interval_and_cuts_no_records():
    scene = Scene()
    shadow = {"verdict": "allow", "path": "resolved", "shadow": {"list": "trial", "rule": "x", "action": "refuse"}}
    scene.regular(0, 5 * HOUR, HOUR, OURS)
    scene.regular(5 * HOUR, 7 * HOUR, HOUR, OURS, extra=shadow)
    scene.regular(7 * HOUR, 9 * HOUR, HOUR, OURS)
    got = scene.ask()
    equal([(row[:3], of["verdict"]) for row, of in zip(rows(got), got["intervals"])],
          [((0, 8, 7), "allow"), ((5, 6, 2), "allow (shadow trial)")])


def a_window_cuts_and_counts_what_is_in_it():
    scene = Scene()
    scene.regular(0, 24 * HOUR, HOUR, OURS)
    scene.regular(10 * HOUR + 60, 11 * HOUR, HOUR // 4, OTHER)
    got = scene.ask("--from", h.iso((START + 8 * HOUR) * 1000), "--to", h.iso((START + 13 * HOUR) * 1000))
    equal([row[:4] for row in rows(got)], [(8, 10, 3, "A 192.0.2.1"), (10 + 1 / 60, 10 + 46 / 60, 4, "A 198.51.100.7"),
                                           (11, 13, 3, "A 192.0.2.1")])


def a_day_with_too_many_answers_says_so_and_the_others_are_cut():
    scene = Scene()
    for i in range(4000):
        scene.say(i * 20, (OURS, OTHER)[i == 2000])
    for i in range(2000):
        scene.say(24 * HOUR + i * 40, (OURS, OTHER)[i == 1000])
    scene.say(49 * HOUR, OURS)
    got = scene.ask()
    equal([(row[2], row[3], of.get("by_day", False)) for row, of in zip(rows(got), got["intervals"])],
          [(3999, "A 192.0.2.1", True), (1, "A 198.51.100.7", True),
           (1000, "A 192.0.2.1", False), (1, "A 198.51.100.7", False), (1000, "A 192.0.2.1", False)])


def a_day_that_is_not_read_ends_what_was_before_it():
    scene = Scene()
    scene.say(0, OURS)
    for i in range(5001):
        scene.say(24 * HOUR + i * 10, (OURS, OTHER)[i == 2000])
    scene.say(48 * HOUR, OURS)
    equal([row[2:4] for row in rows(scene.ask())], [(1, "A 192.0.2.1"), (5000, "A 192.0.2.1"), (1, "A 198.51.100.7"),
                                                    (1, "A 192.0.2.1")])


def chance_gives_what_python_computes():
    for seed in range(12):
        dice = random.Random(seed)
        scene = Scene()
        names = [BANK, [b"mail", b"bank", b"example"], [b"quiet", b"bank", b"example"]]
        now = {}
        for _ in range(dice.choice((60, 600))):
            labels, resolver = dice.choice(names), "resolver-%d" % dice.randrange(1, 3)
            rtype = dice.choice(("A", "A", "AAAA"))
            key = (labels[0], rtype, resolver if seed % 2 else "")
            if key not in now or dice.random() < dice.choice((0.02, 0.3)):
                now[key] = dice.choice(((OURS,), (OTHER,), (OURS, OTHER), (), None))
            data = now[key]
            at = dice.choice((dice.randrange(4 * 86400), dice.randrange(86400, 86400 + 7200))) + dice.randrange(1000) / 1000
            extra = dice.choice([{"verdict": "allow", "path": "resolved"}] * 3 + [{"verdict": "allow", "path": "resolved",
                                "shadow": {"list": "trial", "rule": "x", "action": "refuse"}}])
            scene.say(at, tuple(one + (b"" if rtype == "A" else bytes(12)) for one in data or ()), rtype=rtype, labels=labels,
                      resolver=resolver, rcode=3 if data is None else 0, extra=extra)
        for window in ((None, None), (20 * HOUR, 50 * HOUR)):
            limits = [] if window[0] is None else ["--from", h.iso((START + window[0]) * 1000), "--to",
                                                   h.iso((START + window[1]) * 1000)]
            got = scene.ask(*limits, name="*.bank.example")
            got = sorted([sorted((k, v) for k, v in row.items() if k != "ttl") for row in got["intervals"]])
            kept = [e for e in scene.events if window[0] is None or window[0] * 1000 <= e.ms - START * 1000 <= window[1] * 1000]
            wanted = sorted(sorted(row.items()) for row in intervals.of_events(kept, scene.events))
            for one, other in zip(got, wanted):
                equal(one, other, (seed, window))
            equal(len(got), len(wanted), (seed, window))


if __name__ == "__main__":
    live.run([an_hour_of_a_hijack_cuts_the_day, across_midnight_it_is_one_interval, a_day_without_an_answer_ends_nothing,
              what_is_given_in_turn_is_one_interval_that_rotates, what_takes_the_place_of_rotating_sets_cuts_them,
              four_returns_are_told_one_by_one_and_five_are_not, a_name_that_was_gone_begins_again,
              a_cname_that_leads_elsewhere_is_another_set, another_type_cuts_nothing, resolvers_do_not_cut_each_other,
              what_two_resolvers_saw_change_is_cut_once, a_verdict_is_told_of_its_interval_and_cuts_no_records,
              a_window_cuts_and_counts_what_is_in_it, a_day_with_too_many_answers_says_so_and_the_others_are_cut,
              a_day_that_is_not_read_ends_what_was_before_it, chance_gives_what_python_computes])
