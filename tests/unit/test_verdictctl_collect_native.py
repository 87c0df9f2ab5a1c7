#!/usr/bin/python3
"""What `verdictctl collect` makes of frames that Unbound's own dnstap sends: questions and answers of one story are one
event, and name servers go to passive DNS. TAP."""
import json
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import dnstap_bytes as d  # noqa: E402
import live  # noqa: E402
from live import equal  # noqa: E402
from test_verdictctl_collect import Days, address, answer  # noqa: E402

NOW = 1700000000


def question(name="www.example", time=NOW, **more):
    message = {"ident": more.pop("ident", 4711), "qtype": more.pop("qtype", 1)}
    return d.frame(kind=5, query=d.dns(name, response=False, **message), query_time=time, response_time=None, **more)


def native_answer(name="www.example", time=NOW, rcode=0, records=(), **more):
    message = {"ident": more.pop("ident", 4711), "qtype": more.pop("qtype", 1)}
    return d.frame(kind=6, response=d.dns(name, rcode=rcode, answers=records, **message), query_time=None,
                   response_time=time, **more)


def told(name, authority, zone="example", kind=4, time=NOW, answers=(), qtype=1):
    return d.frame(kind=kind, response=d.dns(name, qtype, answers=answers, authority=authority), zone=zone,
                   query_time=None, response_time=time)


def server(zone, target, ttl=300):
    return d.record(zone, 2, d.name(target), ttl)


EVENTS = "SELECT key, rcode, path, latency FROM event JOIN reply ON reply.id = event.reply JOIN name ON name.id = reply.name" \
    " ORDER BY event.id"
SERVERS = "SELECT rrname, rdata, count, ttl FROM pdns WHERE rrtype = 2 ORDER BY rrname, rdata"


def kept(*frames, wanted=0):
    with Days() as days:
        code, out, err = days.collect(d.stream(*frames))
        equal((code, err), (wanted, ""))
        return json.loads(out), days.rows(EVENTS)


def a_question_and_its_answer_are_one_event():
    first, second = question(time=NOW, ns=100000000), native_answer(time=NOW + 1, ns=100000000)
    counts, events = kept(first, second)
    equal((counts["events"], events), (1, [("example.www", 0, 17, 1002100)]))
    counts, events = kept(second, first, question("later.example"), native_answer("later.example"))
    equal(len(events), 3)          # nobody had asked before: the answer was not remembered
    counts, events = kept(question("later.example"), second, first, native_answer("later.example"))
    equal(sorted(row[:3] for row in events), [("example.later", 0, 17), ("example.www", 0, 17)])


def a_question_without_an_answer_is_kept():
    counts, events = kept(question("example", qtype=252), question(), native_answer(time=NOW + 2))
    equal(sorted(events)[0][:3], ("example", -1, 16))
    equal(len(events), 2)


def the_answer_of_the_module_meets_the_question_of_unbound():
    counts, events = kept(question(), answer(time=NOW))
    equal((counts["events"], [row[:3] for row in events]), (1, [("example.www", 0, 0)]))


def what_differs_is_not_the_same_story():
    rows = (({"client": "10.0.0.8"}, "client"), ({"port": 5354}, "port"), ({"ident": 1}, "message id"), ({"qtype": 28}, "type"),
            ({"identity": "resolver-2"}, "resolver"), ({"time": NOW + 31}, "too late"), ({"name": "w.example"}, "name"))
    for more, why in rows:
        _, events = kept(question(), native_answer(**more))
        if len(events) != 2:
            raise AssertionError((why, events))


def asked_twice_and_answered_once_leaves_one_question():
    _, events = kept(question(), question(time=NOW + 5), native_answer(time=NOW + 6))
    equal(sorted(row[1] for row in events), [-1, 0])


def many_stories_in_any_order_agree_with_counting():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print("# SEED=%d" % seed)
    chance = random.Random(seed)
    frames, answered, alone = [question("begin.example", time=NOW)], 0, 1
    for number in range(3000):
        mine = {"name": "n%d.example" % (number % 50), "client": "10.0.%d.%d" % (number % 7, number % 251),
                "port": 1024 + number, "ident": number}
        kind = chance.randrange(4)
        place = number // 30
        if kind != 0:
            frames.append(((place, chance.random()), question(**mine)))
        if kind != 1:
            frames.append(((place, chance.random()), native_answer(**mine)))
        answered += kind != 1
        alone += kind == 1
    frames = frames[:1] + [frame for _, frame in sorted(frames[1:], key=lambda one: one[0])]
    _, events = kept(*frames)
    equal((sum(row[1] == 0 for row in events), sum(row[1] == -1 for row in events)), (answered, alone))


