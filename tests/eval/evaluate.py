#!/usr/bin/python3
"""evaluate.py [--bounded] [DIRECTORY ...]: runs recordings through `verdictctl replay` and prints `eval NAME VALUE`.

A directory is laid out as that which VERDICT_DATA names, the default. What the model of generated names was learned
from or chosen by is left out: benign labels but those of the part `test`, and families that it was chosen by (name_data.py).
`left_out` counts rows that `verdictctl replay` cannot read; of several directories `eval directory PATH` stands before each.

At the end `eval confusion.DETECTOR.true|missed|false|left_alone NUMBER` counts what was labelled: of tunnels, captures of
more than 1,000 octets against zones of clients and lists; of bursts, clients that make them against real ones.
--bounded takes a part of the long lists. Builds on verdictctl of $builddir, or that which $VERDICTCTL names."""
import argparse
import functools
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

import name_data
from recorded_data import SEED, START, captures, octets_of, recordings, row, stress

KINDS = ("tunnel", "traffic", "dga", "benign")   # folders of a directory
SEEN = re.compile(r"([a-z-]+) (tag|low|alert|high|block) (\d+)/(\d+)")
POPULAR_HOSTS = 5000
BOUNDED_ROWS = 40000
SMALL = 1000                       # octets: a capture with less has not begun to carry anything
TUNNEL_CURVE = (256, 512, 1024, 2048)
BURSTS, BURST_NAMES = 10, 100
LABELS_MIN = 20                    # of a family
TUNNELS = ("tunnel", "tunnel-down", "weak-channel")
EVERYBODY = "all of them"          # beside the accused
DEFAULT_SCORES = (900, 990, 999)
CURVE = (500, 600, 700, 800, 850, 900, 920, 940, 950, 960, 970, 980, 985, 990, 992, 994, 996, 998, 999)


def command():
    return os.environ.get("VERDICTCTL", os.path.join(os.environ.get("builddir", "."), "verdictctl"))


def say(name, value):
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", name).replace("_.", ".")
    print("eval %s %s" % (name, "%.6g" % value if isinstance(value, float) else value), flush=True)


class Bench:
    """A folder with a policy, in which recordings are replayed."""

    def __init__(self, data, folder):
        self.data, self.folder = data, folder
        with open(self.path("popular.txt"), "w") as file:
            file.writelines(name + "\n" for name in self.popular())

        self.unread = frozenset()      # numbers of rows that could not be read, the last time

    def path(self, name):
        return os.path.join(self.folder, name)

    def popular(self):
        names = []
        path = name_data.file_of(self.data, "benign/umbrella_hostnames.csv.xz")
        for line in name_data.lines(path) if os.path.exists(path) else ():
            rank, _, name = line.partition(",")
            if rank.isdigit() and int(rank) <= POPULAR_HOSTS:
                names.append(name)
        return names

    def policy(self, popular, options):
        lines = ["detection:", " public-suffix-list: \"%s\"" % name_data.file_of(self.data, "lists/public_suffix_list.dat"),
                 " names-size: 4m", " known-size: 1m", " answers-size: 1m"]
        # The recordings begin when the world has long been known.
        for detector, values in {"newly-observed": {"warm-up": 0}, **options}.items():
            lines += ["detector:", " name: " + detector] + [" %s: %s" % pair for pair in values.items()]
        # Nobody is popular where nothing says who is.
        if popular and os.path.getsize(self.path("popular.txt")) > 0:
            lines += ["policy-list:", " name: popular", " file: popular.txt", " enrich: popular"]
        with open(self.path("verdict.conf"), "w") as file:
            file.write("\n".join(lines) + "\n")
        return self.path("verdict.conf")

    def replay(self, rows, popular=True, options=None):
        """What was said of each row (time, client, name, type, rcode, answers): lists of (detector, tier, value)."""
        path = self.path("rows.tsv")
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.writelines("\t".join((*one, "1", "")) + "\n" for one in rows)
        done = subprocess.run([command(), "replay", "--policy", self.policy(popular, options or {}), "--each", path],
                              capture_output=True, check=False)
        # That no row at all can be read is an error to it, and here a count.
        if done.returncode != 0 and b"rows.tsv:1: no questions: " not in done.stderr:
            raise RuntimeError(done.stderr.decode())
        said, read = [[] for _ in rows], set()
        for line in done.stdout.decode("latin-1").split("\n")[:-1]:
            fields = line.split("\t")
            at = int(fields[0].rsplit(":", 1)[1]) - 1
            read.add(at)
            if len(fields) > 9 and fields[9]:
                said[at] = [(found[1], found[2], int(found[3])) for found in SEEN.finditer(fields[9])]
        self.unread = frozenset(range(len(rows))) - read
        return said


