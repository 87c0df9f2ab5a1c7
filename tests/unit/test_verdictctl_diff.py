#!/usr/bin/python3
"""What `verdictctl diff` says of two configurations, two lists, and recorded questions. TAP."""
import gzip
import json
import os
import random
import subprocess
import tempfile

import live
from live import COMMAND, equal

SEED = int(os.environ.get("SEED", "20261121"))
ROUNDS = 60
OLD = """client-group:
 name: branch
 network: 10.0.0.0/8
client-group:
 name: left
 network: 192.0.2.0/24
policy-list:
 name: names
 file: names.txt
policy-list:
 name: zone
 file: zone.rpz
policy-list:
 name: gone
 file: gone.txt
"""
NEW = """verdict:
 https: block
client-group:
 name: branch
 network: 198.51.100.0/24
 network: 10.0.0.0/8
policy-list:
 name: zone
 file: zone2.rpz
policy-list:
 name: names
 file: names.rpz
 format: rpz
 category: adult
policy-list:
 name: fresh
 file: gone.txt
 group: branch
"""
APEX = "$TTL 60\n@ SOA l. n. 1 1 1 1 1\n@ NS l.\n"
FILES = {
    "old.conf": OLD,
    "new.conf": NEW,
    "names.txt": "# ours\none.example.com\nTWO.example.com\nthree.example.com\n",
    "names.rpz": APEX + "*.one.example.com CNAME .\none.example.com CNAME .\ntwo.example.com CNAME .\n"
                        "four.example.com CNAME *.\n",
    "zone.rpz": APEX + "w.example.com A 192.0.2.1\nw.example.com A 192.0.2.2\nd.example.com A 192.0.2.1\n"
                       "24.0.2.0.192.rpz-ip CNAME .\nx.example.com CNAME rpz-passthru.\n",
    "zone2.rpz": APEX + "w.example.com A 192.0.2.2\nw.example.com A 192.0.2.1\nd.example.com A 192.0.2.9\n"
                        "32.7.2.0.192.rpz-nsip CNAME .\n120.200.c000.ffff.zz.rpz-ip CNAME .\nx.example.com CNAME .\n",
    "gone.txt": "gone.example.com\n",
}


