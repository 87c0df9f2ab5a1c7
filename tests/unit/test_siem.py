#!/usr/bin/python3
"""doc/siem: what the configurations name is what `verdictctl tap` writes; and those that can be run are run. TAP.

CLICKHOUSE=PROGRAM names what is run as `PROGRAM local`, RSYSLOGD=PROGRAM an rsyslogd, RSYSLOG_MODULES its modules."""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
SRCDIR = os.path.abspath(os.environ.get("srcdir", "."))
sys.path.insert(0, os.path.join(SRCDIR, "tests", "unit"))
import live  # noqa: E402
import siem_fields  # noqa: E402
import test_verdictctl_formats as formats  # noqa: E402

FOLDER = os.path.join(SRCDIR, "doc", "siem")
CLIENT, OTHER, BOOT = "10.0.0.7", "10.0.0.8", formats.BOOT


def content(*names):
    with open(os.path.join(FOLDER, *names), encoding="utf-8") as file:
        return file.read()


def files():
    return sorted(path for path in glob.glob(os.path.join(FOLDER, "**", "*"), recursive=True) if os.path.isfile(path))


def record(owner, address):
    return formats.d.record(owner, 1, bytes(map(int, address.split("."))))


def recorded():
    """Answers 1 to 9 of one worker with two clients; 4 is missing, 6 was dropped and counted, 5 comes twice."""
    def one(seq, verdict="allow", client=CLIENT, qname="www.example", **more):
        if verdict != "allow":
            more["add"] = {"incident": "%s.1.%d" % (BOOT, seq)}
        return formats.answer(seq, verdict, client=client, qname=qname, **more)
    frames = [
        one(1, answers=[record("WWW.example", "192.0.2.1")]),
        one(2, answers=[record("www.example", "192.0.2.2")], response_time=1700000060),
        one(3, client=OTHER, qname="mail.example", answers=[record("mail.example", "192.0.2.2")]),
        one(5, "nxdomain", qname="a.evil.example", rcode=3), one(5, "nxdomain", qname="a.evil.example", rcode=3),
        one(7, "sinkhole", client=OTHER, qname="b.evil.example", answers=[record("b.evil.example", "192.0.2.66")]),
        one(8, "nxdomain", qname="a.evil.example", rcode=3),
        one(9, path="local", qname="printer.lan.example", answers=[record("printer.lan.example", "192.0.2.9")]),
        formats.heartbeat(1, w1=(9, 1)), formats.former(99, 2),
    ]
    return formats.d.stream(*frames)


# --- what the files say ---------------------------------------------------------------------------------------

def every_file_says_what_was_run():
    for path in files():
        if path.endswith("README.md"):
            continue
        with open(path, encoding="utf-8") as file:
            head = file.read(1200)
        assert re.search(r"[Ww]ritten\s+from\s+documentation", head), path
        assert re.search(r"\b[Rr]un\b", head), path


def the_table_names_every_file():
    table = content("README.md")
    missing = [path for path in files() if "(%s)" % os.path.relpath(path, FOLDER) not in table
               and "(%s/)" % os.path.relpath(os.path.dirname(path), FOLDER) not in table and not path.endswith("README.md")]
    formats.equal(missing, [])
    for target in re.findall(r"\]\(([^)]+)\)", table):
        assert os.path.exists(os.path.join(FOLDER, target)), target


def files_of_json_and_yaml_can_be_parsed():
    for path in files():
        if path.endswith(".json"):
            with open(path, encoding="utf-8") as file:
                json.load(file)
    try:
        import yaml
    except ImportError:
        raise live.Skip("no python3-yaml for the others")
    for path in files():
        if path.endswith((".yaml", ".yml")):
            with open(path, encoding="utf-8") as file:
                assert isinstance(yaml.safe_load(file), dict), path


def template_fields(properties, prefix=""):
    for name, inner in properties.items():
        if "properties" in inner:
            yield from template_fields(inner["properties"], prefix + name + ".")
        else:
            yield prefix + name, inner["type"]


