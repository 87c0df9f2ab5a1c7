#!/usr/bin/python3
"""`verdictctl hunt --store clickhouse:URL`: the same as from day files, octet for octet; exports; what a server may do
wrong. CLICKHOUSE_SERVER names a clickhouse-server to run on loopback (default: one that is found). TAP."""
import csv
import http.server
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
SOURCE = Path(os.environ.get("srcdir", ".")).resolve()
sys.path[:0] = [str(SOURCE / "tests" / "unit"), str(SOURCE / "tests")]
import hunting as h  # noqa: E402
import live  # noqa: E402
import ports  # noqa: E402
from live import equal  # noqa: E402

BOOT = "5e1f00c0ffee"                        # another one than that of recordings
DATA = Path(os.environ.get("VERDICT_DATA", SOURCE / "../shared/data"))
BASE = 1700000000000000                       # a Tuesday, 22:13:20: the events are around a midnight
TABLES = ["event", "record", "source", "seen", "note"]
HOSTILE = ["'; drop table scale.event; --", "<script>", "\x1b[2j\x07", "nul\0nul", "100%", 'q"\\', "\\'; select 1",
           "a:low b", "\xff\xfe\x9b", "*", "tab\tline\n", "=1+1", "-2+3"]
SERVER_CONFIG = """<yandex><logger><level>warning</level><log>%(dir)s/log</log><errorlog>%(dir)s/errors</errorlog></logger>
<http_port>%(port)d</http_port><listen_host>127.0.0.1</listen_host><path>%(dir)s/data/</path><tmp_path>%(dir)s/tmp/</tmp_path>
<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>10000000</mark_cache_size></yandex>
"""
SERVER_USERS = """<yandex><profiles><default/><reader><readonly>1</readonly></reader></profiles><quotas><default/></quotas><users>
<default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
<reader><password>let: me</password><networks><ip>127.0.0.1</ip></networks><profile>reader</profile><quota>default</quota></reader>
</users></yandex>
"""


# --- events ------------------------------------------------------------------------------------------------------

