#!/usr/bin/python3
"""Metrics, alerts and dashboard: what Prometheus makes of them. TAP."""
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests"))
import live  # noqa: E402
import ports  # noqa: E402
from live import Fake, Skip, equal  # noqa: E402

LABELS = {"list", "action", "trigger", "reason", "path", "target", "detector", "tier", "part"}
DETECTION = 'detection:\n public-suffix-list: "%s"\n' % live.SUFFIXES


def tool(name):
    beside = os.path.dirname(os.environ.get("PROMTOOL", ""))   # both are of one package
    found = shutil.which(name, path=beside + os.pathsep + os.environ.get("PATH", ""))
    if found is None:
        raise Skip("no %s; on Debian: apt-get install prometheus" % name)
    return found


def metrics():
    if not os.path.exists(live.SUFFIXES):
        raise Skip("no " + live.SUFFIXES)
    with Fake(DETECTION) as fake:
        fake.tell("deny")
        for number in range(200):
            fake.tell("see %s.evil-lab.com" % hashlib.sha256(b"%d" % number).hexdigest()[:48])
        code, out, err = fake.run("metrics")
        equal((code, err), (0, ""))
        return out


def has_help_and_type_and_bounded_labels():
    text = metrics()
    names = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            names[name] = kind
            equal(kind == "counter", name.endswith("_total"))
            continue
        if line.startswith("# HELP "):
            assert line.split()[2] not in names, line
            continue
        found = re.fullmatch(r"(unbound_verdict_[a-z_]+)(?:\{(.*)\})? (-?[0-9.e+-]+)", line)
        assert found, line
        assert found.group(1) in names, line
        for label in re.findall(r'(?:^|,)([a-z_]+)="(?:[^"\\]|\\.)*"', found.group(2) or ""):
            assert label in LABELS, line
    assert 'unbound_verdict_list_matches_total{list="malware",action="nxdomain",trigger="QNAME"} 1' in text.splitlines(), text
    assert 'unbound_verdict_list_skipped_entries{list="malware",reason="not a domain name"} 1' in text.splitlines(), text
    for detector, tier in ("tunnel", "low"), ("tunnel", "block"):
        assert 'unbound_verdict_detections_total{detector="%s",tier="%s"} 1' % (detector, tier) in text.splitlines(), text
    assert 'unbound_verdict_detections_total{detector="beacon",tier="low"} 0' in text.splitlines(), text
    looked = float(re.search(r"^unbound_verdict_detect_looked_timestamp_seconds (\S+)", text, re.M).group(1))
    assert abs(looked - time.time()) < 3600, looked
    assert "evil" not in text and "192.0.2" not in text


def says_that_detectors_are_wanted_and_none_run():
    name = "unbound_verdict_detect_running"
    rows = [("none are wanted", "", []), ("they run", DETECTION, [name + " 1"]),
            ("there is no list of suffixes", 'detection:\n public-suffix-list: "/nowhere/at/all"\n', [name + " 0"])]
    for why, more, wanted in rows:
        if more == DETECTION and not os.path.exists(live.SUFFIXES):
            continue
        with Fake(more) as fake:
            equal((why, [line for line in fake.run("metrics")[1].splitlines() if line.startswith(name)]), (why, wanted))


def passes_promtool():
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=metrics(), capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""))


def has_alerts_that_prometheus_takes():
    done = subprocess.run([tool("promtool"), "check", "rules", os.path.join(SOURCE, "doc", "alerts.yml")],
                          capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stderr), (0, ""))
    assert "SUCCESS" in done.stdout, done.stdout


def rings_when_it_must_and_not_else():
    done = subprocess.run([tool("promtool"), "test", "rules", os.path.join(SOURCE, "tests", "unit", "alerts_test.yml")],
                          capture_output=True, text=True, timeout=120)
    equal((done.returncode, done.stderr), (0, ""))


def uses_metrics_that_exist():
    there = set(re.findall(r"^# TYPE (\S+)", metrics(), re.M))
    with open(os.path.join(SOURCE, "doc", "dashboard.json")) as file:
        dashboard = json.load(file)
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [row["query"]["query"] for row in dashboard["templating"]["list"] if isinstance(row["query"], dict)]
    equal(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))
    with open(os.path.join(SOURCE, "doc", "alerts.yml")) as file:
        queries.append(file.read())
    used = {name for query in queries for name in re.findall(r"unbound_verdict_\w+", query)}
    assert len(used) > 20, used
    equal(used - there, set())


def is_scraped_by_a_real_prometheus():
    prometheus = tool("prometheus")
    text = metrics().encode()

    class Bridge(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    port = ports.free_port()
    server = http.server.HTTPServer(("127.0.0.1", 0), Bridge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="verdict") as folder:
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as file:
            file.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ['%s']\nscrape_configs:\n"
                       " - {job_name: verdict, static_configs: [{targets: ['127.0.0.1:%d']}]}\n"
                       % (os.path.abspath(os.path.join(SOURCE, "doc", "alerts.yml")), server.server_port))
        process = subprocess.Popen([prometheus, "--config.file", config, "--storage.tsdb.path", os.path.join(folder, "data"),
                                    "--web.listen-address", "127.0.0.1:%d" % port], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            def asked(what):
                with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s" % (port, what), timeout=60) as answer:
                    return json.load(answer)["data"]

            found, healths = [], []
            for _ in range(240):
                try:
                    found = asked("query?query=unbound_verdict_list_matches_total")["result"]
                    healths = [row["health"] for row in asked("targets")["activeTargets"]]
                except OSError:
                    pass
                if found and healths == ["up"]:
                    break
                time.sleep(0.5)
            equal([(row["metric"]["list"], row["value"][1]) for row in found], [("malware", "1")])
            equal(healths, ["up"])
        finally:
            process.terminate()
            process.wait(120)
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    live.run([has_help_and_type_and_bounded_labels, says_that_detectors_are_wanted_and_none_run,
              passes_promtool, has_alerts_that_prometheus_takes, rings_when_it_must_and_not_else, uses_metrics_that_exist,
              is_scraped_by_a_real_prometheus])
