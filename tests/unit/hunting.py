"""Recorded traffic (tab-separated) as events, as dnstap frames, and as day files made by `verdictctl collect`."""
import ipaddress
import json
import lzma
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import dnstap_bytes as dnstap

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DNAME": 39, "NSEC": 47,
         "ANY": 255, "SVCB": 64, "HTTPS": 65}
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
BOOT = "3f2a9c1b7d40"
DAY = 86400


def build():
    return Path(os.environ.get("builddir", ".")).resolve()


def verdictctl(*arguments, **more):
    environment = dict(os.environ, TZ="UTC")
    return subprocess.run([build() / "verdictctl", *map(str, arguments)], capture_output=True, timeout=300,
                          env=environment, **more)


def traffic(path, most):
    """At most so many rows as dictionaries."""
    opened = lzma.open(path, "rt", errors="surrogateescape") if path.suffix == ".xz" else \
        open(path, errors="surrogateescape")
    rows = []
    with opened as lines:
        columns = next(lines).rstrip("\n").split("\t")
        for line in lines:
            if len(rows) == most:
                break
            rows.append(dict(zip(columns, line.rstrip("\n").split("\t"))))
    return rows


def labels_of(text):
    """Lower case, as octets; what is no name gives None."""
    labels = [label.lower().encode("latin-1", "replace") for label in text.rstrip(".").split(".") if label]
    return labels if all(len(label) < 64 for label in labels) and sum(map(len, labels)) + len(labels) < 255 else None


def shown(labels):
    """A name as people are shown it, who ask for it next."""
    def label_text(label):
        return "".join(chr(o) if chr(o).isalnum() and o < 128 or o in b"-_" else "\\*" if o == 42 else "\\%03d" % o
                       for o in label)
    text = ".".join(map(label_text, labels)) or "."
    return "\\" + text if text[0] == "-" else text


def order(name):
    """Names are in the order of their labels from the last one."""
    return ".".join(reversed(re.sub(r"\\(?=[*-])", "", name).split("."))) if name != "." else ""


def address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def service(priority, target, *parameters):
    """Data of an HTTPS or SVCB record: (key, value) in the order given."""
    return priority.to_bytes(2, "big") + dnstap.name(target) + b"".join(
        key.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for key, value in parameters)


def brought(rtype, data):
    """The addresses of a record; of an HTTPS or SVCB record, as text in a zone file, those of its hints."""
    if isinstance(data, bytes):
        return [data] if rtype in ("A", "AAAA") else []
    if rtype not in ("HTTPS", "SVCB") or not isinstance(data, str):
        return []
    return [ipaddress.ip_address(text).packed for part in data.split() if part.startswith(("ipv4hint=", "ipv6hint="))
            for text in part.partition("=")[2].strip('"').split(",")]


class Event:
    """One answer, as the raw file has it; `verdict` is what a frame says of it."""
    def __init__(self, at_us, client, labels, rtype, rcode, records, number, extra, identity="resolver-1"):
        self.at_us, self.client, self.labels, self.rtype, self.rcode = at_us, client, labels, rtype, rcode
        self.records, self.number, self.extra, self.identity = records, number, extra, identity
        self.name = shown(labels)

    @property
    def ms(self):
        return self.at_us // 1000

    def frame(self):
        answers = [dnstap.record(owner, TYPES[rtype], data if isinstance(data, bytes) else
                                 dnstap.name(data), ttl) for owner, rtype, data, ttl in self.records]
        boot, worker, seq = self.number
        extra = dict({"v": 1, "boot": boot, "worker": worker, "seq": seq}, **self.extra)
        return dnstap.frame(client=self.client, identity=self.identity, extra=extra,
                            response=dnstap.dns(self.labels, self.rtype, self.rcode, answers),
                            query_time=None, response_time=self.at_us // 1000000,
                            ns=self.at_us % 1000000 * 1000)

    def verdict_text(self):
        """As a table's column `verdicts` has it."""
        shadow, detections = self.extra.get("shadow"), self.extra.get("detections", [])
        return self.extra.get("verdict", "-") + (" " + self.extra["list"] if "list" in self.extra else "") + \
            (" (shadow %s)" % shadow["list"] if shadow else "") + \
            (" [%s]" % " ".join("%s/%s/%s" % (d["detector"], d["tier"], d["action"]) for d in detections)
             if detections else "")