def made_events():
    """Of two resolvers and three days: chains, hostile texts, shadow verdicts, detections, no question, no client."""
    events, seqs = [], {}

    def add(at_s, client, labels, rtype=1, rcode=0, records=(), extra=None, resolver="resolver-1", worker=0, step=1):
        seqs[(resolver, worker)] = seq = seqs.get((resolver, worker), 0) + step
        boot = BOOT if resolver == "resolver-1" else "0123456789ab"
        if extra and extra["verdict"] == "nxdomain":
            extra = dict(extra, incident="%s.%d.%d" % (boot, worker, seq))
        events.append(h.Event(BASE + int(at_s * 1000000) + 137 * len(events), client, labels, rtype, rcode, list(records),
                              (boot, worker, seq), extra or {"verdict": "allow", "path": "resolved"}, identity=resolver))

    def name(text):
        return [label.encode("latin-1") for label in text.split(".")]
    denied = {"verdict": "nxdomain", "path": "resolved", "list": "malware", "rule": "*.evil.example", "trigger": "QNAME",
              "category": "c2", "attack": ["T1071.004"], "serial": 7, "ede": 15, "group": "staff"}
    shadow = {"verdict": "allow", "path": "cached", "shadow": {"list": "trial", "rule": "x.test", "action": "refuse",
                                                             "attack": ["T1568"]}}
    found = {"verdict": "allow", "path": "resolved", "detections": [{"detector": "tunnel", "tier": "high", "action": "observe",
             "value": 812, "threshold": 700, "attack": ["T1071.004", "T1048"], "features": {"entropy": 4, "length": 51}}]}
    for day in range(3):
        for i in range(60):
            at = day * 86400 + i * 211
            client = "10.0.%d.%d" % (i % 2, i % 7) if i % 5 else "2001:db8::%x" % i
            resolver = "resolver-1" if i % 3 else "resolver-2"
            host = name("www%d.site%d.example" % (i % 4, i % 6 + day))
            target = name("cdn%d.network.example" % (i % 3))
            records = [(host, "CNAME", target, 60 + i), (target, "A", bytes([192, 0, 2, i % 9 + day]), 300)]
            add(at, client, host, records=records, resolver=resolver, worker=i % 2)
            add(at + 1, client, name("evil%d.evil.example" % (i % 3)), rcode=3, extra=denied, resolver=resolver)
            add(at + 2, client, name("x.test"), 28, extra=shadow, step=1 + (i % 20 == 7), records=[
                (name("x.test"), "AAAA", bytes(15) + bytes([i % 2]), 30)])
            add(at + 3, client, name("q%d.tunnel.example" % i), 16, extra=found, resolver=resolver,
                records=[(name("q%d.tunnel.example" % i), "TXT", b"\x03<i>", 0)])
            add(at + 4, client, name("example"), 2, records=[(name("example"), "NS", name("ns%d.example" % (day % 2)), 86400)])
    for i, text in enumerate(HOSTILE):
        texts = dict(denied, list="l'\"><b>%_\u202e\\", rule="=cmd|'/c x'!A1'); DROP TABLE scale.event; --" + "\\" * i,
                     category="\u001b]0;x\u0007")
        add(90000 + i, "10.9.0.%d" % i, [text.encode("latin-1"), b"example"], 16, 3, extra=texts,
            resolver="res\x1b[31molver' OR 1=1 --" if i % 2 else "resolver-1")
    four, six = bytes([192, 0, 2, 4]), bytes.fromhex("20010db8000000000000000000000005")
    for i, hints in enumerate(([(4, four * 2), (6, six)], [(4, bytes([198, 51, 100, 1]) + four)], [(5, b"\0\4\0\4" + four)],
                               [(6, bytes(10) + b"\xff\xff" + four)], [(1, b"\2h2")], [(4, four[:3])])):
        host = name("hint%d.example" % i)
        for day in range(2):
            add(100100 + i + 86400 * day, "10.4.0.%d" % i, host, 65, records=[
                (host, "HTTPS", h.service(priority, [] if i % 2 else [b"pool"], *hints), 60) for priority in (1, 2)] +
                ([(host, "A", four, 300)] if i == 1 else []))
    add(100200, "10.4.0.9", name("hinted.example"), 64, records=[(name("hinted.example"), "CNAME", name("s.example"), 60),
        (name("s.example"), "SVCB", h.service(1, [], (4, four)), 60)])
    add(100000, None, name("nobody.example"))
    add(100002, "10.0.1.3", name("mapped.example"), 28, records=[
        (name("mapped.example"), "AAAA", bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 4]), 30)])
    add(100001, "10.0.0.1", [], 2, records=[([], "NS", name("a.root.example"), 518400)])
    return events


def beat(number, at_s):
    extra = {"v": 1, "boot": BOOT, "heartbeat": number, "interval_ms": 60000, "workers": ["odd", None] + [
        {"worker": w, "seq": number * 150, "dropped": w * number, "left_out": 0} for w in (0, 1)],
        "dropped": {"ring": 1, "spool": 0}, "targets": [], "clock": {"synchronized": number != 2, "max_error_us": 90 * number}}
    return h.dnstap.frame(kind=12, client=None, extra=extra, identity="resolver-1", response_time=BASE // 1000000 + at_s,
                          query_time=None, response=h.dnstap.dns("heartbeat.unbound-verdict", 16))


def foreign(at_s, client):
    """Of another writer: no numbers, twice the same."""
    return h.dnstap.frame(client=client, identity="other", extra=None, query_time=None, response_time=BASE // 1000000 + at_s,
                          ns=5000, response=h.dnstap.dns([b"plain", b"example"], 1, 0, []))


class Days:
    """Day files of what is made, and of a recording where there is one."""
    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="verdict-clickhouse-")
        self.directory = self.scratch.name + "/days"
        self.events = made_events()
        frames = [beat(n, 80000 * (n - 1) + 50) for n in (1, 2, 3)] + [foreign(40, c) for c in ("10.3.0.1", "10.3.0.1", None)]
        h.collect(self.directory, self.events, *frames)
        recording = DATA / "traffic" / "rita_desktop_2024-04.tsv"
        self.recorded = h.events_of(h.traffic(recording, 2500)) if recording.exists() else []
        if self.recorded:
            h.collect(self.directory, self.recorded)
        else:
            print("# no recordings (VERDICT_DATA): events are made ones alone")


# --- a server ----------------------------------------------------------------------------------------------------

