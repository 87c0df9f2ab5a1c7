#!/usr/bin/python3
"""`verdictctl hunt` against the same questions answered in Python from captures of packets: questions as Unbound's own
dnstap has them, answers as the module sends them, each message as it was on the wire. Also the larger tables. By default a
part of each; HUNT_ROWS=0 takes all of them (`make check-hunts`). TAP."""
import functools
import os
import re
import sys
import tempfile
import zlib
from collections import defaultdict
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import captures  # noqa: E402
import hunting as h  # noqa: E402
import live  # noqa: E402
import test_verdictctl_hunt as t  # noqa: E402
from live import equal  # noqa: E402
from test_verdictctl_hunt import grouped, hunt, inside, span  # noqa: E402

DATA = t.DATA
ROWS = int(os.environ.get("HUNT_ROWS", "600"))
WAIT_US = 30 * 1000000
SUFFIXES = Path("/usr/share/publicsuffix/public_suffix_list.dat")
ALL_WINDOWS = t.windows
LOST = 97                                # each of so many answers is lost on its way


def some_windows(events):
    """All of it, and one that cuts days."""
    return ALL_WINDOWS(events)[:None if ROWS == 0 else 2]


class Names(dict):
    """Numbers that have no name here."""
    def __init__(self, known, prefix):
        super().__init__(known)
        self.prefix = prefix

    def __missing__(self, number):
        return "%s%d" % (self.prefix, number)


# Types that were NetBIOS's (RFC 1002) are others' in the DNS.
NETBIOS = {"NB": 32, "NBSTAT": 33}
h.TYPES.update(NETBIOS)
t.windows = some_windows
t.TYPE_NAMES = t.intervals.TYPE_NAMES = Names({**t.TYPE_NAMES, 10: "NULL", 29: "LOC", 32: "NIMLOC", 43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 257: "CAA"}, "TYPE")
t.intervals.RCODE_NAMES = Names({**t.intervals.RCODE_NAMES, 4: "NOTIMPL", -1: "-"}, "RCODE")


class Answer(h.Event):
    """An answer, or a question that got none; frames() are those that tell of it."""
    def __init__(self, at_us, client, message, number, extra):
        labels, rtype = (message.question[0], message.question[1]) if message.question else ([], 0)
        answered = bool(message.flags & 0x8000)
        super().__init__(at_us, client, labels, rtype, message.rcode if answered else -1, [], number, extra)
        self.asked = message.question is not None
        made_up = extra.get("verdict") == "nxdomain"
        self.upstream = answered and not message.error and not made_up
        if answered and not message.error:
            self.records = [(owner, t.TYPE_NAMES[kind], self.text(kind, data), ttl)
                            for owner, kind, ttl, data in message.sections[0]]
        self.servers = [(owner, "NS", self.text(2, data), ttl) for owner, kind, ttl, data in message.sections[1]
                        if self.upstream and kind == 2 and message.question and
                        labels[len(labels) - len(owner):] == owner and len(labels) >= len(owner)]

    @staticmethod
    def text(kind, data):
        """Addresses stay octets."""
        return data if kind in (1, 28) else captures.data_text(kind, data) or captures.unknown(data)


def moved(client, port, labels, ident):
    """Days by which a story is moved, so that a capture of minutes fills three."""
    return zlib.crc32(b"%s %d %d %s" % (client.encode(), port, ident, b".".join(labels))) % 3 * h.DAY * 1000000


def take(waiting, key, at_us, answered):
    """The other half of a story that waits: (time, is it an answer, its event), the oldest; None: there is none."""
    here = [one for one in waiting[key] if one[1] != answered and abs(one[0] - at_us) <= WAIT_US]
    if not here:
        return None
    found = min(here, key=lambda one: one[0])
    waiting[key].remove(found)
    return found