def elastics_template_has_the_fields_of_ecs_and_none_but_those_of_extra():
    template = json.loads(content("elastic", "index-template.json"))
    found = dict(template_fields(template["template"]["mappings"]["properties"]))
    own = {name.split(".", 1)[1] for name in found if name.startswith("unbound_verdict.")}
    wanted = {name.replace(".[]", ""): kind for name, kind in siem_fields.ECS.items()}
    added = {"event.ingested", "dns.question.registered_domain", "dns.question.top_level_domain", "dns.question.subdomain"}
    formats.equal({name: kind for name, kind in found.items() if not name.startswith("unbound_verdict.") and name not in added},
                  wanted)
    with open(os.path.join(SRCDIR, "doc", "schema", "extra-1.json"), encoding="utf-8") as file:
        extra = json.load(file)["properties"]
    keys = {key + ("." + inner if inner else "") for key, one in extra.items() for inner in one.get("properties", {"": 0})}
    # What is not named is taken as it comes: texts as keywords.
    formats.equal(own - {"resolved_geo.country_iso_code"} - keys, set())
    assert len(own) > 20 and "unbound_verdict.*" in json.dumps(template["template"]["mappings"]["dynamic_templates"])
    pipeline = content("elastic", "pipeline.json")
    formats.equal(template["template"]["settings"]["index.default_pipeline"] in pipeline, True)


def splunk_has_the_fields_of_flat():
    lines = formats.objects(formats.d.stream(*formats.every_frame()), "-f", "flat")
    known = {key for one in lines for key in one}
    props = content("splunk", "props.conf")
    named = re.search(r"Network Resolution \((.*?)\)", props.replace("\n#", ""), re.S).group(1)
    wanted = {word.strip() for word in named.split(",")}
    wanted |= set(re.findall(r"^FIELDALIAS-\S+ = (\w+) AS", props, re.M)) | set(re.findall(r"\b(action|signature)\b", props))
    wanted |= set(re.findall(r"^SOURCE_KEY = (\w+)", content("splunk", "transforms.conf"), re.M))
    question = next(line for line in content("README.md").splitlines() if line.startswith("| Splunk |  sourcetype")
                    or line.startswith("| Splunk | `sourcetype"))
    wanted |= set(re.search(r"BY (\w+) (\w+)", question).groups()) | set(re.findall(r"dedup (\w+)|values\((\w+)\)|dc\((\w+)\)",
                                                                               question)[0][:1])
    formats.equal((sorted(wanted - known), len(wanted) > 15), ([], True))
    # The time is found where the line begins, in the form that is told.
    prefix = re.search(r"^TIME_PREFIX = (.*)", props, re.M).group(1)
    text = formats.tap(recorded(), "-f", "flat")[1].decode().splitlines()[0]
    assert re.search(prefix + r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z\"", text), text


def clickhouses_columns_are_those_of_native():
    table = re.search(r"CREATE TABLE IF NOT EXISTS verdict\.frame\n\(\n(.*?)\n\)\nENGINE", content("clickhouse", "tables.sql"),
                      re.S).group(1)
    columns = set(re.findall(r"^\t(\w+) ", table, re.M))
    lines = formats.objects(formats.d.stream(*formats.every_frame()), "-f", "native")
    formats.equal((sorted(columns - {key for one in lines for key in one}), len(columns)), ([], 15))


# --- what can be run --------------------------------------------------------------------------------------------

def ask_clickhouse(folder, text):
    """The rows of each statement that gives some."""
    program = os.environ.get("CLICKHOUSE") or shutil.which("clickhouse")
    if not program:
        raise live.Skip("no clickhouse: set CLICKHOUSE to one")
    path = os.path.join(folder, "queries.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run([program, "local", "--path", os.path.join(folder, "data"), "--queries-file", path, "--format",
                           "JSONEachRow"], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-1500:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def whole(rows):
    """64-bit numbers are texts in some settings."""
    return [{key: int(value) if isinstance(value, str) and value.isdigit() else value for key, value in row.items()} for row in rows]