class Server:
    """clickhouse-server on loopback, in a directory of its own."""
    def __init__(self):
        found = os.environ.get("CLICKHOUSE_SERVER") or shutil.which("clickhouse-server", path=os.environ["PATH"] + ":/usr/sbin")
        if not found:
            raise live.Skip("no clickhouse-server: answers of one are not compared")
        self.scratch = tempfile.TemporaryDirectory(prefix="verdict-clickhouse-server-")
        directory = Path(self.scratch.name)
        self.port = ports.free_port()
        for name in ("data", "tmp"):
            (directory / name).mkdir()
        (directory / "config.xml").write_text(SERVER_CONFIG % {"dir": directory, "port": self.port})
        (directory / "users.xml").write_text(SERVER_USERS)
        self.url = "http://127.0.0.1:%d" % self.port
        self.process = subprocess.Popen([found, "--config-file=%s" % (directory / "config.xml")], cwd=directory,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def begin(self):
        until = time.monotonic() + 120
        while True:
            try:
                self.version = self.ask("SELECT version()").strip()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise AssertionError("clickhouse-server does not answer")
                time.sleep(0.1)
        print("# ClickHouse " + self.version)
        for text in statements("tables.sql"):
            self.ask(text)

    def ask(self, text, body=b""):
        url = self.url + ("/?" + urllib.parse.urlencode({"query": text}) if body else "/")
        try:
            with urllib.request.urlopen(url, body or text.encode(), timeout=120) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError("%.200s: %.500s" % (text, error.read().decode()))

    def fill(self, directory):
        for table in TABLES:
            done = h.verdictctl("hunt", "export", "clickhouse-" + table, "--directory", directory)
            equal((done.returncode, done.stderr), (0, b""), table)
            self.ask("INSERT INTO scale.%s FORMAT JSONEachRow" % table, done.stdout)

    def end(self):
        self.process.terminate()
        self.process.wait(60)


def statements(name):
    text = (SOURCE / "doc" / "scale" / name).read_text()
    return [part.strip() for part in re.sub(r"(?m)^--.*$", "", text).split(";") if part.strip()]


STATE = {}


def days():
    if "days" not in STATE:
        STATE["days"] = Days()
    return STATE["days"]


def server():
    if "server" not in STATE:
        STATE["server"] = Server()
        STATE["server"].begin()
        for _ in range(2):                    # twice: it is the same
            STATE["server"].fill(days().directory)
    return STATE["server"]


def both(*arguments):
    """What is printed from day files, when ClickHouse gives the same."""
    here = h.verdictctl("hunt", *arguments, "--directory", days().directory)
    there = h.verdictctl("hunt", *arguments, "--store", "clickhouse:" + server().url)
    equal((there.returncode, there.stderr), (here.returncode, here.stderr), arguments)
    if here.stdout != there.stdout:
        for one, other in zip(there.stdout.replace(b"{", b"\n{").splitlines(), here.stdout.replace(b"{", b"\n{").splitlines()):
            equal(one, other, arguments)
        equal(there.stdout, here.stdout, arguments)
    return here.stdout


def windows():
    return [[], ["--from", "2023-11-15"], ["--to", "2023-11-15T00:30:00"],
            ["--from", "2023-11-14T23:11:07.5", "--to", "2023-11-16T22:40"], ["--from", "2031-01-01"]]


QUESTIONS = [["domain", "www1.site2.example"], ["domain", "*.site3.example"], ["domain", "*.example", "--events"], ["domain", "x.test"],
             ["domain", "nothing.test"], ["domain", "*"], ["domain", "."], ["ip", "192.0.2.4"], ["ip", "192.0.2.0/28"],
             ["ip", "::ffff:192.0.2.4"], ["ip", "::ffff:192.0.2.0/124"], ["host", "::ffff:10.0.1.3"], ["ip", "::/64"], ["ip", "0.0.0.0/0"], ["ip", "2001:db8::5"],
             ["ip", "192.0.2.4/31"], ["ip", "::/0"], ["host", "10.0.1.3"], ["host", "10.0.0.0/16", "--events"], ["host", "::/0"],
             ["host", "10.9.0.0/24"], ["changes", "www1.site2.example"], ["changes", "*.site3.example"], ["changes", "example"],
             ["changes", "*"], ["rule", "malware"], ["rule", "trial"], ["rule", "malware:*.evil.example"], ["rule", "trial:x.test"],
             ["rule", "'"], ["technique", "T1071.004"], ["technique", "T1568"], ["technique", "T1048"], ["top"],
             ["top", "--limit", "3"], ["coverage"], ["incident", BOOT + ".0.40"], ["incident", BOOT + ".0.999999"],
             ["incident", "0123456789ab.0.11"]]


def every_hunt_is_the_same_from_both():
    server()
    for number, window in enumerate(windows()):
        # All of them without a window, of each window another quarter.
        some = QUESTIONS if not window else QUESTIONS[number - 1::4]
        for question in some + ([["new"]] if "--from" in window else []):
            limit = [] if "--limit" in question else ["--limit", "0"]
            text = both(*question, *window, *limit, "--json")
            if question[0] not in ("incident",) and window == [] and question[-1] not in ("nothing.test", "'", "."):
                assert len(text) > 400, (question, text)
        both("top", *window)
    both("coverage")
    both("host", "10.9.0.0/24", "--events")


def hostile_names_and_texts_find_themselves():
    server()
    for i, text in enumerate(HOSTILE):
        shown = h.shown([text.lower().encode("latin-1"), b"example"])
        got = json.loads(both("domain", shown, "--json"))
        equal([row["client"] for row in got["clients"]], ["10.9.0.%d" % i], shown)
        rule = got["verdicts"][0]["list"] + ":" + got["verdicts"][0]["rule"]
        assert json.loads(both("rule", rule, "--json"))["summary"][0]["count"] == 1, rule
    equal(server().ask("SELECT count() > 900 FROM scale.event").strip(), "1")


def recorded_traffic_is_the_same_from_both():
    if not days().recorded:
        raise live.Skip("no recordings (VERDICT_DATA)")
    server()
    events = days().recorded
    cut = ["--from", h.iso(sorted(e.ms for e in events)[len(events) // 3]),
           "--to", h.iso(sorted(e.ms for e in events)[2 * len(events) // 3])]
    names = sorted({e.name for e in events})
    for window in ([], cut):
        for question in ([["domain", name] for name in names[::200]] + [["changes", name] for name in names[30::200]] +
                         [["domain", "*.com"], ["ip", "104.16.0.0/12"], ["host", "0.0.0.0/0"], ["changes", "*.com"],
                          ["rule", "malware"], ["coverage"], ["top"]] + ([["new"]] if window else [])):
            both(*question, *window, "--limit", "0", "--json")


def exports_are_the_same_from_both():
    server()
    for form in ("cof", "ecs", "ocsf", "csv"):
        for window in ([], windows()[3]):
            both("export", form, *window)


def a_user_that_may_only_read_is_enough_and_its_password_is_not_told():
    url = "clickhouse:" + server().url
    with tempfile.NamedTemporaryFile("w", suffix=".password") as file:
        file.write("reader:let: me\n")
        file.flush()
        done = h.verdictctl("hunt", "top", "--store", url, "--password-file", file.name, "--json")
        equal((done.returncode, done.stderr), (0, b""))
        file.write("x")
    environment = dict(os.environ, CLICKHOUSE_USER="reader", CLICKHOUSE_PASSWORD="wrong: one")
    done = subprocess.run([h.build() / "verdictctl", "hunt", "top", "--store", url], capture_output=True, env=environment)
    equal(done.returncode, 3)
    assert b"wrong" not in done.stderr.lower() or b"wrong: one" not in done.stderr, done.stderr
    assert b"password" in done.stderr.lower(), done.stderr


def a_detection_has_columns_of_its_own():
    rows = server().ask("SELECT detector, tier, score, features, count() FROM scale.event FINAL WHERE domain = 'example.tunnel'"
                        " GROUP BY detector, tier, score, features FORMAT TSVRaw")
    equal(rows.split("\t"), ["tunnel", "high", "812", '{"entropy":4,"length":51}', "180\n"])


def tables_of_another_version_are_refused():
    server().ask("DROP TABLE scale.version")
    try:
        done = h.verdictctl("hunt", "top", "--store", "clickhouse:" + server().url)
        equal(done.returncode, 3)
        assert b"tables.sql" in done.stderr, done.stderr
        server().ask("CREATE VIEW scale.version AS SELECT 9 AS version, 'unbound-verdict' AS application")
        done = h.verdictctl("hunt", "top", "--store", "clickhouse:" + server().url)
        equal((done.returncode, done.stdout), (3, b""))
        assert b"version 9" in done.stderr, done.stderr
    finally:
        server().ask("DROP TABLE IF EXISTS scale.version")
        for text in statements("tables.sql"):
            server().ask(text)


# --- without a server -----------------------------------------------------------------------------------------------

class Answers(http.server.BaseHTTPRequestHandler):
    """Says what is told, whatever is asked; the first two questions (version, files) are answered well."""
    script, asked, protocol_version = [], [], "HTTP/1.1"

    def do_POST(self):
        self.asked.append((self.path, self.headers.get("Authorization"),
                           self.rfile.read(int(self.headers["Content-Length"])).decode()))
        status, body, cut = self.script.pop(0) if self.script else (200, b"", 0)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body) + cut))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass
        self.close_connection = cut > 0

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    """A client that hangs up is what is wanted."""
    def handle_error(self, *_):
        pass


FINE = [(200, b"2\tunbound-verdict\n", 0), (200, b"19675\t0\n", 0)]
HIT = "example.www\t0a000001\tnxdomain\tl\tr\tQNAME\tc\t\t\t\t\t\t1700000000000\t1700000000000\t1\n"


def told(script, *arguments, scheme="http", environment=None):
    Answers.script, Answers.asked = FINE + script, []
    with Quiet(("127.0.0.1", ports.free_port()), Answers) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            return subprocess.run([h.build() / "verdictctl", "hunt", *(arguments or ["rule", "l"]), "--json", "--store",
                                   "clickhouse:%s://127.0.0.1:%d" % (scheme, httpd.server_port)], capture_output=True,
                                  env=dict(os.environ, **(environment or {})), timeout=120)
        finally:
            httpd.shutdown()
            thread.join()


def recorded_answers_are_understood():
    done = told([(200, HIT.encode(), 0)])
    equal((done.returncode, done.stderr), (0, b""))
    equal(json.loads(done.stdout)["clients"], [{"client": "10.0.0.1", "first": "2023-11-14T22:13:20.000Z", "names": 1,
          "last": "2023-11-14T22:13:20.000Z", "count": 1, "verdicts": "nxdomain l"}])
    equal(json.loads(done.stdout)["files"], 1)


def no_text_from_outside_is_in_a_statement():
    texts = ["l'; DROP TABLE scale.event; --", "\\'; x", "unhex('')", "\u00fc\u202e"]
    for text in texts:
        told([], "rule", text)
        statement = Answers.asked[2][2]
        assert "unhex('%s')" % text.encode().hex() in statement and "DROP" not in statement and ":" not in statement, statement
    told([], "host", "10.1.0.0/16")
    assert "'0a010000'" in Answers.asked[2][2] and "'0a01ffff'" in Answers.asked[2][2], Answers.asked[2][2]


def what_a_server_does_wrong_is_an_error_and_never_half_an_answer():
    row = HIT.encode()
    for why, script, word in (
            ("an error", [(500, b"Code: 241, e.displayText() = DB::Exception: \x1b[31mmemory\x07 limit", 0)], b"memory"),
            ("an error without end", [(500, b"Code: 1 " + b"x" * 100000, 1 << 40)], b"500"),
            ("an error without text", [(503, b"", 0)], b"503"),
            ("a redirection is not followed", [(302, b"", 0)], b"302"),
            ("too few columns", [(200, b"a\tb\n", 0)], b"2 columns"),
            ("too many", [(200, b"\t" * 100 + b"\n", 0)], b"too many columns"),
            ("an exception behind rows", [(200, row + b"Code: 159. DB::Exception: Timeout", 0)], b""),
            ("no number", [(200, row.replace(b"\t1\n", b"\tone\n"), 0)], b"not understood"),
            ("no octets", [(200, row.replace(b"0a000001", b"0a00000z"), 0)], b"not understood"),
            ("odd octets", [(200, row.replace(b"0a000001", b"0a00001"), 0)], b"not understood"),
            ("it ends inside a row", [(200, row + row[:20], 0)], b"middle of a row"),
            ("the connection ends", [(200, row, 50)], b""),
            ("a row without end", [(200, b"x" * (9 << 20), 0)], b"too long")):
        done = told(script)
        equal((done.returncode, done.stdout), (3, b""), why)
        assert word in done.stderr and done.stderr.count(b"\n") == 1, (why, done.stderr)
        assert all(32 <= octet < 127 or octet == 10 for octet in done.stderr), done.stderr


def a_password_is_sent_and_not_shown():
    done = told([], environment={"CLICKHOUSE_USER": "u", "CLICKHOUSE_PASSWORD": "p\u00fc:x"})
    import base64
    equal(base64.b64decode(Answers.asked[0][1].split()[1]).decode(), "u:p\u00fc:x")
    equal((done.returncode, b"p\xc3" in done.stderr + done.stdout), (0, False))
    for path, wanted in (("/none", b"/none"), ("/dev/null", b"USER:PASSWORD")):
        done = h.verdictctl("hunt", "top", "--store", "clickhouse:http://127.0.0.1:1", "--password-file", path)
        assert done.returncode == 3 and wanted in done.stderr, done.stderr


def addresses_that_cannot_be_are_explained():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.free_port()))      # and does not listen
        for url, wanted in (("http://127.0.0.1:%d" % taken.getsockname()[1], b"onnect"), ("ftp://127.0.0.1", b"no URL"), ("", b"no URL"),
                            ("http://u:secret@127.0.0.1/", b"CLICKHOUSE_PASSWORD"), ("file:///etc/passwd", b"no URL"),
                            ("http://127.0.0.1:99999", b"no URL")):
            done = h.verdictctl("hunt", "top", "--store", "clickhouse:" + url)
            equal((done.returncode, done.stdout), (3, b""), url)
            assert wanted in done.stderr and b"secret" not in done.stderr, (url, done.stderr)
    done = h.verdictctl("hunt", "top", "--store", "sqlite:x")
    equal((done.returncode, done.stdout), (2, b""))


def tls_is_checked():
    import ssl
    with tempfile.TemporaryDirectory(prefix="verdict-clickhouse-") as scratch:
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", scratch + "/key", "-out",
                               scratch + "/cert", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                               "subjectAltName=IP:127.0.0.1"], capture_output=True)
        equal(made.returncode, 0, made.stderr)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(scratch + "/cert", scratch + "/key")
        Answers.script = FINE + [(200, HIT.encode(), 0)]
        with Quiet(("127.0.0.1", ports.free_port()), Answers) as httpd:
            httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
            thread = threading.Thread(target=httpd.serve_forever)
            thread.start()
            try:
                url = "clickhouse:https://127.0.0.1:%d" % httpd.server_port
                done = h.verdictctl("hunt", "rule", "l", "--store", url)
                equal((done.returncode, done.stdout), (3, b""))
                assert b"certificate" in done.stderr, done.stderr
                equal(len(Answers.script), 3)
                done = h.verdictctl("hunt", "rule", "l", "--store", url, "--ca", scratch + "/cert")
                equal((done.returncode, done.stderr), (0, b""))
                assert b"10.0.0.1" in done.stdout, done.stdout
            finally:
                httpd.shutdown()
                thread.join()