class Folder:
    def __init__(self, **files):
        self.folder = tempfile.TemporaryDirectory(prefix="verdict")
        self.path = self.folder.name
        for name, text in {**FILES, **files}.items():
            self.write(name, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def write(self, name, text):
        with open(os.path.join(self.path, name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def run(self, *arguments, stdin=None):
        done = subprocess.run([os.path.abspath(COMMAND), "diff", *arguments], capture_output=True, cwd=self.path, timeout=120, input=stdin)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *arguments, **more):
        code, out, err = self.run("--json", *arguments, **more)
        equal(err, "")
        lines = [json.loads(line) for line in out.splitlines()]
        return code, lines[-1], lines[:-1]


def tells_what_changes():
    with Folder() as folder:
        code, out, err = folder.run("old.conf", "new.conf")
        equal((code, err), (1, ""))
        equal(out.splitlines(), [
            "list zone: 1 added, 0 removed, 2 changed; 5 rules before, 6 after",
            "  + NSIP 192.0.2.7/32  nxdomain  zone2.rpz:7",
            "  ~ QNAME d.example.com  local-data A 60 192.0.2.1 -> local-data A 60 192.0.2.9  zone.rpz:6 -> zone2.rpz:6",
            "  ~ QNAME x.example.com  pass -> nxdomain  zone.rpz:8 -> zone2.rpz:9",
            "  read otherwise: policy-list zone: file: zone.rpz -> zone2.rpz",
            "list names: 1 added, 2 removed, 0 changed; 3 rules before, 4 after",
            "  + QNAME four.example.com  nodata  names.rpz:7",
            "  - QNAME *.two.example.com  nxdomain  names.txt:3",
            "  - QNAME three.example.com and below  nxdomain  names.txt:4",
            "  read otherwise: policy-list names: file: names.txt -> names.rpz",
            "  read otherwise: policy-list names: format: detect -> rpz",
            "list fresh (added): 1 added, 0 removed, 0 changed; 0 rules before, 1 after",
            "  + QNAME gone.example.com and below  nxdomain  gone.txt:1",
            "list gone (removed): 0 added, 1 removed, 0 changed; 1 rules before, 0 after",
            "  - QNAME gone.example.com and below  nxdomain  gone.txt:1",
            "order of lists: names zone -> zone names",
            "group left: removed",
            "option of verdict: https: pass -> block",
            "option of client-group branch: network: 10.0.0.0/8 -> 10.0.0.0/8 198.51.100.0/24",
            "option of policy-list names: category: not set -> adult"])


def says_the_same_in_json():
    with Folder() as folder:
        code, found, _ = folder.json("old.conf", "new.conf")
        equal((code, found["changes"], found["rules"]), (1, True, {"added": 3, "removed": 3, "changed": 2}))
        equal(found["groups"], [{"name": "left", "state": "removed"}])
        equal([(row["name"], row["state"]) for row in found["lists"]],
              [("zone", "both"), ("names", "both"), ("fresh", "added"), ("gone", "removed")])
        code, found, each = folder.json("--each", "old.conf", "new.conf")
        equal((code, len(each), found["lists"][0]["examples"]), (1, 8, []))


def finds_nothing_where_nothing_changes():
    with Folder() as folder:
        code, out, err = folder.run("old.conf", "old.conf")
        equal((code, err, out.splitlines()[-1]), (0, "", "the policy is the same"))


def compares_rules_and_not_text():
    hosts = "127.0.0.1 localhost\n0.0.0.0 a.example.com  # one\n0.0.0.0 B.example.com c.example.com\n"
    conf = "policy-list:\n name: l\n file: %s\n subdomains: no\n"
    with Folder(**{"h.conf": conf % "h.txt", "d.conf": conf % "d.txt.gz", "h.txt": hosts,
                   "d.txt.gz": gzip.compress(b"c.example.com\nb.example.com\na.example.com\na.example.com.\n")}) as folder:
        equal(folder.json("h.conf", "d.conf")[0], 0)
        folder.write("zone", "a.example.com CNAME .\n*.a.example.com CNAME .\n")
        folder.write("plain", "a.example.com\n")
        equal(folder.json("zone", "plain")[0], 0)


def does_not_count_a_lists_action_on_each_rule():
    with Folder(**{"s.conf": OLD.replace("file: names.txt", "file: names.txt\n action: refuse")}) as folder:
        code, found, _ = folder.json("old.conf", "s.conf")
        equal((code, found["rules"]["changed"]), (1, 0))
        equal([(row["key"], row["before"], row["after"]) for row in found["options"]], [("action", [], ["refuse"])])


def puts_a_plain_list_in_the_place_of_one_of_a_configuration():
    with Folder() as folder:
        code, found, _ = folder.json("--list", "names", "old.conf", "gone.txt")
        equal((code, found["rules"]), (1, {"added": 1, "removed": 3, "changed": 0}))
        equal(folder.json("old.conf", "names.txt")[0], 0)
        equal(folder.json("names.txt", "old.conf")[0], 0)
        code, out, err = folder.run("old.conf", "names.rpz")
        assert code == 2 and "--list" in err and out == "", (code, out, err)


def compares_the_targets_of_frames():
    frames = "dnstap-target:\n name: one\n socket-path: /run/one.sock\n" "dnstap-target:\n name: two\n file: two.fstrm\n"
    other = "dnstap-target:\n name: two\n file: two.fstrm\n rotate-keep: 3\n" "dnstap-target:\n name: three\n address: 192.0.2.1@6000\n"
    with Folder(**{"frames.conf": OLD + frames, "other.conf": OLD + other}) as folder:
        code, out, err = folder.run("frames.conf", "other.conf")
        equal((code, err), (1, ""))
        equal([line for line in out.splitlines() if "target" in line],
              ["dnstap-target three: added", "dnstap-target one: removed", "option of dnstap-target two: rotate-keep: 1 -> 3"])
        equal(folder.json("frames.conf", "other.conf")[1]["targets"], [{"name": "three", "state": "added"}, {"name": "one", "state": "removed"}])
        equal(folder.run("frames.conf", "frames.conf")[0], 0)


def judges_recorded_questions():
    questions = "time\tclient\tqname\tqtype\trcode\tanswers\tcount\n" \
        "1\t10.0.0.1\tone.example.com\tA\n" \
        "1\t10.0.0.1\tthree.example.com\tAAAA\t0\tA 60 192.0.2.1\n" \
        "1\tgroup=branch\tgone.example.com\tA\t\t\t5\n" \
        "1\tgroup=default\tgone.example.com\tA\t\t\t3\n" \
        "1\tgroup=who\tgone.example.com\tA\n" \
        "1\tgroup=left\tone.example.com\tA\n" \
        "1\t\td.example.com\tA\n" \
        "x.example.com A\n" \
        "bad..name A\n"
    with Folder(**{"q.tsv": questions}) as folder:
        code, found, _ = folder.json("--queries", "q.tsv", "old.conf", "new.conf")
        asked = found["questions"]
        equal((code, asked["questions"], asked["changed"], asked["newly_denied"], asked["newly_allowed"]), (1, 14, 6, 1, 4))
        # The answer of three.example.com is denied by its address in both.
        equal((asked["decided_elsewhere"], asked["unknown_group"], asked["unreadable"], asked["unreadable_line"]), (6, 1, 1, 10))
        equal(asked["names"][0], {"name": "gone.example.com", "count": 4})
        equal(asked["clients"], [{"name": "group=default", "count": 3}, {"name": "group=who", "count": 1}])
        code, out, err = folder.run("--queries", "-", "old.conf", "new.conf", stdin=b"one.example.com A\nunlisted.example A\n")
        equal((code, err), (0, ""))
        assert "questions: 2, 0 would get another answer" in out, out


def refuses_what_it_cannot_read():
    with Folder(**{"bad.conf": "policy-list:\n name: x\n", "empty": "", "html": "<!DOCTYPE html><html>\n"}) as folder:
        for arguments, words in [
                (("old.conf",), "two files"), (("old.conf", "no.conf"), "No such file"), (("old.conf", "bad.conf"), "bad.conf:1"),
                (("old.conf", "new.conf", "-q", "no"), "No such file"), (("-q", "empty", "old.conf", "new.conf"), "no questions"),
                (("names.txt", "empty"), "is empty"), (("names.txt", "html"), "web page"), (("--limit", "x", "a", "b"), "--limit"),
                (("--list", "zone", "old.conf", "new.conf"), "--list"), (("--list", "no", "old.conf", "gone.txt"), "no policy-list")]:
            code, out, err = folder.run(*arguments)
            equal((code, out), (2, ""))
            assert words in err, (arguments, err)


def is_safe_with_hostile_questions():
    generator = random.Random(SEED)
    lines = [b"\x1b[31m\t\x1b[31m\tone.example.com\tA", b"1\t\x1b]0;x\x07\tthree.example.com\tA", b"1\tgroup=" + b"g" * 70 +
             b"\tx.example.com\tA", b"\t\t\t\t\t\t\t\t", b"a" * 300000 + b" A", b"1\tgroup=\x1b[31m\tthree.example.com\tA",
             b"1\t\tthree.example.com\tA\t\t\t99999999999999999999", b"1\t\tthree.example.com\tA\t\t\t-1", b"\0\0\0"]
    lines += [bytes(generator.randrange(256) for _ in range(generator.randrange(60))) for _ in range(500)]
    with Folder(**{"q.tsv": b"\n".join(lines) + b"\nthree.example.com A"}) as folder:
        code, out, err = folder.run("-q", "q.tsv", "--each", "old.conf", "new.conf")
        equal((code, err), (1, ""))
        assert all(" " <= letter <= "~" or letter == "\n" for letter in out), out
        code, found, _ = folder.json("-q", "q.tsv", "old.conf", "new.conf")
        assert found["questions"]["newly_allowed"] >= 2 and found["questions"]["unreadable"] >= 6, found["questions"]


# --- against a naive comparison ---

ACTIONS = {"CNAME .": "nxdomain", "CNAME *.": "nodata", "CNAME rpz-passthru.": "pass", "CNAME rpz-drop.": "drop"}


def make_zone(generator):
    """Text, and what each owner ends with: the first record of it."""
    meaning, lines = {}, []
    for _ in range(generator.randrange(1, 40)):
        name = "%s.n%d.example.com" % (generator.choice("ab"), generator.randrange(12))
        below = generator.random() < 0.4
        target = generator.choice(sorted(ACTIONS))
        lines.append("%s%s %s" % ("*." if below else "", name.upper() if generator.random() < 0.2 else name, target))
        meaning.setdefault((name, below), ACTIONS[target])
    return APEX + "\n".join(lines) + "\n", meaning


def units(changes):
    """What --each says, for a name and what is below it apart."""
    found = {}
    for row in changes:
        name = row["rule"][2:] if row["rule"].startswith("*.") else row["rule"]
        for below, there in (False, row["itself"]), (True, row["below"]):
            if there:
                key = (name, below)
                assert key not in found, row
                found[key] = tuple(row[side]["action"] if side in row else None for side in ("before", "after"))
    return found


def equals_a_naive_comparison():
    generator = random.Random(SEED)
    with Folder() as folder:
        for number in range(ROUNDS):
            (old, before), (new, after) = make_zone(generator), make_zone(generator)
            folder.write("a", old)
            folder.write("b", new)
            naive = {key: (before.get(key), after.get(key)) for key in before.keys() | after.keys()
                     if before.get(key) != after.get(key)}
            code, _, each = folder.json("--each", "a", "b")
            equal((number, code, units(each)), (number, int(naive != {}), naive))
            code, _, mirrored = folder.json("--each", "b", "a")
            equal(units(mirrored), {key: (y, x) for key, (x, y) in naive.items()})
            equal(folder.json("a", "a")[0], 0)


def is_the_same_each_time():
    with Folder() as folder:
        folder.write("q.tsv", "".join("n%d.example.com A\nthree.example.com A\n" % i for i in range(50)))
        outputs = {folder.run("--each", "-q", "q.tsv", "old.conf", "new.conf")[1] for _ in range(5)}
        equal(len(outputs), 1)


print("# SEED=%d" % SEED)
live.run([tells_what_changes, says_the_same_in_json, finds_nothing_where_nothing_changes, compares_rules_and_not_text,
          does_not_count_a_lists_action_on_each_rule, puts_a_plain_list_in_the_place_of_one_of_a_configuration,
          compares_the_targets_of_frames, judges_recorded_questions, refuses_what_it_cannot_read, is_safe_with_hostile_questions, equals_a_naive_comparison,
          is_the_same_each_time])
