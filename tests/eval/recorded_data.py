"""Recordings below a directory that is laid out as that of VERDICT_DATA, as rows for `verdictctl replay`: (time, client,
name, type, rcode, answers)."""
import math
import os
import random
import re
import sys

import name_data

START = 1700000000
SEED = 20260801
RAW = re.compile("[\udc80-\udcff]")          # octets that are no UTF-8, as surrogateescape reads them
NUMBER = re.compile(r"(?:query-)?([0-9]{1,5})")
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
HEX = re.compile(r"\\x([0-9a-fA-F]{2})")
TYPED = re.compile(r"[A-Za-z][A-Za-z0-9-]* +[0-9]+ ")
ESCAPED = re.compile(r"\\([0-9]{3}|.)")


def row(time, client, name, kind="A", rcode="0", answers=""):
    """A type may be its number, and a client have a scope. What is no rcode, as where nobody answered, counts as NOERROR."""
    number = NUMBER.fullmatch(kind or "A")
    known = rcode and (rcode.upper() in RCODES or (rcode.isdigit() and int(rcode) < 24))
    return ("%.3f" % time, client.split("%")[0], name, "TYPE" + number[1] if number else kind or "A", rcode if known else "0",
            answers or "")


def octets_of(name):
    """How long it is on the wire, nearly: an escape is one octet."""
    return len(ESCAPED.sub("x", name))


def readable(name):
    """Octets that are no text as escapes (some write those as \\xHH), and then all of that name that are not ASCII."""
    name = HEX.sub(lambda octet: "\\%03d" % int(octet[1], 16), name)
    if RAW.search(name):
        name = "".join(chr(octet) if octet < 128 else "\\%03d" % octet for octet in name.encode("utf-8", "surrogateescape"))
    return name.replace("\0", "\\000")


def table(path, columns):
    """Its rows, with the name as `verdictctl replay` reads it."""
    for one in name_data.table(path, columns, "surrogateescape"):
        one["qname"] = readable(one["qname"])
        yield one


class Clock:
    """Rows without a time, or with one that is none, come a second after the one before."""

    def __init__(self):
        self.now, self.unread = START - 1.0, 0

    def at(self, text):
        try:
            time = float(text)
        except ValueError:
            time = math.nan
        known = 0 < time < 2 ** 33
        self.unread += text not in ("", "-") and not known
        self.now = time if known else self.now + 1
        return self.now


def say_unread(path, clocks):
    """Of milliseconds or of dates, say, and once."""
    rows = sum(clock.unread for clock in clocks)
    if rows:
        sys.stderr.write("%s: the times of %d rows cannot be read: wanted are seconds since 1970\n" % (path, rows))
    for clock in clocks:
        clock.unread = 0


def in_order(rows):
    return sorted(rows, key=lambda one: float(one[0]))


def captures(data):
    """{tool and number of its capture: rows}, in order."""
    found, clocks, numbers = {}, {}, {}
    for path in name_data.files(data, "tunnel"):
        for one in table(path, ("tool", "source", "ts", "client", "qname", "qtype", "rcode", "answers")):
            key = one["tool"].split(" (")[0], one["source"]
            found.setdefault(key, []).append(row(clocks.setdefault(key, Clock()).at(one["ts"]), one["client"] or
                "192.0.2.1", one["qname"], one["qtype"], one["rcode"], one["answers"]))
        say_unread(path, clocks.values())
    for tool, source in found:
        numbers[tool] = numbers.get(tool, 0) + 1
        yield "%s.%d" % (tool, numbers[tool]), in_order(found[tool, source])


def typed(kind, answers):
    """Records of `ttl value` as records with a type, where they have none; of the answer alone."""
    out = []
    for part in filter(None, (answers or "").split("auth:")[0].split("; ")):
        if TYPED.match(part):
            out.append(part)
            continue
        ttl, _, value = part.partition(" ")
        address = "A" if re.fullmatch(r"[0-9.]+", value) else "AAAA" if re.fullmatch(r"[0-9a-f:]+", value) else None
        if address or (kind in ("A", "AAAA") and value):
            out.append("%s %s %s" % (address or "CNAME", ttl.split(".")[0], value))
    return "; ".join(out)


def recordings(data):
    """(name, rows) of each recording of clients, in order."""
    for path in name_data.files(data, "traffic"):
        rows, clock, lost = [], Clock(), 0
        for one in table(path, ("ts", "client", "qname", "qtype", "rcode")):
            # What goes to a group address never comes to a resolver.
            if one.get("client_port") == "5353":
                continue
            answers = next((one[key] for key in one if key and key.startswith("answers")), "")
            known = typed(one["qtype"], answers)
            lost += answers not in ("", "-") and not answers.startswith("auth:") and not known
            rows.append(row(clock.at(one["ts"]), one["client"], one["qname"], one["qtype"], one["rcode"], known))
        say_unread(path, [clock])
        if lost:
            sys.stderr.write("%s: the answers of %d rows are not used: wanted is `TYPE ttl data; ...`\n" % (path, lost))
        yield os.path.basename(path).split(".")[0], in_order(rows)


def stress(data, most):
    """Host names of the popular lists, shuffled, from 50 clients within two hours, and the crawl's with its answers: of
    this directory alone."""
    rng = random.Random(SEED)
    hosts, crawl = (os.path.join(data, "benign", name) for name in ("umbrella_hostnames.csv.xz", "cloudflare1m_resolved.tsv.xz"))
    names = [(line.split(",", 1)[1], "A", "0", "") for line in
             (name_data.lines(hosts) if os.path.exists(hosts) else ()) if "," in line][1:]
    for at, line in enumerate(name_data.lines(crawl) if os.path.exists(crawl) else ()):
        fields = line.split("\t")
        if at > 0 and len(fields) >= 6 and fields[3].isdigit():
            names.append((fields[1], fields[2], fields[3], fields[5].split(" auth:")[0]))
        if most and at > most:
            break
    rng.shuffle(names)
    return [row(START + at * 7200 / len(names), "192.0.2.%d" % (1 + at % 50), name, kind, rcode, answers)
            for at, (name, kind, rcode, answers) in enumerate(names[:most] if most else names)]
