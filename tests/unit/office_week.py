"""A week of two resolvers, made of recorded traffic: raw events as dictionaries, and the frames that tell of them.

Names, types, response codes and answers are those of the recordings (VERDICT_DATA/traffic); times, clients and verdicts
are drawn by a seeded generator, so that the same input gives the same week. Tests compute what they expect from the
dictionaries, without the code under test."""
import codecs
import collections
import ipaddress
import lzma
import os
import random

import dnstap_bytes as d

DATA = os.environ.get("VERDICT_DATA", os.path.join(os.environ.get("srcdir", "."), "..", "shared", "data"))
DAY = 86400
BEGIN = 1762732800             # Monday, 2025-11-10 00:00 UTC
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33}
# What of a day's traffic falls into which hour.
HOURS = [2, 1, 1, 1, 1, 2, 4, 9, 16, 20, 21, 19, 15, 18, 20, 19, 17, 13, 9, 7, 6, 5, 4, 3]
ALLOW = {"verdict": "allow"}


def rule(verdict, name, text, category, *attack, **more):
    found = {"verdict": verdict, "list": name, "rule": text, "trigger": "QNAME", "category": category, **more}
    return {**found, "attack": list(attack)} if attack else found


def shadow(name, text, action, category, *attack):
    return {"verdict": "allow", "shadow": {"list": name, "rule": text, "action": action, "category": category,
                                           "attack": list(attack)}}