def more_questions_than_it_can_remember_are_all_kept():
    frames = [question("q%d.example" % (number % 9), port=number % 60000, ident=number // 60000) for number in range(70000)]
    counts, _ = kept(*frames)
    equal(counts["events"], 70000)


def name_servers_of_the_authority_section_are_passive_dns():
    def one(verdict="allow", path="resolved", seq=1, authority=(), **more):
        return d.frame(response=d.dns("www.sub.example", answers=[address("www.sub.example", "192.0.2.1")], authority=authority),
                       extra={**d.extra(verdict, path, **more), "seq": seq})
    good = [server("sub.example", "NS1.sub.Example", 60), server("example", "a.nic.example")]
    rows = ((one(authority=good), [("example", b"\1a\3nic\7example\0", 1, 300), ("example.sub", b"\3ns1\3sub\7example\0", 1, 60)],
             "an answer from upstream"),
            (one("sinkhole", authority=good), [], "made by a rule"), (one(path="local", authority=good), [], "local data"),
            (one(authority=[server("other.example", "ns.bad.example"), server("www.sub.example.net", "ns.bad.example")]), [],
             "of zones that the question is not in"),
            (one(authority=[d.record("example", 6, d.name("a") + d.name("b") + b"\0" * 20), server("", "a.root-servers.net")]),
             [("", b"\1a\x0croot-servers\3net\0", 1, 300)], "an SOA is none, the root has some"))
    for frame, wanted, why in rows:
        with Days() as days:
            days.collect(d.stream(frame))
            equal((why, days.rows(SERVERS)), (why, wanted))
            equal([json.loads(row[0] or "[]") for row in days.rows("SELECT records FROM reply")][0],
                  [row[0] for row in days.rows("SELECT id FROM rr WHERE type = 1")])


def what_name_servers_told_the_resolver_is_passive_dns():
    delegation = [server("sub.example", "ns1.host.test"), server("sub.example", "ns2.host.test")]
    rows = ((told("www.sub.example", delegation), 2, "a delegation"), (told("www.sub.example", delegation, zone=""), 2, "of the root"),
            (told("www.sub.example", delegation, zone="sub.example"), 2, "of the zone itself"),
            (told("www.sub.example", delegation, zone="www.sub.example"), 0, "of what is above its zone"),
            (told("www.sub.example", delegation, zone=None), 0, "nobody says of which zone"),
            (told("www.sub.example", delegation, kind=3), 0, "no answer"),
            (told("www.other.example", delegation), 0, "not what was asked"),
            (told("sub.example", (), answers=delegation, qtype=2), 0, "an answer is told by the client's"))
    for frame, wanted, why in rows:
        with Days() as days:
            code, out, _ = days.collect(d.stream(frame, frame))
            equal((why, code, json.loads(out)["events"], json.loads(out)["other"]), (why, 0, 0, 2))
            equal((why, [row[2] for row in days.rows(SERVERS)] if wanted else []), (why, [2] * wanted))
            equal((why, days.rows("SELECT count(*) FROM event") if wanted else [(0,)]), (why, [(0,)]))


def hunts_show_name_servers_also_hostile_ones():
    nasty = [b"'; --", b"<b>", b"\0\x1b]0;x\x07", b"\xff"]
    with Days() as days:
        days.collect(d.stream(told("www.a.example", [server("a.example", "old.test")], zone="", time=NOW - 86400),
                              told("www.a.example", [server("www.a.example", nasty), server("a.example", "old.test")], zone=""),
                              answer("www.a.example", answers=[address("www.a.example", "192.0.2.1")])))
        shown = "'\\;\\032--.<b>.\\000\\027]0\\;x\\007.\\255"
        code, out, err = days.run("hunt", "domain", "www.a.example", "--json", "--directory", days.days)
        equal((code, err), (0, ""))
        equal([(row["zone"], row["server"], row["count"]) for row in json.loads(out)["name_servers"]],
              [("a.example", "old.test", 2), ("www.a.example", shown, 1)])
        code, out, err = days.run("hunt", "new", "--from", "2023-11-14", "--json", "--directory", days.days)
        equal([row["server"] for row in json.loads(out)["name_servers"]], [shown])
        for words in (("domain", "www.a.example"), ("new", "--from", "2023-11-14"), ("export", "cof")):
            code, out, err = days.run("hunt", *words, "--directory", days.days)
            equal((code, err), (0, ""))
            assert all(32 <= ord(letter) < 127 or letter == "\n" for letter in out), out
            assert shown.replace("\\", "\\\\") in out if words[0] == "export" else shown in out, (words, out)


CLAIMS = [
    a_question_and_its_answer_are_one_event, a_question_without_an_answer_is_kept,
    the_answer_of_the_module_meets_the_question_of_unbound, what_differs_is_not_the_same_story,
    asked_twice_and_answered_once_leaves_one_question, many_stories_in_any_order_agree_with_counting,
    more_questions_than_it_can_remember_are_all_kept, name_servers_of_the_authority_section_are_passive_dns,
    what_name_servers_told_the_resolver_is_passive_dns, hunts_show_name_servers_also_hostile_ones,
]

if __name__ == "__main__":
    live.run(CLAIMS)
