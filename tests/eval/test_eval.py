#!/usr/bin/python3
"""What the detectors reach on real data, a bounded part of `make eval`. TAP; without VERDICT_DATA all of it is skipped."""
import contextlib
import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile

SRCDIR = os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "../.."))
sys.path[:0] = [os.path.join(SRCDIR, "tests/eval"), os.path.join(SRCDIR, "tests/e2e")]
import evaluate
import name_data
import tap

INFORMATION, CARRIED = 1024, 5120      # octets until a tunnel is found: new to the detector, and all that names held
MISSES, MISSES_OF_WORDS = 20, 60
OWN_TUNNEL = ["tool\tsource\tts\tclient\tserver\tproto\tqname\tqtype\trcode\tresp_len\tquery_len\tanswers"] + [
    "mine\tmy.pcap\t%d\t192.0.2.1\t\tudp\t%s.evil.com\tTXT\t0\t\t\tTXT 0 #100" % (
        1700000000 + at, hashlib.sha256(b"%d" % at).hexdigest()[:52]) for at in range(60)]
OWN_TRAFFIC = ["ts\tclient\tclient_port\tserver\tserver_port\tproto\tqname\tqtype\trcode\tanswers(ttl value)"] + [
    "%d\t192.0.2.7\t\t\t\tudp\twww%d.site%d.com\tA\t0\t300 192.0.2.9" % (1700000000 + at, at % 3, at % 9)
    for at in range(50)]
SHORT = ("qsnatch",)                   # three to seven letters: by volume alone


def tunnels(check):
    told = {name: evaluate.tunnel_told(first) for name, (octets, first) in results["tunnels"].items()
            if octets > evaluate.SMALL}
    check.ok(len(told) >= 5 and all(told.values()), "every tunnel is found", told)
    found = [one for one in told.values() if one]
    check.ok(all(value <= INFORMATION for _, _, value in found), "within a kilobyte of information", told)
    check.ok(all(("tunnel-down", "alert") in results["tunnels"][name][1] for name in told if name.startswith("iodine.")),
             "what comes back through iodine is found too", told)
    check.ok(all(carried <= CARRIED for _, carried, _ in found), "and five kilobytes of names", told)


def people(check):
    for name, found in sorted(results["traffic"].items()):
        wrong = {detector: sorted(found[detector][0]) for detector in found if detector in evaluate.TUNNELS + ("nxdomain-burst", "conditional-answer")}
        check.equal(wrong, {}, "%s: no zone is called a tunnel or answers by mood, and no client is infected" % name)
    flagged = results["stress"].get("tunnel", (set(), set()))[0]
    check.ok(len(flagged) <= 1, "of popular zones behind the most popular ones at most one looks like a tunnel", flagged)
    check.ok("nxdomain-burst" not in results["stress"], "and none of their clients infected", results["stress"])


def bursts(check):
    for family, (kind, until, clients) in sorted(results["bursts"].items()):
        plain = kind in name_data.RANDOM and family not in SHORT
        most = MISSES if plain else MISSES_OF_WORDS
        check.ok(len(until) == clients and until[-1] <= most,
                 "%s (%s): each client is told within %d misses" % (family, kind, most), until)


def names(check):
    wrong, found = results["names"]
    alike = [shares for kind, shares in found.values() if kind in name_data.RANDOM]
    check.ok(wrong[900] <= 0.015 and wrong[990] <= 0.002, "scores stand for the shares that they say", wrong)
    check.ok(statistics.mean(one[990] for one in alike) >= 0.45, "nearly half of unknown families' names score 990",
             [one[990] for one in alike])
    check.ok(statistics.mean(one[900] for one in alike) >= 0.70, "and two thirds score 900", [one[900] for one in alike])


def sweeps(check):
    until = results["sweeps"]
    check.ok(0 < until["sweep_1s"] <= 80 and 0 < until["sweep_250ms"] <= 80, "a sweep of addresses is told", until)
    check.equal(until["desktop_11_a_minute"], 0, "a desktop that looks up whom it meets is not")


def own_directory(check):
    """As somebody has it who has nothing else: a capture and a recording."""
    with tempfile.TemporaryDirectory(prefix="verdict") as folder:
        for kind, lines in (("tunnel", OWN_TUNNEL), ("traffic", OWN_TRAFFIC)):
            os.mkdir(os.path.join(folder, kind))
            with open(os.path.join(folder, kind, "own.tsv"), "w") as file:
                file.write("\n".join(lines) + "\n")
        empty = subprocess.run([sys.executable, "-B", evaluate.__file__, os.path.join(folder, "tunnel")], capture_output=True,
                               text=True, check=False)
        runs = [subprocess.run([sys.executable, "-B", evaluate.__file__, folder], capture_output=True, text=True, check=False,
                               env=dict(os.environ, VERDICT_DATA=os.path.join(folder, "none"))) for _ in range(2)]
    check.equal((empty.returncode, empty.stdout, "no data in " in empty.stderr), (1, "", True),
                "one that has nothing is an error, and no table of zeros")
    check.equal(runs[0].returncode, 0, "a directory of one's own is measured")
    check.equal(runs[0].stdout, runs[1].stdout, "twice the same, bit for bit")
    for line in ("tunnel.mine.1.tunnel-down.alert.queries_until 42", "traffic.own.zones 9", "confusion.tunnel.true 1",
                 "confusion.tunnel.missed 0", "confusion.tunnel.false 0", "confusion.tunnel.left_alone 9"):
        check.ok("eval " + line in runs[0].stdout.split("\n"), line, runs[0].stdout + runs[0].stderr)


if __name__ == "__main__":
    directory = name_data.data_directory()
    if not os.path.isdir(directory):
        print("1..0 # SKIP no real data: %s (set VERDICT_DATA)" % directory)
        sys.exit(0)
    with contextlib.redirect_stdout(io.StringIO()):
        results = evaluate.evaluate(directory, bounded=True)
    tap.run(tunnels, people, bursts, names, sweeps, own_directory)
