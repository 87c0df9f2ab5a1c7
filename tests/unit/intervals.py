"""Intervals of record sets as `verdictctl hunt changes` tells them, computed event by event."""
from collections import defaultdict
from itertools import groupby

import hunting as h

DAY_US = 86400 * 1000000
WALK_MAX, TURNS, HOLD_US = 5000, 4, 600 * 1000000
TYPE_NAMES = {number: text for text, number in h.TYPES.items()}
RCODE_NAMES = {number: text for text, number in h.RCODES.items()}


def data_text(data):
    if isinstance(data, str):
        return data
    return str(h.ipaddress.ip_address(data)) if isinstance(data, bytes) else h.shown(data)


def set_text(event):
    return ", ".join(sorted({("" if h.shown(owner) == event.name else h.shown(owner) + " ") + rtype + " " + data_text(data)
                             for owner, rtype, data, _ in event.records}))


def lane_of(event):
    """A question without an answer stands apart."""
    return (event.name, event.rtype, event.rcode < 0)


def day_of(event):
    return event.ms // 86400000


def set_of(event):
    return (event.rcode, set_text(event))


def grouped(events, key):
    groups = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


def contested(events):
    """Does one set begin before another has ended, in this day?"""
    until = None
    for first, last in sorted((min(e.ms for e in es), max(e.ms for e in es)) for es in grouped(events, set_of).values()):
        if until is not None and first <= until:
            return True
        until = last if until is None else max(until, last)
    return False


def turning(runs):
    """Of the runs of one set: those among more than TURNS returns within a day."""
    which = set()
    for i in range(len(runs) - TURNS - 1):
        if runs[i + TURNS + 1][1][0].at_us - runs[i][1][-1].at_us <= DAY_US:
            which.update(range(i, i + TURNS + 2))
    return which


def of_lane(events):
    """The intervals of one resolver: (set, events, turns)."""
    runs = [(one, list(es)) for one, es in groupby(sorted(events, key=lambda e: (e.at_us,) + set_of(e)), key=set_of)]
    by_set = defaultdict(list)
    for place, run in enumerate(runs):
        by_set[run[0]].append(place)
    turns = set()
    for places in by_set.values():
        turns.update(places[i] for i in turning([runs[place] for place in places]))
    holders = [place for place, (_, es) in enumerate(runs)
               if place not in turns and es[-1].at_us - es[0].at_us >= HOLD_US]
    found = []
    for one, places in by_set.items():
        before = None
        for place in places:
            if before in turns and place in turns and not any(before < x < place for x in holders) and \
                    runs[place][1][0].at_us - runs[before][1][-1].at_us <= DAY_US:
                found[-1] = (one, found[-1][1] + runs[place][1], True)
            else:
                found.append((one, runs[place][1], False))
            before = place
    return found


def together(found):
    """Those of one set that overlap, of any resolver."""
    whole = []
    for one, es, turns in sorted(found, key=lambda f: (f[0], f[1][0].at_us, f[1][-1].at_us)):
        if whole and whole[-1][0] == one and es[0].at_us <= whole[-1][2]:
            whole[-1] = (one, whole[-1][1] + es, max(whole[-1][2], es[-1].at_us), whole[-1][3] or turns)
        else:
            whole.append((one, list(es), es[-1].at_us, turns))
    return [(es, turns) for _, es, _, turns in whole]


def row_of(events, rotates=False, by_day=False):
    e = events[0]
    row = {"name": e.name, "type": TYPE_NAMES[e.rtype], "rcode": RCODE_NAMES[e.rcode], "verdict": e.verdict_text(),
           "first": h.iso(min(e.ms for e in events)), "last": h.iso(max(e.ms for e in events)), "count": len(events),
           "rotates": rotates, "by_day": by_day}
    return dict(row, records=set_text(e)) if e.records else row


def coarse_rows(days):
    """First and last of each day, days that follow one another put together."""
    rows = []
    for some in grouped([e for es in days.values() for e in es], lambda e: set_of(e) + (e.verdict_text(),)).values():
        runs = []
        for day, es in sorted(grouped(some, day_of).items()):
            if runs and runs[-1][0] == day - 1:
                runs[-1] = (day, runs[-1][1] + es)
            else:
                runs.append((day, es))
        rows += [row_of(es, by_day=True) for _, es in runs]
    return rows


def fine_rows(events, contested_days, lanes):
    """A day without overlap is that of every resolver."""
    found = []
    for lane in lanes:
        found += of_lane([e for e in events if day_of(e) not in contested_days or e.identity == lane])
    rows = []
    for es, turns in together(found):
        for some in grouped({id(e): e for e in es}.values(), lambda e: e.verdict_text()).values():
            rows.append(row_of(some, rotates=turns))
    return rows


def of_events(events, every=None):
    """Rows of `events`, which the window has of `every`."""
    totals, asked = grouped(every or events, lambda e: (e.name, day_of(e))), grouped(events, lane_of)
    disputed = {(name, rtype, day) for (name, rtype, _), some in asked.items()
                for day, es in grouped(some, day_of).items() if contested(es)}
    so_far, walked = 0, set()
    for count, key, name, day in sorted((len(totals[(name, day)]), h.order(name), name, day)
                                        for name, day in {(name, day) for name, _, day in disputed}):
        so_far += count
        if so_far <= WALK_MAX:
            walked.add((name, day))
    rows = []
    for (name, rtype, _), some in asked.items():
        days = grouped(some, day_of)
        coarse = {day: es for day, es in days.items() if (name, rtype, day) in disputed and (name, day) not in walked}
        rows += coarse_rows(coarse)
        for era in grouped([d for d in days if d not in coarse], lambda d: sum(c < d for c in coarse)).values():
            fine = [e for day in era for e in days[day]]
            lanes_of = {day for day in era if (name, rtype, day) in disputed}
            every_lane = {day for day in days if (name, rtype, day) in disputed and (name, day) in walked}
            rows += fine_rows(fine, lanes_of, sorted({e.identity for day in every_lane for e in days[day]}) or [None])
    return rows
