#!/usr/bin/python3
"""What the lists of `enrich:` say to detectors: of names, of clients and of where answers lead. TAP."""
import os
import subprocess
import tempfile

import live
from live import COMMAND, equal

CLAUSES = """detection:
 public-suffix-list: suffixes.dat
 names-size: 1m
 known-size: 1m
 answers-size: 1m
detector:
 name: newly-observed
 warm-up: 10
detector:
 name: odd-type
 action: off
policy-list:
 name: told
 format: %s
 file: list
 enrich: %s
"""
ZONE = "$ORIGIN told.\n@ 60 SOA a. b. 1 60 60 60000 60\n@ NS a.\n"
CLIENT, OTHER = "192.0.2.1", "192.0.2.2"


def told(form, text, word, client=CLIENT, address="198.51.100.7"):
    """Detectors that say something of a dozen names below odd.com, whose answers hold data."""
    with tempfile.TemporaryDirectory(prefix="verdict") as folder:
        for name, content in (("suffixes.dat", "// ===BEGIN ICANN DOMAINS===\ncom\n" + "".join("tld%d\n" % at for at in range(100))),
                              ("list", text), ("v.conf", CLAUSES % (form, word)),
                              ("asked.tsv", "".join("%d\t%s\tn%d.odd.com\tNULL\t0\tNULL 3 #200; A 3 %s\n" % (
                                  1700000000 + at, client, at, address) for at in range(12)))):
            with open(os.path.join(folder, name), "w") as file:
                file.write(content)
        done = subprocess.run([COMMAND, "replay", "--policy", "v.conf", "--each", "asked.tsv"], cwd=folder, capture_output=True,
                              text=True, check=False, timeout=120)
    equal((done.returncode, done.stderr), (0, ""))
    return sorted({one.split(" ")[0] for line in done.stdout.splitlines() for one in line.split("\t")[9].split("; ") if one})


def names_that_a_feed_of_registrations_has_are_new_within_the_warm_up():
    equal(told("domains", "else.com\n", "registered"), ["tunnel-down"])
    for word in ("registered", "yes"):
        equal(told("domains", "odd.com\n", word), ["newly-observed", "tunnel-down"])


def of_approved_names_nothing_is_said():
    for word in ("approved", "internal"):
        equal(told("domains", "odd.com\n", word), [])


def nor_of_an_approved_client():
    rule = ZONE + "32.1.2.0.192.rpz-client-ip CNAME rpz-passthru.\n"
    equal(told("rpz", rule, "approved"), [])
    equal(told("rpz", rule, "approved", client=OTHER), ["tunnel-down"])


def nor_of_what_leads_to_an_approved_network():
    equal(told("cidr", "198.51.100.0/24\n", "approved"), [])
    equal(told("cidr", "198.51.100.0/24\n", "approved", address="203.0.113.7"), ["tunnel-down"])


if __name__ == "__main__":
    live.run([names_that_a_feed_of_registrations_has_are_new_within_the_warm_up, of_approved_names_nothing_is_said,
              nor_of_an_approved_client, nor_of_what_leads_to_an_approved_network])
