#!/usr/bin/python3
"""doc/scale: day files as rows, and hunts over them. CLICKHOUSE_URL names a server that may be written to (its database
`scale` is removed), such as http://127.0.0.1:8123/. TAP."""
import collections
import glob
import os
import re
import sqlite3
import sys
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import live  # noqa: E402
import test_verdictctl_report as reporting  # noqa: E402

FOLDER = os.path.join(os.environ.get("srcdir", "."), "doc", "scale")
URL = os.environ.get("CLICKHOUSE_URL")
TABLES = [("day-events.sql", "event", 21), ("day-records.sql", "record", 9), ("day-beats.sql", "beat", 8)]


def statements(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return [part.strip() for part in re.sub(r"(?m)^--.*$", "", file.read()).split(";") if part.strip()]


def rows(name):
    came, _, store = reporting.week()
    for path in sorted(glob.glob(os.path.join(store.days, "*.sqlite"))):
        with sqlite3.connect("file:%s?mode=ro" % urllib.parse.quote(path), uri=True) as day:
            yield from day.execute(statements(name)[0])


def ask(text, body=None):
    address = URL + ("?" + urllib.parse.urlencode({"query": text}) if body is not None else "")
    with urllib.request.urlopen(address, body if body is not None else text.encode(), timeout=120) as answer:
        return [line.split("\t") for line in answer.read().decode().splitlines()]


def a_day_file_gives_every_event_and_record():
    came, events, store = reporting.week()
    for name, _, columns in TABLES:
        reporting.equal({len(row) for row in rows(name)}, {columns}, name)
    reporting.equal(collections.Counter((row[2], row[3], row[4], row[5]) for row in rows("day-events.sql")),
                    collections.Counter((e["resolver"], e["boot"], e["worker"], e["seq"]) for e in came))


def a_row_has_the_columns_of_its_table():
    tables = dict(re.findall(r"CREATE TABLE IF NOT EXISTS scale\.(\w+)\n\((.*?)\n\)", ";".join(statements("tables.sql")),
                             re.S))
    for _, table, columns in TABLES:
        reporting.equal(len(re.findall(r"(?m)^\t\w", tables[table])), columns, table)


def every_hunt_has_its_statement():
    with open(os.path.join(FOLDER, "hunts.sql"), encoding="utf-8") as file:
        told = set(re.findall(r"(?m)^-- (\w+)(?=[:,\n])", file.read()))
    reporting.equal({"domain", "ip", "host", "changes", "rule", "technique", "incident", "new", "top", "coverage"} - told, set())


def clickhouse_counts_the_same():
    if not URL:
        raise live.Skip("no server: set CLICKHOUSE_URL to one")
    came, events, _ = reporting.week()
    ask("DROP DATABASE IF EXISTS scale")
    for text in statements("tables.sql"):
        ask(text)
    for name, table, _ in TABLES * 2:
        lines = "".join("\t".join(map(str, row)) + "\n" for row in rows(name))
        ask("INSERT INTO scale.%s FORMAT TabSeparated" % table, lines.encode())
    found = dict(re.findall(r"(?m)^-- (\w+)[:,\n].*?((?:WITH|SELECT)[^;]*);", open(os.path.join(FOLDER, "hunts.sql")).read(),
                            re.S))
    ads = collections.Counter(e["found"]["rule"] for e in came if e["found"].get("list") == "ads")
    reporting.equal({row[0]: int(row[2]) for row in ask(found["rule"])}, dict(ads))
    reporting.equal(sum(int(row[6]) for row in ask(found["coverage"])), len(events) - len(came))
    most = collections.Counter(".".join(str(int(part)) for part in e["client"].split(".")) for e in came
                               if ":" not in e["client"]).most_common(1)[0][1]
    reporting.equal(int(ask(found["top"])[0][1]), most)
    for text in statements("hunts.sql"):
        ask(text)
    ask("DROP DATABASE scale")


CLAIMS = [a_day_file_gives_every_event_and_record, a_row_has_the_columns_of_its_table, every_hunt_has_its_statement,
          clickhouse_counts_the_same]

if __name__ == "__main__":
    print("1..%d" % len(CLAIMS))
    for index, claim in enumerate(CLAIMS, 1):
        title = claim.__name__.replace("_", " ")
        try:
            claim()
            print("ok %d - %s" % (index, title), flush=True)
        except live.Skip as why:
            print("ok %d - %s # SKIP %s" % (index, title, why), flush=True)
        except Exception as error:
            print("not ok %d - %s" % (index, title))
            print("# " + repr(error).replace("\n", "\n# "), flush=True)
