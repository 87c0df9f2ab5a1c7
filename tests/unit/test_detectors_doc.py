#!/usr/bin/python3
"""doc/detectors.md and verdict.conf(5) say of each detector what the code does: techniques, tiers, the most that it may
do, and every default."""

import glob
import os
import re
import sys

SOURCE = os.environ.get("srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
ROW = re.compile(r'\[DETECTOR_(\w+)\] = \{ "([a-z-]+)", "([^"]*)", REACTION_(\w+),(.*?)\} \},', re.S)
OPTION = re.compile(r'\{ "([a-z0-9-]+)", "([^"]+)", (\d+),')
TIERS = ("tag", "low", "alert", "high", "block")
# Where a tier is chosen by other means than in the call.
CHOSEN = {"TUNNEL": {"low", "alert", "high", "block"}, "LOOK_ALIKE": {"tag", "low", "alert"}}


def read(path):
    with open(os.path.join(SOURCE, path)) as file:
        return file.read()


def detectors():
    """{name: (its name in the code, {technique}, the most that it may do, {option: default})}"""
    table = read("policy/detection.c").split("detector_table[DETECTOR_COUNT] = {")[1].split("\n};")[0]
    return {name: (code, set(attack.split()), most.lower(), {key: int(value) for key, _, value in OPTION.findall(options)})
            for code, name, attack, most, options in ROW.findall(table)}


def tiers():
    """{a detector's name in the code: {tier}}"""
    found = {code: set(names) for code, names in CHOSEN.items()}
    for path in glob.glob(os.path.join(SOURCE, "detect/*.c")):
        for code, rest in re.findall(r"look_report\(look, DETECTOR_(\w+),([^;]*?),", read(path)):
            found.setdefault(code, set()).update(name.lower() for name in re.findall(r"TIER_(\w+)", rest))
        for code, name in re.findall(r"say\(look, DETECTOR_(\w+), TIER_(\w+)", read(path)):
            found.setdefault(code, set()).add(name.lower())
    return found


def rows():
    """[(names, techniques, tiers, the most, all the words)] of the table of the page."""
    text = read("doc/detectors.md").split("| detector | ATT&CK |")[1].split("\n\n")[0]
    for line in text.split("\n")[2:]:
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        yield re.findall(r"`([a-z-]+)`", cells[0]), cells[1], cells[2], cells[3], " ".join(cells[4:])


def numbers(text):
    return {int(number.replace(",", "")) for number in re.findall(r"\d+(?:,\d{3})*", text)}


def differences(table, chosen):
    seen = []
    for names, attack, said, most, words in rows():
        seen += names
        for name in names:
            if name not in table:
                yield "%s is no detector" % name
                return
        alike = [table[name] for name in names]
        for what, page, code in (
                ("techniques", set(re.findall(r"T[0-9.]+", attack)), set().union(*(one[1] for one in alike))),
                ("tiers", set(re.findall("|".join(TIERS), said)), set().union(*(chosen.get(one[0], set()) for one in alike))),
                ("the most", set(most.split(", ")), {one[2] for one in alike})):
            if page != code:
                yield "%s: %s: %s on the page, %s in the code" % (", ".join(names), what, sorted(page), sorted(code))
        for _, _, _, options in alike:
            for key, value in options.items():
                if value not in numbers(words):
                    yield "%s: %s: %d is not on the page" % (", ".join(names), key, value)
    if sorted(seen) != sorted(table):
        yield "the page has %s" % sorted(seen)


def of_the_manual(table):
    manual = read("doc/verdict.conf.5")
    for name, (_, attack, most, _) in table.items():
        section = manual.split("\n.Sh CLAUSE DETECTOR %s\n" % name.upper())
        if len(section) != 2:
            yield "%s has no section of its own" % name
            continue
        text = section[1].split("\n.Sh ")[0]
        if set(re.findall(r"T\d{4}(?:\.\d{3})?", text.split("At most")[0])) != attack:
            yield "%s: other techniques in the manual" % name
        if "At most\n.Cm %s ." % most not in text:
            yield "%s: the manual does not say that it may do %s at most" % (name, most)


def main():
    table = detectors()
    tests = [("the code has twenty detectors", [] if len(table) == 20 else [str(sorted(table))]),
             ("the page says what they do", list(differences(table, tiers()))),
             ("so does the manual", list(of_the_manual(table)))]
    print("1..%d" % len(tests))
    for number, (name, wrong) in enumerate(tests, 1):
        print("%sok %d - %s" % ("not " if wrong else "", number, name))
        for line in wrong:
            print("# " + line)
    return any(wrong for _, wrong in tests)


if __name__ == "__main__":
    sys.exit(main())