# --- exports -----------------------------------------------------------------------------------------------------

def exported(form, *more):
    done = h.verdictctl("hunt", "export", form, "--directory", days().directory, *more)
    equal((done.returncode, done.stderr), (0, b""), form)
    return done.stdout


def without(row, *paths):
    """Fields that no store keeps."""
    for path in paths:
        at, *names = [row] + path.split(".")
        for name in names[:-1]:
            at = at.get(name, {}) if isinstance(at, dict) else {}
        if isinstance(at, dict):
            at.pop(names[-1], None)
    return row


def unordered(value):
    """Lists as sets: the order of records in an answer is not kept."""
    if isinstance(value, list):
        return sorted({json.dumps(unordered(one), sort_keys=True) for one in value})
    return {key: unordered(one) for key, one in value.items()} if isinstance(value, dict) else value


def in_order(rows):
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def exports_are_what_tap_says_of_the_same_frames():
    """But for TTLs, of which the highest of a day is kept, and what is not: ports, the resolver's address, its version and
    the message's id."""
    events = days().events + days().recorded
    octets = h.dnstap.stream(*(event.frame() for event in events), foreign(40, "10.3.0.1"), foreign(40, "10.3.0.1"))
    unkept = {"ecs": ["dns.id", "client.port", "source.port", "server", "destination", "observer.version"],
              "ocsf": ["query.packet_uid", "transaction_id", "metadata.product.version", "src_endpoint.port", "dst_endpoint"]}
    for form in ("ecs", "ocsf"):
        done = h.verdictctl("tap", "--format", form, "-", input=octets)
        equal((done.returncode, done.stderr), (0, b""), form)
        one, other = ([without(json.loads(line), *unkept[form]) for line in text.splitlines() if b"OR 1=1" not in line]
                      for text in (done.stdout, exported(form)))
        # Identities are kept as ASCII. Without a client, what a frame has of one is a port, and a family.
        one, other = ([row for row in rows if "ip" in row.get("client", row.get("src_endpoint", {}))] for rows in (one, other))
        assert len(one) > 900, len(one)
        for row in one + other:
            for answer in row.get("dns", {}).get("answers", []) + row.get("answers", []):
                answer.pop("ttl", None)
                answer.pop("packet_uid", None)
        one, other = list(map(unordered, one)), list(map(unordered, other))
        equal(len(one), len(other))
        for got, wanted in zip(in_order(other), in_order(one)):
            equal(got, wanted, form)