def records_of(row, labels):
    """Addresses, names that a question for an address leads through, and names of PTR."""
    owner, records = labels, []
    for part in filter(None, row["answers(ttl value)"].split("; ")):
        ttl, _, value = part.partition(" ")
        target = address(value)
        if row["qtype"] in ("A", "AAAA") and target is not None:
            records.append((owner, "A" if target.version == 4 else "AAAA", target.packed, int(ttl)))
        elif row["qtype"] in ("A", "AAAA", "PTR") and " " not in value and labels_of(value):
            records.append((owner, "PTR" if row["qtype"] == "PTR" else "CNAME", labels_of(value), int(ttl)))
            owner = labels_of(value) if row["qtype"] != "PTR" else owner
    return records


def decide(number, labels):
    """Some names are denied, some shadowed, some detected: by their last letters, so that it stays the same."""
    kind = sum(labels[-2] if len(labels) > 1 else b"") % 17
    if kind == 3:
        return {"verdict": "nxdomain", "path": "resolved", "list": "malware", "rule": "*." + shown(labels[-2:]),
                "trigger": "QNAME", "category": "c2", "attack": ["T1071.004"], "incident": "%s.%d.%d" % number}
    if kind == 5:
        return {"verdict": "allow", "path": "cached", "shadow": {"list": "trial", "rule": shown(labels),
                "action": "refuse", "attack": ["T1568"]}}
    if kind == 7:
        return {"verdict": "allow", "path": "resolved", "detections": [{"detector": "generated", "tier": "low",
                "action": "observe", "value": 812, "threshold": 700, "attack": ["T1568.002"]}]}
    return {"verdict": "allow", "path": "cached" if kind % 2 else "resolved"}


def events_of(rows, days=3):
    """Rows of a capture as events of one resolver with two workers, each n-th of them some days later."""
    events, seqs = [], [0, 0]
    for index, row in enumerate(rows):
        labels = labels_of(row["qname"])
        if not labels or row["qtype"] not in TYPES or address(row["client"].split("%")[0]) is None:
            continue
        worker = index % 2
        seqs[worker] += 1
        number = (BOOT, worker, seqs[worker])
        at_us = int(row["ts"].split(".")[0]) * 1000000 + int(row["ts"].split(".")[1].ljust(6, "0")[:6])
        rcode = row["rcode"] if row["rcode"] not in ("", "-") else "0"
        rcode = int(rcode) if rcode.isdigit() else RCODES.get(rcode, 2)
        extra = decide(number, labels)
        records = records_of(row, labels) if extra["verdict"] == "allow" else []
        events.append(Event(at_us + index % days * DAY * 1000000, row["client"].split("%")[0], labels,
                            TYPES[row["qtype"]], 3 if extra["verdict"] != "allow" else rcode, records, number, extra))
    return events


def collect(directory, events, *more):
    """Makes day files of them."""
    octets = dnstap.stream(*(event.frame() for event in events), *more)
    done = verdictctl("collect", "--json", "--directory", directory, "-", input=octets)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return json.loads(done.stdout)


def hunt(directory, *arguments):
    """The answer as JSON. What is printed is ASCII without control characters."""
    done = verdictctl("hunt", *arguments, "--json", "--limit", "0", "--directory", directory)
    if done.returncode != 0 or done.stderr:
        raise AssertionError("%r: %d %s" % (arguments, done.returncode, done.stderr.decode()))
    if not all(32 <= octet < 127 or octet == 10 for octet in done.stdout):
        raise AssertionError("unsafe output")
    return json.loads(done.stdout)


def iso(ms):
    from datetime import datetime, timedelta
    at = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)