def finds(detector, tier, value, *attack, **more):
    return {"verdict": "allow", **more, "detections": [{"detector": detector, "tier": tier, "action": "observe",
                                                       "value": value, "threshold": value // 2, "attack": list(attack)}]}


# The first whose name is the question's, or above it, decides.
POLICY = [
    ("doubleclick.net", rule("nxdomain", "ads", "*.doubleclick.net", "advertising")),
    ("criteo.com", rule("nxdomain", "ads", "*.criteo.com", "advertising")),
    ("omtrdc.net", rule("nodata", "ads", "*.omtrdc.net", "tracking")),
    ("onetrust.com", rule("nxdomain", "tracking", "*.onetrust.com", "tracking")),
    ("optimizely.com", rule("nxdomain", "tracking", "*.optimizely.com", "tracking")),
    ("slack.com", rule("nxdomain", "phishing-30d", "slack.com", "phishing", "T1566", "T1583.001")),
    ("prusa3d.com", rule("sinkhole", "malware", "prusa3d.com", "malware", "T1071.004", "T1105")),
    ("cedexis-test.com", rule("refuse", "malware", "*.cedexis-test.com", "malware", "T1568.002")),
    ("b-cdn.net", shadow("malware-test", "*.b-cdn.net", "nxdomain", "malware", "T1568.001")),
    ("cloudflare-dns.com", rule("nxdomain", "doh", "cloudflare-dns.com", "doh", "T1071.004")),
    ("haecdn.com", finds("generated-name", "low", 700, "T1568.002")),
    ("go-mpulse.net", finds("fast-flux", "alert", 12, "T1568.001")),
    ("blip.pl", finds("beacon", "low", 50, "T1071.004")),
    ("backtrack-linux.org", rule("observe", "watch", "*.backtrack-linux.org", "tools")),
    ("aprs.net.lan", finds("tunnel", "high", 2600, "T1071.004", "T1048.003", "T1572")),
]


def labels_of(text):
    """Octet strings of a recorded name, None for what is no host's question."""
    try:
        octets = codecs.decode(text.encode("latin-1", "replace"), "unicode_escape").encode("latin-1", "replace")
    except UnicodeDecodeError:
        return None
    labels = [label.lower() for label in octets.rstrip(b".").split(b".")]
    return labels if all(0 < len(label) < 64 for label in labels) and sum(map(len, labels)) + len(labels) < 254 else None


def text_of(labels):
    """As people write it; every octet that a host's name has not, as \\DDD."""
    return ".".join("".join(chr(o) if chr(o).isalnum() and o < 128 or o in b"-_*" else "\\%03d" % o for o in label)
                    for label in labels) or "."


def answers_of(labels, column):
    """Aliases in their order, then addresses at the last one."""
    found, owner = [], labels
    for part in column.split("; "):
        ttl, _, value = part.partition(" ")
        if not ttl.isdigit() or not value:
            continue
        try:
            address = ipaddress.ip_address(value)
            found.append((owner, 1 if address.version == 4 else 28, address.packed, int(ttl)))
        except ValueError:
            target = labels_of(value)
            if target and len(target) > 1:
                found.append((owner, 5, d.name(target), int(ttl)))
                owner = target
    return found


def rows():
    """(labels, type, rcode, answers, client) of what was recorded."""
    found = []
    for name, opener in ("rita_desktop_2024-04.tsv", open), ("maccdc_2012.tsv.xz", lzma.open):
        with opener(os.path.join(DATA, "traffic", name), "rt", encoding="latin-1") as file:
            next(file)
            for line in file:
                cells = line.rstrip("\n").split("\t")
                labels = labels_of(cells[6])
                if labels is None or cells[7] not in TYPES:
                    continue
                rcode = int(cells[8]) if len(cells) > 8 and cells[8].isdigit() else 0
                column = cells[9] if len(cells) > 9 and not cells[9].startswith("auth:") else ""
                answers = answers_of(labels, column) if cells[7] in ("A", "AAAA") and rcode == 0 else []
                found.append((labels, TYPES[cells[7]], rcode, answers, cells[1]))
    return found


def decision(labels):
    for name, found in POLICY:
        above = [label.encode() for label in name.split(".")]
        if labels[-len(above):] == above:
            return found
    return ALLOW


def one(draw, row, time_us):
    labels, qtype, rcode, answers, client = row
    found = decision(labels)
    denied = found["verdict"] not in ("allow", "observe", "pass")
    made = client if client.startswith("192.168.2") else "10.20.%d.%d" % (draw.choice((1, 1, 2, 3)),
                                                                          int(draw.paretovariate(0.7)) % 90 + 10)
    return {"time_us": time_us, "client": made, "labels": labels, "type": qtype,
            "rcode": 3 if found["verdict"] == "nxdomain" else 5 if found["verdict"] == "refuse" else 0 if denied else rcode,
            "answers": [] if denied else answers, "found": found,
            "path": "resolved" if denied or answers or draw.random() < 0.4 else "cached",
            "resolver": draw.choice(("dns-1.office.example", "dns-1.office.example", "dns-2.office.example")),
            "worker": draw.randrange(2)}


def week(days=7, seed=8, per_day=4000):
    """Events in the order of time, each with boot and seq of its worker."""
    draw = random.Random(seed)
    recorded = rows()
    events = []
    for day in range(days):
        weight = 0.25 if day % 7 > 4 else 1
        # Names come into use as the week goes on.
        known = recorded[:len(recorded) * (day + 3) // (days + 3)]
        for row in draw.choices(known, k=int(per_day * weight)):
            second = draw.choices(range(24), HOURS)[0] * 3600 + draw.randrange(3600)
            events.append(one(draw, row, (BEGIN + day * DAY + second) * 1000000 + draw.randrange(3000, 1000000)))
    events.sort(key=lambda event: event["time_us"])
    seqs = collections.Counter()
    for event in events:
        # The second resolver is started anew on the fourth day.
        second = event["resolver"].startswith("dns-2")
        event["boot"] = "69100000%04x" % (2 + (event["time_us"] >= (BEGIN + 3 * DAY) * 1000000) if second else 1)
        source = event["resolver"], event["boot"], event["worker"]
        seqs[source] += 1
        event["seq"] = seqs[source]
    return events


def lose(events):
    """What came: without an hour of the second resolver, and three frames of the first."""
    begin, end = (BEGIN + DAY + 10 * 3600) * 1000000, (BEGIN + DAY + 11 * 3600) * 1000000
    singles = {500, 501, 900}
    return [event for event in events
            if not (event["resolver"].startswith("dns-2") and begin <= event["time_us"] < end)
            and not (event["resolver"].startswith("dns-1") and event["worker"] == 1 and event["seq"] in singles)]


def frame(event):
    answers = [d.record(owner, rtype, rdata, ttl) for owner, rtype, rdata, ttl in event["answers"]]
    seconds, us = divmod(event["time_us"], 1000000)
    extra = {"v": 1, "boot": event["boot"], "worker": event["worker"], "seq": event["seq"], "path": event["path"],
             **event["found"]}
    return d.frame(client=event["client"], identity=event["resolver"], extra=extra, query_time=seconds,
                   response_time=seconds, ns=us * 1000,
                   response=d.dns(event["labels"], event["type"], event["rcode"], answers))


def heartbeat(resolver, boot, number, second, seqs):
    workers = [{"worker": worker, "seq": seq, "dropped": 0, "left_out": 0} for worker, seq in enumerate(seqs)]
    extra = {"v": 1, "boot": boot, "heartbeat": number, "interval_ms": 600000, "workers": workers,
             "dropped": {"ring": 0, "spool": 0}, "spool": {"durable": True, "octets": 0, "recovered": 0, "damaged": 0,
                                                          "errors": 0}, "targets": [],
             "clock": {"synchronized": True, "max_error_us": 1500, "offset_us": 20}}
    message = d.dns("heartbeat.unbound-verdict", 16)
    return d.frame(kind=12, client=None, identity=resolver, extra=extra, query_time=None, response_time=second, ns=0,
                   response=message)


def heartbeats(events, every=600):
    """What the resolvers say of all events, lost ones too."""
    found, seqs, number, due, boots = [], {}, collections.Counter(), BEGIN + every, {}
    for event in events + [{"time_us": (events[-1]["time_us"] // 1000000 // every + 1) * every * 1000000, "resolver": None}]:
        while due * 1000000 <= event["time_us"]:
            for resolver, boot in boots.items():
                number[resolver, boot] += 1
                found.append((due, heartbeat(resolver, boot, number[resolver, boot], due,
                                             [seqs.get((resolver, boot, worker), 0) for worker in range(2)])))
            due += every
        if event["resolver"]:
            boots[event["resolver"]] = event["boot"]
            seqs[event["resolver"], event["boot"], event["worker"]] = event["seq"]
    return found


def streams(events, came):
    """Everything that came, in two files of frames: each third comes later than the others, and each hundredth twice."""
    frames = [(event["time_us"] / 1e6, frame(event)) for event in came] + heartbeats(events)
    frames = [octets for _, octets in sorted(frames, key=lambda pair: pair[0])]
    return (d.stream(*(octets for index, octets in enumerate(frames) if index % 3)),
            d.stream(*(octets for index, octets in enumerate(frames) if index % 3 == 0 or index % 100 == 1)))