def csv_can_be_read_and_holds_no_formula():
    text = exported("csv").decode("ascii")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    equal(text.count("\r\n"), len(rows) + 1)
    equal(len(rows), len(days().events) + len(days().recorded) + 3)
    assert all(octet >= " " or octet in "\r\n" for octet in text) and text.count("\n") == text.count("\r\n")
    for row in rows:
        assert not any(value[:1] in ("=", "+", "-", "@") for value in row.values()), row
    hostile = [row for row in rows if row["client"].startswith("10.9.0.")]
    equal({row["rule"][:6] for row in hostile}, {"'=cmd|"})
    assert "'-2+3" not in text and any(row["name"] == "'-2\\0433.example" for row in hostile), [row["name"] for row in hostile]
    made = [row for row in rows if row["number"].startswith(BOOT)]
    event = days().events[0]
    row = [row for row in rows if row["number"] == "%s.%d.%d" % event.number][0]
    equal({key: row[key] for key in ("resolver", "client", "name", "type", "rcode", "verdict", "path", "records")},
          {"resolver": event.identity, "client": str(h.address(event.client)), "name": event.name, "type": "A", "rcode": "NOERROR", "verdict": "allow",
           "path": "resolved", "records": "CNAME cdn0.network.example; A 192.0.2.0"})
    assert made and {row["detectors"] for row in made} == {"", "tunnel/high/observe"}