def of_capture(path):
    """(frames, events) of at most ROWS messages; of a question and its answer the answer is the event."""
    frames, events, seqs, waiting, asked = [], [], [0, 0], defaultdict(list), False
    for index, (at_us, client, port, answered, octets) in enumerate(captures.messages(path)):
        if index == ROWS > 0:
            break
        message = captures.Message(octets)
        labels = message.question[0] if message.question else []
        at_us += moved(client, port, labels, message.id)
        key = (client, port, message.id, str(message.question))
        worker, number, times = len(labels) % 2, None, {"query_time": at_us // 1000000, "query_ns": at_us % 1000000 * 1000,
                                                       "response_time": None}
        if answered:
            seqs[worker] += 1
            number = (h.BOOT, worker, seqs[worker])
            times = {"query_time": None, "response_time": at_us // 1000000, "ns": at_us % 1000000 * 1000}
            if seqs[worker] % LOST == LOST // 2:
                continue
        event = Answer(at_us, client, message, number, h.decide(number, labels) if answered else {})
        frames.append(h.dnstap.frame(kind=6 if answered else 5, client=client, port=port, **times,
                                     **{"response" if answered else "query": octets}, extra=dict(
                                         event.extra, v=1, boot=number[0], worker=worker, seq=number[2]) if number else None))
        other = take(waiting, key, at_us, answered) if message.question else None
        if other and answered:
            events.remove(other[2])
        if answered or not other:
            events.append(event)
        # Answers are remembered once somebody has sent a question.
        if message.question and not other and (asked or not answered):
            waiting[key].append((at_us, answered, event))
        asked |= not answered and message.question is not None
    return frames, events


def of_top_million(path):
    """As a table: what the capture's reader wrote down."""
    rows = []
    for row in h.traffic(path, ROWS or 1 << 30):
        answers = [one for one in row["answers"].split("; ") if one.split(" ")[0] in ("A", "AAAA", "CNAME")]
        rows.append(dict(row, client="192.0.2.%d" % (len(rows) % 200 + 1),
                         **{"answers(ttl value)": "; ".join(one.split(" ", 1)[1] for one in answers)}))
    return of_rows(rows)


def of_table(path):
    """Questions of NetBIOS, whose names have octets of any kind, in front: there are few of them."""
    rows = [dict({"answers(ttl value)": ""}, **row) for row in h.traffic(path, 1 << 30)]
    netbios = [row for row in rows if row["qtype"] in NETBIOS]
    rows = (netbios + [row for row in rows if row["qtype"] not in NETBIOS])[:ROWS or None]
    for row in rows:
        row["qname"] = re.sub(r"\\x([0-9a-f]{2})", lambda octet: chr(int(octet.group(1), 16)), row["qname"])
    return of_rows(rows)


def of_rows(rows):
    events = h.events_of(rows)
    return [event.frame() for event in events], events


class Capture:
    def __init__(self, name, read):
        self.name, self.source, self.read, self.events = name, DATA / name, read, None
        self.scratch = tempfile.TemporaryDirectory(prefix="verdict-hunt-")

    def load(self):
        if not self.source.exists():
            raise live.Skip("no %s (VERDICT_DATA)" % self.source.name)
        if self.events is None:
            frames, self.events = self.read(self.source)
            done = h.verdictctl("collect", "--json", "--directory", self.scratch.name, "-", input=h.dnstap.stream(*frames))
            equal((done.returncode, done.stderr), (0, b""), "collect")
            equal(h.json.loads(done.stdout)["events"], len(self.events), "events")
        return self.events


def the_record_is_complete_but_for_what_was_lost():
    events = t.RECORDING.load()
    got = h.hunt(t.RECORDING.scratch.name, "coverage")
    workers = {w: {e.number[2] for e in events if e.number and e.number[1] == w} for w in (0, 1)}
    gone = {(w, n) for w, numbers in workers.items() if numbers for n in range(1, max(numbers) + 1) if n not in numbers}
    if not any(workers.values()):
        return
    row = got["resolvers"][0]
    equal((row["received"], row["missing"], row["expected"]),
          (sum(map(len, workers.values())), len(gone), sum(max(n) for n in workers.values() if n)), "coverage")
    equal({(g["worker"], n) for g in got["gaps"] for n in range(g["from"], g["to"] + 1)}, gone, "gaps")


def new_domains_and_the_top_by_the_list_of_public_suffixes():
    if not SUFFIXES.exists():
        raise live.Skip("no list of public suffixes (package publicsuffix)")
    suffixes, events, known = captures.Suffixes(SUFFIXES), t.RECORDING.load(), {}

    def domain(event):
        if event.name not in known:
            text = ".".join(label.decode("ascii", "replace") for label in event.labels)
            known[event.name] = suffixes.domain(text) if "\\" not in event.name and event.labels else None
        return known[event.name]
    odd = {e.name for e in events if "\\" in e.name}
    for window in some_windows(events):
        by_domain = grouped([e for e in inside(events, window) if domain(e)], domain)
        rows = {name: span(es) for name, es in by_domain.items()}
        if not odd:
            got = hunt(window, "top")["domains"]
            equal({row.pop("domain"): row for row in got}, rows, "top")
        if window[0] is None:
            continue
        before = {domain(e) for e in events if e.ms < window[0]}
        got = [row for row in hunt(window, "new")["domains"] if "\\" not in row["domain"]]
        wanted = {name: dict(span(es), clients=len({e.client for e in es})) for name, es in by_domain.items()
                  if name not in before}
        if odd:
            wanted = {name: row for name, row in wanted.items() if not any(one.endswith("." + name) for one in odd)}
            got = [row for row in got if row["domain"] in wanted]
        equal({row["domain"]: {k: row[k] for k in ("first", "last", "count", "clients")} for row in got}, wanted, str(window))


def passive_dns_has_the_name_servers():
    events = t.RECORDING.load()
    for zone in sorted({h.shown(owner) for e in events for owner, *_ in getattr(e, "servers", [])})[:10]:
        if "." not in zone:
            continue
        uses = defaultdict(list)
        for e in events:
            for owner, _, data, _ in e.servers:
                if h.shown(owner) == zone:
                    uses[data].append(e)
        got = [row for row in hunt((None, None), "domain", zone)["name_servers"] if row["zone"] == zone]
        equal([{k: row[k] for k in ("server", "first", "last", "count")} for row in got],
              [dict(span(es), server=data) for data, es in sorted(uses.items(), key=lambda one: captures.wire(
                  [part.encode() for part in one[0].split(".")]))], zone)


CLAIMS = [
    t.a_name_has_the_clients_verdicts_and_records_of_the_recording, t.all_below_a_name_is_found_and_nothing_beside_it,
    t.an_address_leads_to_its_names_and_their_clients, t.a_host_has_its_names_new_and_rare_ones_first,
    t.record_sets_have_their_intervals_and_changes, t.a_rule_and_a_technique_have_what_bears_them, t.the_top_is_the_top,
    t.an_incident_leads_from_its_number_to_the_answer_and_what_was_around, t.passive_dns_leaves_as_cof,
    the_record_is_complete_but_for_what_was_lost, new_domains_and_the_top_by_the_list_of_public_suffixes,
    passive_dns_has_the_name_servers,
]
SOURCES = [
    ("pcap/benign_cloudflare1m_00000.pcap.xz", of_capture), ("pcap/mixed_maccdc_2012.pcap.xz", of_capture),
    ("pcap/tunnel_dnscat2-txt.pcap.xz", of_capture), ("pcap/tunnel_dnscat2-skullsec.pcap.xz", of_capture),
    ("pcap/tunnel_dnscat2-login.pcap.xz", of_capture), ("pcap/tunnel_iodine-2010.pcap.xz", of_capture),
    ("pcap/tunnel_iodine-null.pcap.xz", of_capture), ("pcap/tunnel_iodine-login.pcap.xz", of_capture),
    ("pcap/tunnel_iodine-android-mx.pcap.xz", of_capture), ("pcap/odd_dns_arkime.tar.xz", of_capture),
    ("traffic/maccdc_2012.tsv.xz", of_table),
    ("traffic/rita_desktop_2024-04.tsv", of_table), ("benign/cloudflare1m_resolved.tsv.xz", of_top_million),
]


def of_source(name, read):
    """The claims about one recording, which is read when the first of them is asked, and let go by the next recording's."""
    def ask(claim):
        if getattr(t.RECORDING, "name", None) != name:
            t.RECORDING = Capture(name, read)
        claim()
    return [("%s: %s" % (name.split("/")[1], claim.__name__.replace("_", " ")), functools.partial(ask, claim))
            for claim in CLAIMS]


if __name__ == "__main__":
    live.run([claim for one in SOURCES if os.environ.get("ONLY", "") in one[0] for claim in of_source(*one)])