# --- tunnels: how much gets out before it is said

def say_left_out(name, bench):
    if bench.unread:
        say(name + ".left_out", len(bench.unread))


def crossings(rows, said, zones, unread):
    """Of each detector and tier the first time: (queries, octets before the zone until then, what was measured)."""
    octets, asked, first = 0, set(), {}
    for at, (one, found) in enumerate(zip(rows, said)):
        if at not in unread and one[2].lower() not in asked:
            asked.add(one[2].lower())
            octets += octets_of(one[2]) - octets_of(zones.zone(one[2]) or "")
        for detector, tier, value in found:
            if tier != "tag":
                first.setdefault((detector, tier), (at + 1, octets, value))
    return octets, first


def evaluate_tunnels(bench, zones):
    """{capture: (octets that names held, {(detector, tier): crossing})}"""
    results = {}
    for name, rows in captures(bench.data):
        said = bench.replay(rows)
        octets, first = crossings(rows, said, zones, bench.unread)
        say("tunnel.%s.queries" % name, len(rows))
        say_left_out("tunnel." + name, bench)
        say("tunnel.%s.octets" % name, octets)
        for (detector, tier), (queries, carried, _) in sorted(first.items()):
            say("tunnel.%s.%s.%s.queries_until" % (name, detector, tier), queries)
            say("tunnel.%s.%s.%s.octets_until" % (name, detector, tier), carried)
        for threshold in TUNNEL_CURVE:
            said = bench.replay(rows, options={"tunnel": {"low-octets": threshold, "low-octets-12h": threshold}})
            _, other = crossings(rows, said, zones, bench.unread)
            if tunnel_told(other):
                say("tunnel.%s.curve.%d.queries_until" % (name, threshold), tunnel_told(other)[0])
                say("tunnel.%s.curve.%d.octets_until" % (name, threshold), tunnel_told(other)[1])
        results[name] = (octets, first)
    large = [first for octets, first in results.values() if octets > SMALL]
    say("tunnel.captures_over_%d_octets" % SMALL, len(large))
    say("tunnel.captures_detected", sum(bool(tunnel_told(first)) for first in large))
    say("tunnel.octets_until_most", max((tunnel_told(first)[1] for first in large if tunnel_told(first)), default=0))
    return results


def tunnel_told(first):
    """The first crossing of the tunnel detector alone, or None."""
    return min((value for (detector, _), value in first.items() if detector == "tunnel"), default=None)


# --- what is no tunnel: zones and clients that are accused

def accused(rows, said, zones, detectors=None):
    """{detector: (zones, clients)} of what is worse than a tag."""
    found = {}
    for one, detections in zip(rows, said):
        for detector, tier, _ in detections:
            if tier != "tag" and (detectors is None or detector in detectors):
                about = found.setdefault(detector, (set(), set()))
                about[0].add(zones.zone(one[2]))
                about[1].add(one[1])
    return found


def say_accused(name, bench, rows, zones, popular=True):
    said = bench.replay(rows, popular=popular)
    found = accused(rows, said, zones)
    say(name + ".answers", len(rows))
    say_left_out(name, bench)
    rows = [one for at, one in enumerate(rows) if at not in bench.unread]
    all_zones = {zones.zone(one[2]) for one in rows}
    say(name + ".zones", len(all_zones))
    say(name + ".clients", len({one[1] for one in rows}))
    for detector, (about, clients) in sorted(found.items()):
        say("%s.%s.zones" % (name, detector), len(about))
        say("%s.%s.clients" % (name, detector), len(clients))
    found[EVERYBODY] = (all_zones, {one[1] for one in rows})
    return found


def evaluate_stress(bench, zones, most):
    rows = stress(bench.data, most)
    results = say_accused("stress", bench, rows, zones)
    for tier_value in TUNNEL_CURVE[1:]:
        say("stress.tunnel.zones_over_%d" % tier_value, len({zones.zone(one[2]) for one, found in zip(
            rows, bench.replay(rows, options={"tunnel": {"low-octets": tier_value, "low-octets-12h": tier_value}}))
            for detector, _, value in found if detector == "tunnel" and value >= tier_value}))
    say_one_client(bench, rows, zones)
    return results