def rows_have_the_columns_of_their_tables():
    tables = dict(re.findall(r"(?s)CREATE TABLE IF NOT EXISTS scale\.(\w+)\n\((.*?)\n\)", (SOURCE / "doc/scale/tables.sql").read_text()))
    for table in TABLES:
        columns = [line.split()[0] for line in tables[table].splitlines() if re.match(r"\t\w", line) and
                   "ALIAS" not in line and "MATERIALIZED" not in line]
        rows = [json.loads(line) for line in exported("clickhouse-" + table).splitlines()]
        assert rows, table
        equal({tuple(row) for row in rows}, {tuple(columns)}, table)


def every_statement_is_asked_and_there():
    there = set(re.findall(r"(?m)^-- ([a-z]+(?:\.[a-z]+)?): ", (SOURCE / "doc/scale/hunts.sql").read_text()))
    code = "".join(path.read_text() for path in (SOURCE / "tools").glob("hunt_*.c"))
    asked = set(re.findall(r'"([a-z]+\.[a-z]+)"', code)) | {"version", "files"} | \
        {"top." + part for part in re.findall(r'FETCH_TOP\("([a-z]+)"', code)}
    equal(there - asked, set())
    equal({name for name in asked if name.split(".")[0] in {part.split(".")[0] for part in there}} - there, set())


CLAIMS = [
    every_hunt_is_the_same_from_both, hostile_names_and_texts_find_themselves, recorded_traffic_is_the_same_from_both,
    exports_are_the_same_from_both, a_user_that_may_only_read_is_enough_and_its_password_is_not_told,
    a_detection_has_columns_of_its_own, tables_of_another_version_are_refused,
    recorded_answers_are_understood, no_text_from_outside_is_in_a_statement,
    what_a_server_does_wrong_is_an_error_and_never_half_an_answer, a_password_is_sent_and_not_shown,
    addresses_that_cannot_be_are_explained, tls_is_checked,
    rows_have_the_columns_of_their_tables, every_statement_is_asked_and_there,
    exports_are_what_tap_says_of_the_same_frames, csv_can_be_read_and_holds_no_formula,
]

if __name__ == "__main__":
    try:
        live.run(CLAIMS)
    finally:
        if "server" in STATE:
            STATE["server"].end()
