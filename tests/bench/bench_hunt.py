#!/usr/bin/python3
"""How long an analyst waits for each pivot of `verdictctl hunt`, warm, the start of the command included.

HUNT_EVENTS events (default 1000000) in one day, made by bench_store; HUNT_STORE names a directory that has them already.
Prints `bench NAME VALUE UNIT`: each pivot, and the slowest of those. The one client that asked by far the most is among
them: two of five made events are its. Apart are a list with all its rules, and windows that cut a day: its last hour, and
the half of it around noon."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

COMMAND = os.path.abspath("verdictctl")
RUNS = 5


def hunt(directory, *arguments):
    done = subprocess.run([COMMAND, "hunt", *arguments, "--json", "--directory", directory], capture_output=True)
    if done.returncode != 0:
        sys.exit("bench_hunt: %s: %s" % (" ".join(arguments), done.stderr.decode()))
    return json.loads(done.stdout)


def best_ms(directory, *arguments):
    best = None
    for _ in range(RUNS):
        begin = time.monotonic()
        hunt(directory, *arguments)
        spent = (time.monotonic() - begin) * 1000
        best = spent if best is None or spent < best else best
    return best


def pivots(directory):
    """About what is asked for most, and about what is asked for seldom."""
    top = hunt(directory, "top", "--limit", "200")
    name, rare = top["names"][0]["name"], top["names"][-1]["name"]
    client, quiet = top["clients"][10]["client"], top["clients"][-1]["client"]
    records = next(found["records"] for found in (hunt(directory, "domain", row["name"]) for row in top["names"])
                   if any(r["type"] == "A" for r in found["records"]))
    address = next(r["data"] for r in records if r["type"] == "A")
    incident = next(row["number"] for row in hunt(directory, "host", quiet, "--events")["timeline"] if "number" in row)
    yield "domain", ["domain", name]
    yield "domain_rare", ["domain", rare]
    yield "domain_below", ["domain", "*." + top["domains"][0]["domain"]]
    yield "ip", ["ip", address]
    yield "changes", ["changes", name]
    yield "host", ["host", quiet]
    yield "host_busy", ["host", client]
    yield "host_of_most", ["host", top["clients"][0]["client"]]
    yield "rule", ["rule", top["rules"][0]["rule"]]
    yield "technique", ["technique", "T1071.004"]
    yield "incident", ["incident", incident]
    day = top["names"][0]["first"][:10]
    yield "new", ["new", "--from", day]
    yield "new_evening", ["new", "--from", day + "T23:00"]
    yield "top", ["top"]
    yield "coverage", ["coverage"]


def apart(directory):
    top = hunt(directory, "top")
    evening = top["names"][0]["last"][:10] + "T23:00"
    yield "rule_list", ["rule", top["rules"][0]["rule"].split(":")[0]]
    yield "domain_cut", ["domain", top["names"][0]["name"], "--from", evening]
    yield "host_cut", ["host", top["clients"][0]["client"], "--from", evening]
    yield "top_cut", ["top", "--from", evening]
    noon = ["--from", evening[:10] + "T06:13", "--to", evening[:10] + "T18:47"]
    yield "domain_half", ["domain", top["names"][0]["name"], *noon]
    yield "host_half", ["host", top["clients"][0]["client"], *noon]
    yield "top_half", ["top", *noon]


def main():
    directory = os.environ.get("HUNT_STORE")
    made = None if directory else tempfile.mkdtemp(prefix="verdict-bench-")
    try:
        if made:
            directory = made
            subprocess.run(["tests/bench/bench_store", os.environ.get("HUNT_EVENTS", "1000000"), made], check=True,
                           stdout=subprocess.DEVNULL)
        slowest = 0
        for key, arguments in pivots(directory):
            spent = best_ms(directory, *arguments)
            slowest = max(slowest, spent)
            print("bench hunt_%s_ms %.1f ms" % (key, spent), flush=True)
        print("bench hunt_pivot_ms %.1f ms" % slowest)
        for key, arguments in apart(directory):
            print("bench hunt_%s_ms %.1f ms" % (key, best_ms(directory, *arguments)), flush=True)
    finally:
        if made:
            shutil.rmtree(made)


if __name__ == "__main__":
    main()