def say_one_client(bench, rows, zones):
    """The same, asked for by one client alone, as no person does: what it costs that none shares its zones."""
    rows = [(one[0], "192.0.2.1", *one[2:]) for one in rows]
    for detector, (about, _) in sorted(accused(rows, bench.replay(rows), zones, TUNNELS).items()):
        say("stress.one_client.%s.zones" % detector, len(about))


def evaluate_traffic(bench, zones):
    results = {}
    for name, rows in recordings(bench.data):
        results[name] = say_accused("traffic." + name, bench, rows, zones, popular=False)
    return results


# --- generated names and bursts

@functools.lru_cache(maxsize=1)
def families(data, zones):
    """Families that nothing was chosen by, of which there is enough to say something: [(family, type, labels)]."""
    found = []
    for family, (kind, labels, unscored) in name_data.generated(data, zones).items():
        if name_data.is_chosen_by(family):
            continue
        if unscored:
            say("names.%s.left_out" % family, unscored)
        if len(labels) >= LABELS_MIN:
            found.append((family, kind, labels))
        else:
            sys.stderr.write("%s: not measured: %d labels are fewer than %d\n" % (family, len(labels), LABELS_MIN))
    return found


def shares(bench, labels):
    rows = [row(START + at, "192.0.2.1", label + ".com") for at, label in enumerate(labels)]
    said = bench.replay(rows, popular=False, options={"generated-name": {"score": 1}})
    marks = [next((value for detector, _, value in found if detector == "generated-name"), 0) for found in said]
    return {score: sum(mark >= score for mark in marks) / max(len(marks), 1) for score in CURVE + DEFAULT_SCORES}


def evaluate_names(bench, zones, most):
    rng = random.Random(SEED)
    living, dead = ([label for label in labels if name_data.part_of(label) == "test"]
                    for labels in name_data.benign(bench.data, zones))
    living = sorted(rng.sample(living, most)) if most and len(living) > most else living
    wrong, lost = shares(bench, living), shares(bench, dead)
    say("names.negatives", len(living))
    say("leading_nowhere.names", len(dead))
    for score in DEFAULT_SCORES if dead else ():
        say("leading_nowhere.called_generated_at_%d" % score, lost[score])
    found = {}
    for family, kind, made in families(bench.data, zones):
        found[family] = (kind, shares(bench, made))
        for score in DEFAULT_SCORES:
            say("names.%s.found_at_%d" % (family, score), found[family][1][score])
    alike = [one for kind, one in found.values() if kind in name_data.RANDOM]
    for score in sorted(set(CURVE + DEFAULT_SCORES)):
        if living:
            say("names.curve.%d.false" % score, wrong[score])
        if alike:
            say("names.curve.%d.found" % score, statistics.mean(one[score] for one in alike))
    say("names.families", len(alike))
    return wrong, found


def bursts(labels, popular, rng):
    """Clients that go through names two to ten seconds apart, and ask for what everybody asks for, too."""
    rows, starts = [], []
    for burst in range(BURSTS):
        names = rng.sample(labels, min(len(labels), BURST_NAMES))
        time, client = START + burst * 3600, "192.0.2.%d" % (1 + burst)
        starts.append((client, len(names)))
        for name in names:
            if rng.random() < 0.3:
                rows.append(row(time, client, rng.choice(popular)))
            time += rng.uniform(2, 10)
            rows.append(row(time, client, name, rcode="3"))
    return rows, starts


def evaluate_bursts(bench, zones):
    rng = random.Random(SEED)
    popular = bench.popular() or ["www.example"]
    caught = {}
    for family, kind, labels in families(bench.data, zones):
        rows, starts = bursts([label + ".com" for label in labels], popular, rng)
        until, counts = {}, {}
        for one, found in zip(rows, bench.replay(rows)):
            counts[one[1]] = counts.get(one[1], 0) + (one[4] == "3")
            if any(detector == "nxdomain-burst" for detector, _, _ in found):
                until.setdefault(one[1], counts[one[1]])
        caught[family] = (kind, sorted(until.values()), len(starts))
        say("burst.%s.names" % family, min(len(labels), BURST_NAMES))
        say("burst.%s.caught" % family, "%d/%d" % (len(until), len(starts)))
        if until:
            say("burst.%s.misses_until_median" % family, statistics.median(until.values()))
            say("burst.%s.misses_until_most" % family, max(until.values()))
    alike = [one for one in caught.values() if one[0] in name_data.RANDOM]
    say("burst.random_like_families", len(alike))
    say("burst.random_like_caught_within_20", sum(len(one[1]) == one[2] and one[1][-1] <= 20 for one in alike))
    return caught


