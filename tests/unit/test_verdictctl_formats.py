#!/usr/bin/python3
"""The formats, filters, reports and ways in of `verdictctl tap`. TAP.

GOLDEN=write makes tests/unit/tap_golden anew."""
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
SRCDIR = os.environ.get("srcdir", ".")
sys.path[:0] = [os.path.join(SRCDIR, "tests", "unit"), os.path.join(SRCDIR, "tests")]
import dnstap_bytes as d  # noqa: E402
import live  # noqa: E402
import ports  # noqa: E402
import siem_fields  # noqa: E402
from live import equal  # noqa: E402

COMMAND = os.environ.get("VERDICTCTL", os.path.join(os.environ.get("builddir", "."), "verdictctl"))
GOLDEN = os.path.join(SRCDIR, "tests", "unit", "tap_golden")
ENVIRONMENT = {**os.environ, "TZ": "UTC"}
FORMATS = "line native ecs ocsf flat cof".split()
BOOT = "3f2a9c1b7d40"
VERDICTS = "allow pass observe nxdomain nodata refuse drop truncate local-data sinkhole".split()


def tap(octets, *options):
    done = subprocess.run([COMMAND, "tap", *options], input=octets, capture_output=True, env=ENVIRONMENT, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def objects(octets, *options):
    code, out, err = tap(octets, *options)
    equal(code, 0)
    return [json.loads(line) for line in out.splitlines()]


def answer(seq, verdict="allow", path="resolved", qname="www.example", worker=1, boot=BOOT, qtype=1, rcode=0, **more):
    """One frame; `more` goes to dnstap_bytes.frame."""
    hit = {} if verdict == "allow" else {"list": "malware", "rule": "*.evil.example", "trigger": "QNAME", "serial": 17,
                                         "category": "malware", "attack": ["T1071.004"]}
    answers = more.pop("answers", ())
    additional = more.pop("additional", ())
    extra = d.extra(verdict, path, **{**hit, **more.pop("add", {})})
    extra.update(seq=seq, worker=worker, boot=boot)
    more.setdefault("response", d.dns(qname, qtype, rcode, answers, additional))
    more.setdefault("query", d.dns(qname, qtype, response=False))
    more.setdefault("policy", d.policy("none", None, 3, None, None) if verdict == "allow" else d.policy())
    return d.frame(extra=extra, **more)


def heartbeat(number, boot=BOOT, target=("unix:s", 0), **workers):
    rows = [dict(zip(("worker", "seq", "dropped", "left_out"), (int(name[1:]), *told))) for name, told in workers.items()]
    extra = {"v": 1, "boot": boot, "heartbeat": number, "interval_ms": 1000, "workers": rows, "dropped": {"ring": 0, "spool": 0},
             "targets": [dict(zip(("name", "up", "written", "lost", "unsure"), (target[0], True, 5, *target[1:])))]}
    return d.frame(kind=12, client=None, protocol=None, query_time=None, extra=extra)


def former(seq, dropped, boot="000000000001"):
    return d.frame(kind=12, client=None, protocol=None, query_time=None, extra={
        "v": 1, "boot": boot,
        "former": {"worker": 0, "seq": seq, "dropped": dropped, "recovered": 3, "damaged": False}})


def detection(detector, tier, attack, value=600, threshold=512, **features):
    return {"detector": detector, "tier": tier, "action": "observe", "value": value, "threshold": threshold, "attack": attack,
            "features": features}


TUNNEL = detection("tunnel", "high", ["T1071.004", "T1048.003", "T1572"], 2100, 2048, octets_10m=2100, names=84)
ODD = detection("odd-type", "low", ["T1071.004"], 10, 0, qtype=10)
NEW = detection("newly-observed", "tag", ["T1583.001"], 1, 1)


def every_frame():
    """All verdicts, and what is odd in DNS."""
    a, aaaa = b"\xc0\0\2\1", ipaddress.ip_address("2001:db8::1").packed
    text = b'say "hi"\\ \0\x1b[2J \xc3\xa9'
    chain = [d.record("www.example", 5, d.name("a.example.net")), d.record("a.example.net", 5, d.name("b.example.org")),
             d.record("b.example.org", 1, a, 60), d.record("b.example.org", 1, b"\xc0\0\2\2", 60)]
    frames = [answer(i + 1, verdict, rcode=3 if verdict == "nxdomain" else 5 if verdict == "refuse" else 0)
              for i, verdict in enumerate(VERDICTS) if verdict != "drop"]
    frames += [
        answer(7, "drop", "dropped", response=None),
        answer(11, answers=[d.record("www.example", 28, aaaa)], qtype=28, client="2001:db8::7"),
        answer(12, answers=chain, protocol=4, unknown=b"later"),
        answer(13, qtype=16, answers=[d.record("www.example", 16, bytes([len(text)]) + text + b"\1x")]),
        answer(14, qtype=65, answers=[d.record("www.example", 65, b"\0\1\0" + struct.pack("!HH", 1, 3) + b"\2h2")]),
        answer(15, response=struct.pack("!HHHHHH", 1, 0x8380, 1, 0, 0, 0) + d.name("cut.example") + b"\0\1\0\1"),
        answer(16, "allow", add={"shadow": {"list": "test", "rule": "example", "action": "refuse"}}),
        answer(17, qname=[b"\x1b[31m", b"a.b", b"\xff"], qtype=65280, rcode=2,
               additional=[d.edns((15, b"\0\17list malware"))]),
        heartbeat(1, w1=(17, 0)), former(99, 2),
        d.frame(kind=4, response=d.dns("other.example", answers=[d.record("other.example", 1, a)])),
        d.frame(kind=6, response=d.dns("rpz.example"), policy=d.policy("RPZ", "rule", 4)),
        d.frame(kind=6, response=b"\0\1\2", identity=None, response_time=None, query_time=None),
        answer(18, "allow", add={"detections": [NEW, ODD, TUNNEL]}),
        answer(19, "nxdomain", rcode=3, add={"detections": [ODD]}),
        answer(20, "allow", add={"detections": [NEW]}),
    ]
    return frames


# --- formats -------------------------------------------------------------------------------------------------

def prints_what_it_printed_before_in_every_format():
    for name in FORMATS:
        out = tap(d.stream(*every_frame()), "--format", name)[1]
        path = os.path.join(GOLDEN, name)
        if os.environ.get("GOLDEN") == "write":
            with open(path, "wb") as file:
                file.write(out)
        with open(path, "rb") as file:
            wanted = file.read().splitlines()
        got = out.splitlines()
        for number, (one, other) in enumerate(zip(got, wanted)):
            if one != other:
                raise AssertionError("%s line %d: got %r, wanted %r" % (name, number + 1, one, other))
        equal(len(got), len(wanted))


def prints_valid_json_and_no_control_octet():
    for name in FORMATS:
        out = tap(d.stream(*every_frame()), "--format", name)[1]
        assert all(octet == 10 or 32 <= octet <= 126 for octet in out), name
        if name != "line":
            assert all(isinstance(json.loads(line), dict) for line in out.splitlines()), name


def tells_detections_in_the_words_of_each_format():
    frames = [answer(1, add={"detections": [NEW, ODD, TUNNEL]}), answer(2, "nxdomain", add={"detections": [ODD]}),
              answer(3, add={"detections": [NEW]}), answer(4)]
    observed, denied, tagged, plain = objects(d.stream(*frames), "-f", "ecs")
    equal((observed["event"]["kind"], observed["event"]["type"]), ("alert", ["protocol", "info"]))
    equal(observed["event"]["category"], ["network", "intrusion_detection"])
    equal((observed["event"]["risk_score"], observed["event"]["risk_score_norm"]), (6, 75.0))
    equal(observed["event"]["reason"], "tunnel high: 2100 over 2048")
    equal(observed["rule"], {"name": "tunnel", "ruleset": "detectors"})
    equal(observed["threat"]["technique"]["id"], ["T1071.004", "T1048.003", "T1572"])
    equal(observed["unbound_verdict"]["detections"][2]["features"], {"octets_10m": 2100, "names": 84})
    equal((denied["rule"]["name"], denied["event"]["type"][1]), ("malware:*.evil.example", "denied"))
    equal((denied["event"]["reason"], denied["event"]["risk_score"]), ("odd-type low", 1))
    equal(denied["threat"]["technique"]["id"], ["T1071.004"])
    for one in tagged, plain:
        equal((one["event"]["kind"], "rule" in one, "threat" in one, "reason" in one["event"]), ("event", False, False, False))
    observed, denied, tagged, plain = objects(d.stream(*frames), "-f", "ocsf")
    equal((observed["is_alert"], observed["action"], observed["disposition"]), (True, "Observed", "Detected"))
    equal([row["technique"]["uid"] for row in observed["attacks"]], ["T1071.004", "T1048.003", "T1572"])
    equal((observed["risk_score"], observed["risk_level_id"], observed["risk_level"]), (6, 3, "High"))
    equal((observed["risk_details"], observed["firewall_rule"]), ("tunnel high: 2100 over 2048", {"name": "tunnel", "type": "detector"}))
    equal((denied["risk_level"], denied["firewall_rule"]["uid"]), ("Low", "malware:*.evil.example"))
    for one in tagged, plain:
        equal((one["is_alert"], "attacks" in one, "risk_score" in one), (False, False, False))
    observed, denied, tagged, plain = objects(d.stream(*frames), "-f", "flat")
    equal((observed["action"], observed["signature"], observed["detector"], observed["severity"]), ("allowed", "tunnel", "tunnel", "high"))
    equal((observed["detector_tier"], observed["detector_value"], observed["detector_threshold"]), ("high", 2100, 2048))
    equal((observed["feature_octets_10m"], observed["feature_names"], observed["risk_score"]), (2100, 84, 6))
    equal(observed["mitre_technique_id"], ["T1071.004", "T1048.003", "T1572"])
    equal((denied["signature"], denied["detector"], denied["action"]), ("malware:*.evil.example", "odd-type", "blocked"))
    for one in tagged, plain:
        equal([key for key in one if key.startswith(("detector", "feature", "severity", "risk"))], [])


def endures_detections_that_no_detector_made():
    odd = [[], [1], [{}], "tunnel", {"detector": "x"}, [{"detector": "x", "tier": "low", "attack": "T1"}],
           [{"detector": 'a"\x1b]0;', "tier": "block", "value": -1, "threshold": 1e300, "attack": [1, None, "T\n1"] * 50,
             "features": {"octets_10m": "7", 'b"ad': 1, "names": 2 ** 63}}],
           [dict(ODD, attack=["T%d" % number for number in range(100)])] * 9]
    for one in odd:
        for name, table in ("ecs", siem_fields.ECS), ("ocsf", siem_fields.OCSF), ("flat", None):
            code, out, err = tap(d.stream(answer(1, add={"detections": one})), "-f", name)
            equal((code, err), (0, ""))
            assert all(octet == 10 or 32 <= octet <= 126 for octet in out), (one, out)
            found = json.loads(out)
            if table is not None:
                siem_fields.check([found], table, "unbound_verdict" if name == "ecs" else "unmapped")
            for key in "feature_b", 'feature_b"ad':
                assert key not in found, found


def has_only_fields_of_ecs_with_its_types():
    seen = siem_fields.check(objects(d.stream(*every_frame()), "-f", "ecs"), siem_fields.ECS, "unbound_verdict")
    equal(set(siem_fields.ECS) - seen, {"http.version"})


def has_only_attributes_of_ocsf_with_its_types():
    found = objects(d.stream(*every_frame()), "-f", "ocsf")
    for one in found:
        for name in siem_fields.OCSF_REQUIRED:
            assert name in one, name
        equal((one["class_uid"], one["type_uid"]), (4003, 400300 + one["activity_id"]))
    equal(set(siem_fields.OCSF) - siem_fields.check(found, siem_fields.OCSF, "unmapped"), set())


def exported(octets, name):
    """What `hunt export` makes of frames that were collected."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([COMMAND, "collect", "-D", folder, "--keep-free", "0", "-"], input=octets, capture_output=True,
                              env=ENVIRONMENT, timeout=60)
        assert done.returncode in (0, 3), done.stderr
        done = subprocess.run([COMMAND, "hunt", "export", name, "-D", folder], capture_output=True, env=ENVIRONMENT, timeout=60)
        equal((done.returncode, done.stderr), (0, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]


def hostile_frames():
    """Other numbers than the schemas have names for, and names and texts of all kinds."""
    return [answer(1, rcode=13, qtype=251), answer(2, rcode=9, qtype=0),
            answer(3, "nxdomain", qname=[b"<b>", b"a\0b", b"\xff"], add={"list": "\u202e'\"", "rule": "\x1b[31m", "category": "<i>"}),
            answer(4, qname=[], qtype=2, answers=[d.record("", 2, d.name("ns.example"))]),
            answer(5, protocol=6, response=d.dns("www.example", 65535, 3)), answer(6, query=None, client=None),
            answer(7, answers=[d.record("www.example", 1, b"\xc0\0\2\1"), d.record("WWW.example", 1, b"\xc0\0\2\1")]),
            answer(8, response=d.dns("www.example", 65400, 0, [d.record("www.example", 65400, b"\0\xff")]))]


def every_object_has_what_its_format_wants():
    octets = d.stream(*every_frame(), *(answer(100 + n, path=path) for n, path in enumerate(("cached", "local", "chaos"))))
    octets += d.stream(*hostile_frames())
    for name, table, required, words, own in (
            ("ecs", siem_fields.ECS, siem_fields.ECS_REQUIRED, siem_fields.ECS_WORDS, "unbound_verdict"),
            ("ocsf", siem_fields.OCSF, siem_fields.OCSF_REQUIRED, {**siem_fields.OCSF_NUMBERS, **siem_fields.OCSF_WORDS}, "unmapped")):
        for found in objects(octets, "-f", name, "--no-dedup"), exported(octets, name):
            assert len(found) > 20, (name, len(found))
            siem_fields.check(found, table, own)
            siem_fields.check_values(found, words)
            equal([one for one in found if not set(required) <= set(one)], [], name)
            if name == "ocsf":
                equal([one for one in found if one["type_uid"] != 400300 + one["activity_id"]], [])
    for found in objects(octets, "-f", "cof", "--no-dedup"), exported(octets, "cof"):
        assert len(found) > 5
        siem_fields.check_cof(found)


def tells_verdicts_apart_for_each_schema():
    frames = d.stream(*every_frame()[:10])
    ecs = {one["event"]["action"]: (one["event"]["type"][1], one["event"]["kind"]) for one in objects(frames, "-f", "ecs")}
    ocsf = {one["status_detail"]: (one["action_id"], one["disposition_id"]) for one in objects(frames, "-f", "ocsf")}
    flat = {one["verdict"]: one["action"] for one in objects(frames, "-f", "flat")}
    equal(ecs["dns-policy-allow"], ("allowed", "event"))
    equal((ecs["dns-policy-nxdomain"], ecs["dns-policy-observe"]), (("denied", "alert"), ("info", "alert")))
    equal([ocsf[verdict] for verdict in VERDICTS],
          [(1, 1), (1, 1), (3, 15), (2, 2), (2, 2), (2, 2), (2, 6), (4, 14), (4, 99), (4, 99)])
    equal([flat[verdict] for verdict in VERDICTS], ["allowed"] * 3 + ["blocked"] * 7)
    blocked = objects(d.stream(answer(1, "sinkhole")), "-f", "ocsf", "--sinkhole-as-blocked")[0]
    equal((blocked["action_id"], blocked["disposition_id"]), (2, 2))


def keeps_denied_and_local_answers_out_of_passive_dns():
    record = [d.record("WWW.example", 1, b"\xc0\0\2\1")]
    frames = [answer(1, answers=record), answer(2, answers=record, response_time=1700000050), answer(3, "sinkhole", answers=record),
              answer(4, path="local", answers=record), answer(5, "nxdomain", answers=record)]
    equal(objects(d.stream(*frames), "-f", "cof"), [{
        "rrname": "www.example", "rrtype": "A", "rdata": ["192.0.2.1"], "time_first": 1700000000,
        "time_last": 1700000050, "count": 2}])


def a_type_without_a_name_is_a_number_in_passive_dns():
    record = [d.record("www.example", 65400, b"\1\2")]
    equal([one["rrtype"] for one in objects(d.stream(answer(1, answers=record)), "-f", "cof")], [65400])


def is_read_by_dnsdbq():
    if shutil.which("dnsdbq") is None:
        raise live.Skip("no dnsdbq")
    with tempfile.NamedTemporaryFile() as file:
        file.write(tap(d.stream(*every_frame()), "-f", "cof")[1])
        file.flush()
        done = subprocess.run(["dnsdbq", "-J", file.name], capture_output=True, timeout=60,
                              env={**ENVIRONMENT, "DNSDB_API_KEY": "none"})
    assert done.returncode == 0 and b"b.example.org A 192.0.2.1" in b" ".join(done.stdout.split()), done
    assert done.stdout.count(b"record times") >= 5, done.stdout


# --- filters, duplicates, gaps, counts -----------------------------------------------------------------------

def filters_by_every_condition_and_all_together():
    frames = d.stream(*every_frame())
    rows = [
        (["--name", "example"], 21, "suffixes of whole labels"), (["--name", "ample"], 0, "no part of a label"),
        (["--name", "WWW.EXAMPLE."], 18, "case and the last dot do not matter"), (["--client", "2001:db8::/32"], 1, "IPv6"),
        (["--client", "10.0.0.0/29"], 22, "IPv4"), (["--client", "10.0.0.8/29"], 0, "a neighbour"),
        (["--verdict", "nxdomain,refuse"], 3, "either"), (["--list", "test"], 1, "of a shadow verdict, too"),
        (["--type", "TXT"], 1, ""), (["--path", "dropped"], 1, ""), (["--from", "2023-11-14T22:13:20Z"], 22, ""),
        (["--to", "2023-11-14T22:13:20Z"], 0, ""), (["--from", "1h"], 0, "an hour ago"),
        (["--verdict", "allow", "--type", "TXT"], 1, "both"), (["--verdict", "drop", "--type", "TXT"], 0, "both"),
    ]
    for options, wanted, why in rows:
        equal((options, why, tap(frames, *options, "--no-heartbeats")[1].count(b"\n")), (options, why, wanted))
    for options in ["--client", "10.0.0.0/33"], ["--verdict", "deny"], ["--type", "NOPE"], ["--from", "soon"]:
        equal(tap(frames, *options)[0], 2)


def removes_duplicates_by_number_alone():
    frames = [answer(1), answer(3), answer(2), answer(1), answer(3), answer(1, worker=2), answer(1, boot="other")]
    equal(len(objects(d.stream(*frames), "--json")), 7)
    equal([one["verdict"]["seq"] for one in objects(d.stream(*frames), "--json", "--dedup")], [1, 3, 2, 1, 1])


def gaps(frames, *options):
    code, out, err = tap(d.stream(*frames), "--gaps", "--quiet", *options)
    equal(err, "")
    return code, out.decode().splitlines()


def says_which_frames_are_missing():
    source = "boot %s worker 1: " % BOOT
    rows = [
        ([answer(n) for n in (5, 3, 4, 6)] + [heartbeat(2, w1=(6, 0))], 0, "3 to 6: complete, 4 frames"),
        ([answer(n) for n in (1, 2, 3)], 0, "1 to 3: complete, 3 frames; unknown after 3"),
        ([answer(n) for n in (16, 21, 98, 100)] + [heartbeat(2, w1=(100, 0))], 1,
         "16 to 100: 81 missing: 17-20, 22-97, 99"),
        ([answer(1), heartbeat(2, w1=(3, 2))], 0, "1 to 1: 2 missing: 2-3; 2 dropped as told by the resolver"),
        ([answer(1), heartbeat(2, w1=(3, 1))], 1, "1 to 1: 2 missing: 2-3; 1 dropped as told by the resolver"),
        ([heartbeat(2, w1=(9, 0)), heartbeat(3, w1=(9, 0))], 0, "no frame came: complete, 0 frames"),
        ([heartbeat(2, w1=(9, 0)), heartbeat(3, w1=(12, 0))], 1, "no frame came: 3 missing: 10-12"),
        ([heartbeat(1), answer(5), heartbeat(2, w1=(6, 0))], 1, "5 to 5: 5 missing: 1-4, 6"),
        ([heartbeat(1), heartbeat(2, w1=(6, 0))], 1, "no frame came: 6 missing: 1-6"),
        ([heartbeat(1), answer(3, add={"left_out": 2}), answer(9, add={"left_out": 7}), heartbeat(2, w1=(12, 0, 10))], 0,
         "3 to 9: complete, 2 frames; 10 answers have no frame by `frames:`"),
        ([answer(3, add={"left_out": 2}), answer(9, add={"left_out": 5})], 1,
         "3 to 9: 2 missing; 3 answers have no frame by `frames:`; unknown after 9"),
        ([answer(9, add={"left_out": 5}), answer(3, add={"left_out": 2}), heartbeat(2, w1=(12, 1, 7))], 1,
         "3 to 9: 3 missing; 5 answers have no frame by `frames:`; 1 dropped as told by the resolver"),
        ([heartbeat(1), answer(5)], 0, "5 to 5: complete, 1 frames; 4 more may still come; unknown after 5"),
        ([heartbeat(1), answer(1), heartbeat(2, w1=(3, 0)), answer(9)], 1,
         "1 to 9: 2 missing: 2-3; 5 more may still come; unknown after 9"),
        ([heartbeat(1), answer(1), heartbeat(2, w1=(3, 0)), answer(9, add={"dropped": 2})], 1,
         "1 to 9: 2 missing: 2-3; 5 more may still come; 2 dropped as told by the resolver; unknown after 9"),
        ([heartbeat(1), answer(1), heartbeat(2, w1=(3, 0)), answer(9), *[answer(n) for n in range(2, 9)],
          heartbeat(3, w1=(9, 0))], 0, "1 to 9: complete, 9 frames"),
        ([heartbeat(1), answer(2, add={"left_out": 1}), heartbeat(2, w1=(3, 0, 2)), answer(9, add={"left_out": 4})], 0,
         "2 to 9: complete, 2 frames; 4 answers have no frame by `frames:`; 3 more may still come; unknown after 9"),
        ([answer(1), answer(1), answer(2), heartbeat(2, w1=(2, 0))], 0, "1 to 2: complete, 2 frames; 1 came twice"),
        ([answer(1), answer(1 << 40), answer(2), heartbeat(2, w1=(1 << 40, 0))], 1,
         "1 to %d: %d missing: 3-%d" % (1 << 40, (1 << 40) - 3, (1 << 40) - 1)),
    ]
    for frames, code, wanted in rows:
        equal(gaps(frames), (code, [source + wanted]))
    equal(gaps([former(99, 2)])[1], ["boot 000000000001 worker 0: no frame came: complete, 0 frames; 2 dropped as told by "
                                     "the resolver"])


def verdicts_that_overtake_by_more_than_the_window_make_no_gap():
    end = 1 << 21
    first = [answer(n) for n in range(1, 401, 2)] + [answer(end)]
    rows = ((first + [heartbeat(2, w1=(end, 0))], end - 201, 0),
            (first + [answer(n) for n in range(2, 400, 2)] + [heartbeat(2, w1=(end, 0))], end - 400, 135))
    for frames, missing, late in rows:
        report = json.loads(gaps(frames, "--json")[1][0])
        equal((report["missing"], report["late"], report["awaited"]), (missing, late, 0))


def a_verdict_that_comes_first_hides_nothing_that_comes_behind_it():
    end = 1 << 20
    behind = [answer(end)] + [answer(n) for n in range(1, 400)] + [heartbeat(2, w1=(end, 0))]
    for frames in [heartbeat(1)] + behind, behind:
        equal(json.loads(gaps(frames, "--json")[1][0])["missing"], end - 400)


def tells_what_targets_lost():
    def beat(number, lost, unsure=0, name="far"):
        return heartbeat(number, BOOT, (name, lost, unsure), w1=(20, 0))

    lost = "resolver %s target far: %%d lost as told by the resolver" % "resolver-1"
    eight = [answer(n) for n in range(1, 13)]
    rows = [
        ([beat(1, 3), *eight, beat(2, 11)], 0, [lost % 8], "what it lost before is not of these"),
        ([beat(1, 3), *eight, beat(2, 11), beat(1, 3), beat(2, 11)], 0, [lost % 8], "a heartbeat that comes twice"),
        ([beat(1, 0), *eight, beat(2, 7)], 1, [lost % 7], "one more is missing"),
        ([beat(1, 0), *eight, beat(2, 7, unsure=1)], 0, [lost % 7 + "; 1 were sent and may be"], "that one was sent"),
        ([beat(1, 0), *eight, beat(2, 5), heartbeat(1, "000000000002", ("far", 8))], 0, [lost % 8], "the next process tells"),
        ([beat(1, 0), *eight, beat(2, 4), heartbeat(1, "000000000002", ("far", 8)), beat(3, 6),
          heartbeat(2, "000000000002", ("far", 8))], 0, [lost % 8], "a killed process is heard behind the next"),
        ([beat(1, 0), *eight, beat(2, 4), beat(3, 4, name="near")], 1, [lost % 4], "another target starts with what it had"),
    ]
    for frames, code, wanted, why in rows:
        got, lines = gaps(frames)
        equal((why, got, [line for line in lines if line.startswith("resolver")]), (why, code, wanted))


def one_target_is_not_excused_by_another():
    frames = [heartbeat(1, BOOT, ("far", 0, 0), w1=(0, 0)), *[answer(n) for n in range(1, 13)],
              heartbeat(2, BOOT, ("far", 8, 0), w1=(20, 0))]
    for options, code, told in (([], 0, 1), (["--target", "far"], 0, 1), (["--target", "near"], 1, 0)):
        got, lines = gaps(frames, *options)
        equal((options, got, len([line for line in lines if line.startswith("resolver")])), (options, code, told))
    equal(tap(b"", "--target", "far")[0], 2)


def counts_by_verdict_and_list():
    code, out, err = tap(d.stream(*every_frame()), "--stats", "--quiet", "--json")
    stats = json.loads(out)
    equal((stats["report"], stats["frames"], stats["verdict"]["allow"], stats["list"]), ("stats", 23, 10, {"malware": 10, "test": 1}))


# --- files ---------------------------------------------------------------------------------------------------

def reads_globs_that_no_shell_saw():
    with tempfile.TemporaryDirectory() as folder:
        for name in "a.fs", "b.fs":
            with open(os.path.join(folder, name), "wb") as file:
                file.write(d.stream(answer(1)))
        equal(tap(b"", os.path.join(folder, "*.fs"))[1].count(b"\n"), 2)


def reads_on_behind_damage_where_a_stream_begins():
    damaged = d.control(d.START) + d.data(answer(1)) + b"\xff" * 40
    code, out, err = tap(b"garbage, and more" + damaged + d.stream(answer(2)), "--json")
    equal((code, [json.loads(line)["verdict"]["seq"] for line in out.splitlines()]), (3, [1, 2]))
    assert "octet 0: not a Frame Streams" in err and "a frame over 256 KiB" in err, err


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def follows_a_file_over_its_rotation():
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "f"), os.path.join(folder, "out")
        file = open(path, "wb", buffering=0)
        with open(out, "wb") as to:
            process = subprocess.Popen([COMMAND, "tap", "--json", "--follow", path], stdout=to, stderr=subprocess.PIPE,
                                       env=ENVIRONMENT)

        def numbers():
            with open(out, "rb") as file:
                lines = file.read().split(b"\n")[:-1]   # what is behind the last is not all there yet
            return [json.loads(line)["verdict"]["seq"] for line in lines]
        try:
            file.write(d.control(d.START) + d.data(answer(1)) + d.data(answer(2))[:60])
            wait_for(lambda: numbers() == [1])
            file.write(d.data(answer(2))[60:])
            wait_for(lambda: numbers() == [1, 2])
            os.rename(path, path + ".1")
            file.write(d.data(answer(3)) + d.control(d.STOP, None))
            file.close()
            with open(path, "wb") as file:
                file.write(d.stream(answer(4)))
            wait_for(lambda: numbers() == [1, 2, 3, 4])
            process.send_signal(signal.SIGTERM)
            err = process.communicate(timeout=120)[1]
            equal((process.returncode, err), (0, b""))
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


# --- collectors ----------------------------------------------------------------------------------------------

class Collector:
    """`tap --listen` on a port of loopback; ended by its own pid."""

    def __init__(self, scheme, *options):
        self.port = ports.free_port()
        self.out = tempfile.TemporaryFile()   # a pipe that nobody reads would stop it
        self.process = subprocess.Popen([COMMAND, "tap", "--json", "--listen", "%s:127.0.0.1@%d" % (scheme, self.port),
                                         *options], env=ENVIRONMENT, stdout=self.out, stderr=subprocess.PIPE)

    def __enter__(self):
        wait_for(self.answers)
        return self

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            assert self.process.poll() is None, self.process.stderr.read()
            return False

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.out.close()

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), 60)
        plain.settimeout(60)
        return plain

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        err = self.process.communicate(timeout=120)[1]
        self.out.seek(0)
        return [json.loads(line)["verdict"]["seq"] for line in self.out.read().splitlines()], err.decode()


def speak(sender, *frames):
    sender.sendall(d.control(d.READY))
    equal(sender.recv(100), d.control(d.ACCEPT))
    sender.sendall(d.stream(*frames))
    equal(sender.recv(100), d.control(d.FINISH, None))
    sender.close()


def collects_over_tcp_and_removes_duplicates():
    with Collector("tcp") as collector:
        one, other = collector.connect(), collector.connect()
        speak(other, answer(1), answer(2))
        speak(one, answer(2), answer(3))
        equal(collector.end(), ([1, 2, 3], ""))


def certificates(folder):
    """An authority, a server and a client of it, and a stranger."""
    def run(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder, timeout=60)
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    for name in "ca", "stranger":
        run(*new, "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
    for name in "server", "client":
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout",
            name + ".key", "-out", name + ".csr")
        run("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", name + ".pem")


def collects_over_tls_from_known_clients_alone():
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)

        def file(name):
            return os.path.join(folder, name)

        def wrap(plain, name):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(file("ca.pem"))
            if name is not None:
                context.load_cert_chain(file(name + ".pem"), file(name + ".key"))
            return context.wrap_socket(plain)
        with Collector("tls", "--tls-cert", file("server.pem"), "--tls-key", file("server.key"), "--tls-client-ca",
                       file("ca.pem")) as collector:
            for name in None, "stranger":
                try:
                    speak(wrap(collector.connect(), name), answer(9))
                    raise AssertionError("a stranger was served")
                except (ssl.SSLError, ConnectionError):
                    pass
            with collector.connect() as plain:
                plain.sendall(d.stream(answer(8)))
            frames = [answer(n) for n in range(1, 400)]   # more than one TLS record at a time
            speak(wrap(collector.connect(), "client"), *frames)
            found, err = collector.end()
            equal(found, list(range(1, 400)))
            equal(err.count("TLS: "), 3)
        missing = tap(b"", "--listen", "tls:127.0.0.1@1", "--tls-cert", file("gone.pem"), "--tls-key", file("server.key"))
        assert missing[0] == 3 and "gone.pem: cannot use this certificate" in missing[2], missing


def refuses_options_that_do_not_fit():
    for options in ["--listen", "tls:127.0.0.1@1"], ["--listen", "unix:/x", "file"], ["--follow"], ["--quiet"], \
            ["--format", "xml"], ["--listen", "somewhere"], ["--tls-cert", "x"], ["--dedup", "--no-dedup", "-"]:
        equal((options, tap(b"", *options)[0]), (options, 2))


if __name__ == "__main__":
    live.run([
        prints_what_it_printed_before_in_every_format, prints_valid_json_and_no_control_octet,
        has_only_fields_of_ecs_with_its_types, has_only_attributes_of_ocsf_with_its_types,
        every_object_has_what_its_format_wants,
        tells_verdicts_apart_for_each_schema, tells_detections_in_the_words_of_each_format,
        endures_detections_that_no_detector_made, keeps_denied_and_local_answers_out_of_passive_dns,
        a_type_without_a_name_is_a_number_in_passive_dns, is_read_by_dnsdbq,
        filters_by_every_condition_and_all_together, removes_duplicates_by_number_alone, says_which_frames_are_missing,
        verdicts_that_overtake_by_more_than_the_window_make_no_gap,
        a_verdict_that_comes_first_hides_nothing_that_comes_behind_it, tells_what_targets_lost,
        one_target_is_not_excused_by_another,
        counts_by_verdict_and_list, reads_globs_that_no_shell_saw, reads_on_behind_damage_where_a_stream_begins,
        follows_a_file_over_its_rotation, collects_over_tcp_and_removes_duplicates,
        collects_over_tls_from_known_clients_alone, refuses_options_that_do_not_fit])