def clickhouse_takes_the_lines_and_answers_five_questions():
    with tempfile.TemporaryDirectory() as folder:
        lines = os.path.join(folder, "lines.json")
        with open(lines, "wb") as file:
            file.write(formats.tap(recorded(), "-f", "native")[1])
        queries = content("clickhouse", "queries.sql")
        for name, value in ("domain", "evil.example"), ("address", "192.0.2.2"), ("name", "www.example"), ("hours", "100000"):
            queries, count = re.subn("(?<=SET param_%s = ')[^']*" % name, value, queries)
            formats.equal(count, 1)
        tables = re.sub(r"\nTTL [^;]*", "", content("clickhouse", "tables.sql"))   # these answers are old
        rows = whole(ask_clickhouse(folder, tables + "INSERT INTO verdict.frame FROM INFILE '%s' FORMAT JSONEachRow;\n" % lines
                                    + queries))

        def take(*keys):
            chosen = [tuple(row[key] for key in keys) for row in rows if set(keys) <= set(row)]
            return chosen
        formats.equal(take("client", "client_group", "questions", "names", "verdicts"),
                      [(CLIENT, "", 2, 1, ["nxdomain"]), (OTHER, "", 1, 1, ["sinkhole"])])
        formats.equal(take("name", "type", "answers"), [("mail.example", "A", 1), ("www.example", "A", 1)])
        formats.equal([one for one in take("type", "data", "answers")], [("A", "192.0.2.1", 1), ("A", "192.0.2.2", 1)])
        formats.equal(take("list", "client", "denials", "attack"),
                      [("malware", CLIENT, 2, ["T1071.004"]), ("malware", OTHER, 1, ["T1071.004"])])
        # 4 is missing; 6 was dropped and is counted.
        formats.equal([one for one in take("boot", "worker", "frames", "heartbeat_seq", "dropped", "missing", "open")],
                      [(BOOT, 1, 7, 9, 1, 1, 0)])


def receive(listener, received):
    connection, _ = listener.accept()
    with connection:
        while True:
            octets = connection.recv(65536)
            if not octets:
                return
            received.append(octets)


def count_in(received):
    return b"".join(received).count(b"unbound-verdict - - - {")


def rsyslog_sends_every_line_whole():
    program = os.environ.get("RSYSLOGD") or shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        raise live.Skip("no rsyslogd: set RSYSLOGD to one")
    long = [formats.d.record("www.example", 16, b"\xff" + b"x" * 255) for _ in range(100)]
    sent = formats.tap(formats.d.stream(*formats.every_frame(), formats.answer(18, answers=long)), "-f", "ecs")[1]
    assert max(map(len, sent.splitlines())) > 20000
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        file = os.path.join(folder, "dns.ndjson")
        with open(file, "wb") as lines:
            lines.write(sent)
        text = content("rsyslog.conf").replace("/var/log/verdict-tap/dns.ndjson", file) \
            .replace('target="siem.example" port="601"', 'target="127.0.0.1" port="%d"' % listener.getsockname()[1])
        assert file in text and "siem.example" not in text
        conf = os.path.join(folder, "rsyslog.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(text.replace("global(", 'global(workDirectory="%s" ' % folder, 1))
        received = []
        thread = threading.Thread(target=receive, args=(listener, received), daemon=True)
        thread.start()
        modules = ["-M", os.environ["RSYSLOG_MODULES"]] if "RSYSLOG_MODULES" in os.environ else []
        process = subprocess.Popen([program, "-n", "-f", conf, "-i", os.path.join(folder, "pid"), *modules],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        formats.wait_for(lambda: process.poll() is not None or count_in(received) >= sent.count(b"\n"), 120)
        process.terminate()
        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
        thread.join(120)
        octets, messages = b"".join(received), []
        while octets:
            count, octets = octets.split(b" ", 1)
            messages.append(octets[:int(count)])
            octets = octets[int(count):]
        formats.equal([one.split(b" - - - ", 1)[1] for one in messages], sent.splitlines())
        assert re.match(rb"<174>1 \d{4}-", messages[0]), (messages[0][:80], output)


if __name__ == "__main__":
    live.run([every_file_says_what_was_run, the_table_names_every_file, files_of_json_and_yaml_can_be_parsed,
             elastics_template_has_the_fields_of_ecs_and_none_but_those_of_extra, splunk_has_the_fields_of_flat,
             clickhouses_columns_are_those_of_native, clickhouse_takes_the_lines_and_answers_five_questions,
             rsyslog_sends_every_line_whole])