# --- sweeps

def evaluate_sweeps(bench):
    """A range of addresses, one after the other; and a desktop that looks up those that it meets."""
    until = {}
    for name, gap, addresses in (("sweep_1s", 1.0, 256), ("sweep_250ms", 0.25, 256), ("desktop_11_a_minute", 60 / 11, 80)):
        rng = random.Random(SEED)
        rows = [row(START + at * gap, "192.0.2.9", "%d.%s.in-addr.arpa" % (
            at % 256, "113.0.203" if name.startswith("sweep") else "%d.%d.%d" % tuple(rng.randrange(1, 224) for _ in range(3))),
            "PTR", "3") for at in range(addresses)]
        said = bench.replay(rows)
        until[name] = next((at + 1 for at, found in enumerate(said) if any(one[0] == "recon" for one in found)), 0)
        say("sweep.%s.queries_until" % name, until[name])
    return until


def say_confusion(results):
    """What was labelled against what was said of it."""
    quiet = list(results.get("traffic", {}).values())
    listed = quiet + [results["stress"]] if "stress" in results else quiet
    large = [first for octets, first in results.get("tunnels", {}).values() if octets > SMALL]
    caught = [(len(until), clients) for _, until, clients in results.get("bursts", {}).values()]
    rows = [(detector, sum(any(one == detector for one, _ in first) for first in large), len(large), listed, 0)
            for detector in TUNNELS]
    rows.append(("nxdomain-burst", sum(one for one, _ in caught), sum(clients for _, clients in caught), quiet, 1))
    for detector, true, positives, negatives, what in rows:
        false = sum(len(one.get(detector, ((), ()))[what]) for one in negatives)
        for count, value in (("true", true), ("missed", positives - true), ("false", false),
                             ("left_alone", sum(len(one[EVERYBODY][what]) for one in negatives) - false)):
            say("confusion.%s.%s" % (detector, count), value)


def evaluate(data, bounded):
    zones = name_data.Suffixes(data)
    most = BOUNDED_ROWS if bounded else 0
    with tempfile.TemporaryDirectory(prefix="verdict") as folder:
        bench = Bench(data, folder)
        sections = {"tunnels": ("tunnel", lambda: evaluate_tunnels(bench, zones)),
                    "traffic": ("traffic", lambda: evaluate_traffic(bench, zones)),
                    "bursts": ("dga", lambda: evaluate_bursts(bench, zones)), "sweeps": ("", lambda: evaluate_sweeps(bench)),
                    "names": ("dga", lambda: evaluate_names(bench, zones, most)),
                    "stress": ("benign", lambda: evaluate_stress(bench, zones, most))}
        results = {}
        for name, (needed, run) in sections.items():
            if os.path.isdir(os.path.join(data, needed)):
                results[name] = run()
            else:
                sys.stderr.write("%s: not measured: there is no %s\n" % (name, os.path.join(data, needed)))
        say_confusion(results)
        return results


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bounded", action="store_true", help="a part of the long lists")
    parser.add_argument("directories", nargs="*", metavar="DIRECTORY")
    given = parser.parse_args(arguments)
    missing = 0
    for directory in given.directories or [name_data.data_directory()]:
        if not any(os.path.isdir(os.path.join(directory, kind)) for kind in KINDS):
            sys.stderr.write("no data in %s: it has none of the folders %s%s\n" % (directory, ", ".join(KINDS),
                             "" if given.directories else "; VERDICT_DATA names their directory"))
            missing += 1
            continue
        if len(given.directories) > 1:
            say("directory", directory)
        try:
            evaluate(directory, given.bounded)
        except name_data.Wrong as wrong:
            sys.stderr.write("%s\n" % wrong)
            missing += 1
    # Without the data that come by default there is nothing to do; what is asked for by name has to be there.
    return 1 if given.directories and missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
