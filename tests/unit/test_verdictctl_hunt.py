#!/usr/bin/python3
"""`verdictctl hunt` against the same questions answered in Python from the raw recordings. TAP."""
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import hunting as h  # noqa: E402
import live  # noqa: E402

DATA = Path(os.environ.get("VERDICT_DATA", Path(os.environ.get("srcdir", ".")) / "../shared/data"))
ROWS = 4000


def equal(got, wanted, what=""):
    if got != wanted:
        if isinstance(got, list) and isinstance(wanted, list):
            for one, other in zip(got, wanted):
                if one != other:
                    raise AssertionError("%s: got %r, wanted %r" % (what, one, other))
        raise AssertionError("%s: got %r, wanted %r" % (what, got, wanted))


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
    return [(None, None), (first + third, last - third), (None, middle), (middle, None)]


def inside(events, window):
    return [e for e in events if (window[0] is None or e.ms >= window[0]) and (window[1] is None or e.ms <= window[1])]


def hunt(window, *arguments):
    times = (["--from", h.iso(window[0])] if window[0] is not None else []) + \
        (["--to", h.iso(window[1])] if window[1] is not None else [])
    return h.hunt(RECORDING.scratch.name, *arguments, *times)


def span(events):
    return {"first": h.iso(min(e.ms for e in events)), "last": h.iso(max(e.ms for e in events)), "count": len(events)}


def grouped(events, key):
    groups = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


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
    octets = h.address(client).packed
    return octets


def clients_of(events, more=lambda some: {}):
    return by_count([dict(span(some), client=client, verdicts=verdicts_of(some), **more(some))
                     for client, some in grouped(events, lambda e: e.client).items()],
                    lambda row: packed(row["client"]))


def records_of(events):
    found = defaultdict(list)
    for event in events:
        for owner, rtype, data, ttl in {r[:2] + (r[2] if isinstance(r[2], bytes) else tuple(r[2]), r[3])
                                        if not isinstance(r[0], list) else (tuple(r[0]), r[1],
                                        r[2] if isinstance(r[2], bytes) else tuple(r[2]), r[3])
                                        for r in event.records}:
            found[(owner, rtype, data)].append((event, ttl))
    rows = []
    for (owner, rtype, data), uses in found.items():
        text = str(h.ipaddress.ip_address(data)) if isinstance(data, bytes) else h.shown(data)
        some = list({id(e): e for e, _ in uses}.values())
        rows.append(dict(span(some), owner=h.shown(owner), type=rtype, data=text, upstream=True))
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
            equal(words(got["clients"]), clients_of(wanted), name)
            rows = [{k: v for k, v in row.items() if k != "ttl"} for row in got["records"]]
            equal(sorted(rows, key=lambda row: (row["owner"], row["type"], row["data"])), records_of(wanted), name)


def all_below_a_name_is_found_and_nothing_beside_it():
    events = RECORDING.load()
    for window in windows(events):
        for zone in ("com", "amazonaws.com", "local", "in-addr.arpa", "mozilla.com"):
            wanted = [e for e in inside(events, window) if e.name.endswith("." + zone)]
            got = hunt(window, "domain", "*." + zone)
            equal(got["summary"], summary(wanted), zone)
            equal(words(got["clients"]), clients_of(wanted), zone)
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
                return {a for a in (h.ipaddress.ip_address(r[2]) for r in event.records if isinstance(r[2], bytes))
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


def a_host_has_its_names_new_and_rare_ones_first():
    events = RECORDING.load()
    clients = [c for c, _ in sorted(grouped(events, lambda e: e.client).items(), key=lambda i: (-len(i[1]), i[0]))][:5]
    for window in windows(events):
        within = inside(events, window)
        askers = {name: len({e.client for e in es}) for name, es in grouped(within, lambda e: e.name).items()}
        before = {e.name for e in events if window[0] is not None and e.ms < window[0]}
        for client in clients:
            wanted = [e for e in within if e.client == client]
            rows = [dict(span(es), name=name, new=window[0] is not None and name not in before,
                         askers=min(askers[name], 16), verdicts=verdicts_of(es))
                    for name, es in grouped(wanted, lambda e: e.name).items()]
            rows.sort(key=lambda row: (not row["new"], row["askers"], row["first"], h.order(row["name"])))
            got = hunt(window, "host", client, "--events")
            equal(words(got["names"]), rows, client)
            equal([(row["time"], row["name"], row["number"]) for row in got.get("timeline", [])],
                  [(h.iso(e.ms), e.name, "%s.%d.%d" % e.number)
                   for e in sorted(wanted, key=lambda e: (e.at_us, "%s.%d.%d" % e.number))], client)


CLAIMS = [
    a_name_has_the_clients_verdicts_and_records_of_the_recording, all_below_a_name_is_found_and_nothing_beside_it,
    an_address_leads_to_its_names_and_their_clients, a_host_has_its_names_new_and_rare_ones_first,
]

if __name__ == "__main__":
    print("1..%d" % len(CLAIMS))
    for number, claim in enumerate(CLAIMS, 1):
        title = claim.__name__.replace("_", " ")
        try:
            claim()
            print("ok %d - %s" % (number, title), flush=True)
        except live.Skip as why:
            print("ok %d - %s # SKIP %s" % (number, title, why), flush=True)
        except Exception as error:
            print("not ok %d - %s" % (number, title))
            print("# " + repr(error).replace("\n", "\n# "), flush=True)
