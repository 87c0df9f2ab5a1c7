#!/usr/bin/python3
"""What `verdictctl tap` prints, and what it does with damaged and hostile input. TAP."""
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import dnstap_bytes as d  # noqa: E402
import live  # noqa: E402
from live import equal  # noqa: E402

COMMAND = os.environ.get("VERDICTCTL", os.path.join(os.environ.get("builddir", "."), "verdictctl"))
ENVIRONMENT = {**os.environ, "TZ": "UTC"}
DENIED = d.frame(response=d.dns("www.evil.example", rcode=3), policy=d.policy(),
                 extra=d.extra(list="malware", rule="*.evil.example", trigger="QNAME", attack=["T1071.004"],
                               incident="3f2a9c1b7d40.1.17"))
ALLOWED = d.frame(response=d.dns("www.example", answers=[d.record("www.example", 1, b"\xc0\0\2\1")]),
                  extra=d.extra("allow", "cached"))


def tap(octets, *options):
    done = subprocess.run([COMMAND, "tap", *options], input=octets, capture_output=True, env=ENVIRONMENT, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def objects(octets):
    code, out, err = tap(octets, "--json")
    return code, [json.loads(line) for line in out.splitlines()], err


def safe(out):
    return all(octet == 10 or 32 <= octet <= 126 for octet in out)


def prints_one_aligned_line_for_a_denied_answer():
    code, out, err = tap(d.stream(DENIED))
    equal((code, err), (0, ""))
    equal(out.decode(), "2023-11-14 22:13:20.123456 10.0.0.7        udp resolved "
          "www.evil.example                 A     NXDOMAIN "
          "nxdomain by malware:*.evil.example (T1071.004)  3f2a9c1b7d40.1.17  2.10ms\n")


def prints_an_allowed_answer_and_its_shadow_verdict():
    shadow = {"list": "test", "rule": "example", "action": "refuse"}
    out = tap(d.stream(d.frame(response=d.dns("www.example"), extra=d.extra("allow", shadow=shadow))))[1]
    assert b" allow, would be refuse by test:example  3f2a9c1b7d40.1.17" in out, out


def prints_the_group_of_the_client():
    out = tap(d.stream(d.frame(response=d.dns("www.example"), extra=d.extra("allow", group="branch"))))[1]
    assert b"  group branch  " in out, out
    out = tap(d.stream(d.frame(response=d.dns("www.example"), extra=d.extra("allow", group="default"))))[1]
    assert b"group" not in out, out


def on_a_terminal(octets, **environment):
    """What a person's terminal gets."""
    master, slave = live.terminal()
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets)
        file.flush()
        process = subprocess.Popen([COMMAND, "tap", file.name], stdout=slave, env={**ENVIRONMENT, "TERM": "xterm", **environment})
        os.close(slave)
        out = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:   # Linux says so when the other end is closed
                more = b""
            if not more:
                break
            out += more
        process.wait(120)
    os.close(master)
    return out


def colours_what_a_person_should_see():
    shadow = {"list": "test", "rule": "example", "action": "refuse"}
    red, green, yellow, faint, off = b"\x1b[31m", b"\x1b[32m", b"\x1b[33m", b"\x1b[2m", b"\x1b[0m"
    target = {"name": "s", "up": True, "written": 5, "lost": 0}

    def answer(verdict, rcode=0, **more):
        return d.frame(response=d.dns("www.example", rcode=rcode), extra=d.extra(verdict, **more))

    def note(**more):
        extra = {"v": 1, "boot": "3f2a9c1b7d40", "heartbeat": 1, "workers": [{"worker": 0, "seq": 5, "dropped": 0}],
                 "targets": [target], **more}
        return d.frame(kind=12, client=None, protocol=None, query_time=None, extra=extra)
    rows = [
        (answer("nxdomain", list="bad", rule="example"), red + b"nxdomain" + off + b" by bad:example", "a denial"),
        (answer("pass", list="good", rule="example"), green + b"pass" + off, "an exception"),
        (answer("observe", list="bad", rule="example"), yellow + b"observe" + off, "only observed"),
        (answer("allow", shadow=shadow), yellow + b", would be refuse by test:example" + off, "what would be done"),
        (answer("allow", 2), yellow + b"SERVFAIL" + off + b" allow", "a failure"),
        (answer("allow", group="branch"), b"allow" + faint + b"  group branch  3f2a9c1b7d40.1.17", "no verdict is faint"),
        (note(), faint + b"2023-", "all is well"),
        (note(workers=[{"worker": 0, "seq": 5, "dropped": 1}]), yellow + b"2023-", "a drop"),
        (note(targets=[target, {**target, "up": False}]), yellow + b"2023-", "a target is down"),
        (note(targets=[{**target, "lost": 1}]), yellow + b"2023-", "a target lost frames"),
        (note(former={"worker": 0, "seq": 9, "dropped": 0, "recovered": 1, "damaged": False}, heartbeat=None), faint + b"2023-",
         "a former process left all"),
        (note(former={"worker": 0, "seq": 9, "dropped": 0, "recovered": 1, "damaged": True}, heartbeat=None), yellow + b"2023-",
         "a former process left some"),
    ]
    for frame, wanted, why in rows:
        out = on_a_terminal(d.stream(frame))
        assert wanted in out and out.rstrip().endswith(off), (why, out)
        assert b"\x1b" not in on_a_terminal(d.stream(frame), NO_COLOR="1"), why


def prints_every_field_as_json():
    ede = d.edns((15, struct.pack("!H", 15) + b"list malware"))
    answers = [d.record("www.evil.example", 5, d.name("sink.example")),
               d.record("sink.example", 1, b"\xc0\0\2\1", 60)]
    frame = d.frame(response=d.dns("www.evil.example", answers=answers, additional=[ede]), policy=d.policy(),
                    client="2001:db8::7", protocol=3, extra=d.extra("sinkhole", list="malware"))
    code, found, err = objects(d.stream(frame))
    equal((code, err), (0, ""))
    equal(found, [{
        "time": "2023-11-14T22:13:20.123456789Z", "query_time": "2023-11-14T22:13:20.121356789Z", "duration_us": 2100,
        "identity": "resolver-1", "version": "unbound-verdict 0.1.0", "type": "CLIENT_RESPONSE",
        "client": "2001:db8::7", "client_port": 5353, "server": "192.0.2.53", "server_port": 53, "transport": "dot",
        "id": 4711, "flags": ["qr", "rd", "ra"], "qname": "www.evil.example", "qtype": "A", "qclass": "IN",
        "rcode": "NOERROR",
        "answers": [{"name": "www.evil.example", "type": "CNAME", "ttl": 300, "data": "sink.example."},
                    {"name": "sink.example", "type": "A", "ttl": 60, "data": "192.0.2.1"}],
        "ede": [{"code": 15, "text": "list malware"}],
        "policy": {"type": "list", "rule": "malware:*.evil.example", "action": "NXDOMAIN", "match": "QNAME",
                   "value": "www.evil.example"},
        "verdict": d.extra("sinkhole", list="malware")}])


def prints_frames_of_other_writers():
    frames = [d.frame(kind=5, query=d.dns("www.example", response=False), response_time=None),
              d.frame(kind=4, response=d.dns("www.example"), identity=None),
              d.frame(kind=6, response=d.dns("www.example"), policy=d.policy("RPZ", "rule", 4)),
              d.frame(kind=13, client=None, protocol=None, query_time=None, response_time=None),
              d.frame(kind=99, protocol=42, response=d.dns("www.example"), unknown=b"later")]
    code, out, err = tap(d.stream(*frames))
    equal((code, err), (0, ""))
    lines = out.decode().splitlines()
    equal(len(lines), 5)
    for line, wanted in zip(lines, ["client-query www.example ",
                                    " 192.0.2.53      udp resolver-response www.example ", " policy DROP by RPZ rule",
                                    "update-query", " -        www.example"]):
        assert wanted in line, (wanted, line)
    code, found, err = objects(d.stream(*frames))
    equal((code, found[4]["type"], found[4]["transport"], found[3].get("client")), (0, 99, 42, None))


def lets_no_control_octet_out():
    evil = b"\x1b]0;owned\x07\x9b31m\xe2\x80\xae\xff\n\r\0\x7f"
    nasty = "\x1b[2J\u202e\u0085\x7f"
    frame = d.frame(response=d.dns([evil, b"example"], answers=[
        d.record([evil], 16, bytes([len(evil)]) + evil), d.record([evil], 5, d.name([evil])),
        d.record([evil], 65280, evil), d.record([evil], 257, b"\0\5issue" + evil),
        d.record([evil], 13, b"\5" + evil[:5] * 2),
        ], additional=[d.edns((15, b"\0\17" + evil))]),
        identity=evil, policy=d.policy("list", evil, value=evil),
        extra=d.extra(nasty, nasty, list=nasty, rule=nasty, attack=[nasty], boot=nasty, group=nasty,
                      shadow={"list": nasty, "action": nasty}))
    raw = d.frame(response=d.dns([evil]), extra=evil, policy=d.policy(evil.decode("latin-1"), evil))
    for options in [], ["--json"]:
        code, out, err = tap(d.stream(frame, raw), *options)
        equal((code, err, safe(out), out.count(b"\n")), (0, "", True, 2))


def keeps_json_valid_whatever_octets_come():
    every = bytes(range(256))
    labels = [every[i:i + 63] for i in range(0, 252, 63)][:3]
    code, found, err = objects(d.stream(d.frame(response=d.dns(labels), identity=every, extra=every)))
    equal((code, err, len(found), found[0]["identity"][:12]), (0, "", 1, "\\000\\001\\002"))


def says_where_a_file_is_cut_and_prints_what_is_whole():
    octets = d.stream(DENIED, ALLOWED)
    second = len(d.control(d.START)) + len(d.data(DENIED))
    code, out, err = tap(octets[:second + 100])
    equal((code, out.count(b"\n")), (3, 1))
    equal(err, "verdictctl: standard input: octet %d: ends inside a frame\n" % second)


def takes_a_stream_without_stop_with_a_word():
    code, out, err = tap(d.stream(DENIED, stop=False))
    equal((code, out.count(b"\n")), (0, 1))
    assert "ends without STOP" in err, err


def reads_streams_one_after_another():
    code, out, err = tap(d.stream(DENIED) + d.stream(ALLOWED))
    equal((code, out.count(b"\n"), err), (0, 2, ""))


def refuses_what_is_no_stream():
    start = d.control(d.START)
    rows = [
        (b"", "octet 0: is empty"), (b"\0\0", "octet 0: ends inside"),
        (b"hello, world", "octet 0: not a Frame Streams"),
        (d.control(d.START, b"protobuf:other"), "octet 0: the stream does not hold"),
        (d.control(d.FINISH, None), "only a collector sends"), (d.control(d.STOP, None), "STOP without a START"),
        (start + start, "octet %d: a second START" % len(start)),
        (struct.pack("!II", 0, 513) + b"x" * 600, "impossible length"),
        (struct.pack("!III", 0, 4, 77), "damaged control frame"),
        (start + struct.pack("!I", 256 * 1024 + 1) + b"x" * 300000, "octet %d: a frame over 256 KiB" % len(start)),
        (start + b"\xff\xff\xff\xff", "octet %d: a frame over 256 KiB" % len(start)),
        (start + d.control(d.STOP, None) + d.data(DENIED), "a frame outside START and STOP"),
    ]
    for octets, wanted in rows:
        code, out, err = tap(octets)
        equal((code, out), (3, b""))
        assert wanted in err, (wanted, err)


def leaves_an_undecodable_frame_out_and_goes_on():
    code, out, err = tap(d.stream(b"\xff" * 40, DENIED, d.message([(15, 1)])))
    equal((code, out.count(b"\n"), err.count("no dnstap message")), (3, 1, 2))


def says_when_a_dns_message_cannot_be_read():
    broken = d.frame(response=d.dns("www.example", answers=[b"\3www"]))
    code, out, err = tap(d.stream(broken))
    assert code == 0 and b"DNS message cannot be read" in out, (code, out, err)
    assert "dns_error" in objects(d.stream(broken))[1][0]


def takes_a_frame_of_256_kib():
    frame = d.frame(response=d.dns("www.example"), extra=d.extra("allow"))
    padded = frame + d.field(100, b"x" * (256 * 1024 - len(frame) - 5))
    code, out, err = tap(d.stream(padded))
    equal((len(padded), code, out.count(b"\n"), err), (256 * 1024, 0, 1, ""))


def stops_at_the_count():
    code, out, err = tap(d.stream(*[DENIED] * 10) + b"damage", "--count", "3")
    equal((code, out.count(b"\n"), err), (0, 3, ""))


def survives_every_cut_and_many_flips():
    octets = d.stream(DENIED, ALLOWED)
    for cut in range(0, len(octets), 7):
        code, out, err = tap(octets[:cut])
        assert code in (0, 3) and safe(out), (cut, code)
    for at in range(0, len(octets), 5):
        code, out, err = tap(octets[:at] + bytes([octets[at] ^ 0xff]) + octets[at + 1:], "--json")
        assert code in (0, 3) and safe(out), (at, code, err)


def reads_several_files_and_names_the_bad_one():
    with tempfile.TemporaryDirectory() as folder:
        good, gone = os.path.join(folder, "good.fs"), os.path.join(folder, "gone\x1b.fs")
        with open(good, "wb") as file:
            file.write(d.stream(DENIED))
        code, out, err = tap(b"", good, gone, good)
        equal((code, out.count(b"\n")), (3, 2))
        assert "gone\\027.fs: No such file" in err, err


def is_quiet_when_the_reader_goes_away():
    octets = d.stream(*[DENIED] * 5000)
    script = '{ "$0" tap -; echo "exit $?" >&2; } | head -n 1'
    shell = subprocess.run(["/bin/sh", "-c", script, COMMAND], input=octets, capture_output=True, env=ENVIRONMENT,
                           timeout=60)
    equal((shell.stdout.count(b"\n"), shell.stderr), (1, b"exit 0\n"))


def says_so_when_output_cannot_be_written():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, "tap", "-"], input=d.stream(DENIED), stdout=full, stderr=subprocess.PIPE,
                              env=ENVIRONMENT, timeout=60)
    assert done.returncode == 3 and b"cannot write" in done.stderr, done


# --- listening -----------------------------------------------------------------------------------------------

class Listener:
    """`verdictctl tap --listen` on a socket in a folder of its own; ended by its own pid."""

    def __init__(self, *options, **arguments):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "s")
        self.process = subprocess.Popen([COMMAND, "tap", "--no-dedup", "--listen", "unix:" + self.path, *options], env=ENVIRONMENT,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **arguments)

    def __enter__(self):
        for _ in range(6000):
            if os.path.exists(self.path):
                break
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        self.folder.cleanup()

    def connect(self):
        for left in range(5999, -1, -1):   # it is there before it listens
            sender = socket.socket(socket.AF_UNIX)
            if sender.connect_ex(self.path) == 0:
                sender.settimeout(60)
                return sender
            sender.close()
            assert left > 0, "nobody listens"
            time.sleep(0.01)

    def line(self):
        return self.process.stdout.readline()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err.decode()


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid) as stat:
        return sum(int(ticks) for ticks in stat.read().rsplit(")", 1)[1].split()[11:13])


def open_stream(listener):
    sender = listener.connect()
    sender.sendall(d.control(d.READY))
    equal(sender.recv(100), d.control(d.ACCEPT))
    sender.sendall(d.control(d.START))
    return sender


def speaks_both_ways_and_prints_at_once():
    with Listener() as listener:
        sender = open_stream(listener)
        sender.sendall(d.data(DENIED)[:50])
        time.sleep(0.05)
        sender.sendall(d.data(DENIED)[50:])
        assert listener.line().startswith(b"22:13:20.123456 10.0.0.7 ")
        sender.sendall(d.control(d.STOP, None))
        equal(sender.recv(100), d.control(d.FINISH, None))
        sender.close()
        equal(listener.end(), (0, b"", ""))
        assert not os.path.exists(listener.path)


def takes_one_way_streams():
    with Listener() as listener:
        with listener.connect() as sender:
            sender.sendall(d.stream(DENIED, ALLOWED))
            assert listener.line() and listener.line()
        equal(listener.end()[0], 0)


def closes_a_bad_peer_and_serves_the_others():
    with Listener("--json") as listener:
        good = open_stream(listener)
        for octets in b"GET / HTTP/1.0\r\n\r\n", d.control(d.READY, b"other"), d.control(d.START) + b"\xff" * 9, \
                d.stream(b"\xff" * 9), d.control(d.FINISH, None):
            with listener.connect() as bad:
                bad.sendall(octets)
                try:
                    equal(bad.recv(100), b"")
                except ConnectionResetError:
                    pass
            good.sendall(d.data(DENIED))
            equal(json.loads(listener.line())["rcode"], "NXDOMAIN")
        good.close()
        code, out, err = listener.end()
        equal((code, out, err.count("closed at octet")), (0, b"", 6))


def serves_many_at_once_with_a_silent_one_among_them():
    with Listener("--count", "40") as listener:
        silent = listener.connect()
        late = re.compile(rb"verdictctl: connection 1 closed at octet 0: it did not send START in time")
        senders = [open_stream(listener) for _ in range(20)]
        for _ in range(2):
            for sender in senders:
                sender.sendall(d.data(DENIED))
        out, err = listener.process.communicate(timeout=120)
        said = [line for line in err.splitlines() if not late.fullmatch(line)]
        equal((listener.process.returncode, out.count(b"\n"), said), (0, 40, []))
        for sender in [silent] + senders:
            sender.close()


def turns_away_more_than_it_can_hold():
    with Listener() as listener:
        held = [open_stream(listener) for _ in range(128)]   # who says nothing is sent away after a while
        more = listener.connect()
        equal(more.recv(10), b"")
        for sender in held + [more]:
            sender.close()
        again = open_stream(listener)
        again.sendall(d.data(DENIED))
        assert listener.line()
        again.close()
        assert "128 are open already" in listener.end()[2]


def waits_without_effort_when_descriptors_run_out():
    limit = 130   # fewer than its 128 connections and its own take
    with Listener(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) as listener:
        held = [listener.connect() for _ in range(150)]
        time.sleep(0.5)
        before = cpu_ticks(listener.process.pid)
        time.sleep(1)
        spent = cpu_ticks(listener.process.pid) - before
        assert spent < 30, "%d of 100 ticks" % spent
        for sender in held:
            sender.close()
        time.sleep(1.5)
        again = open_stream(listener)
        again.sendall(d.data(DENIED))
        assert listener.line()
        again.close()
        equal(listener.end()[0], 0)


def says_when_it_cannot_wait_at_all():
    with Listener(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))) as listener:
        out, err = listener.process.communicate(timeout=120)
        assert listener.process.returncode == 3 and b"cannot wait for senders" in err, (out, err)


def replaces_a_stale_socket_only():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(path)
        stale.listen()
        busy = subprocess.run([COMMAND, "tap", "--listen", "unix:" + path], capture_output=True, timeout=120)
        assert busy.returncode == 3 and b"another program listens" in busy.stderr, busy
        stale.close()
        process = subprocess.Popen([COMMAND, "tap", "--listen", "unix:" + path])
        for _ in range(6000):
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(path)
                break
            except OSError:
                time.sleep(0.01)
        process.terminate()
        equal(process.wait(timeout=120), 0)
        with open(path, "w") as file:
            file.write("mine")
        refused = subprocess.run([COMMAND, "tap", "--listen", "unix:" + path], capture_output=True, timeout=120)
        assert refused.returncode == 3 and b"is no socket" in refused.stderr, refused
        assert os.path.exists(path)


def explains_wrong_usage():
    for options, wanted in [
            (["--jsn"], "did you mean '--json'"), (["--count", "0"], "from 1"), (["--count"], "needs a value"),
            (["--listen", "tcp:1"], "takes unix:PATH"), (["--listen", "unix:/x", "file"], "not both"),
            (["--listen", "unix:/x", "--socket-mode", "9"], "octal"), (["-\x1b"], "\\027")]:
        code, out, err = tap(b"", *options)
        equal((code, out), (2, b""))
        assert wanted in err and "\x1b" not in err, (wanted, err)


CLAIMS = [
    prints_one_aligned_line_for_a_denied_answer, prints_an_allowed_answer_and_its_shadow_verdict,
    prints_the_group_of_the_client,
    colours_what_a_person_should_see,
    prints_every_field_as_json, prints_frames_of_other_writers, lets_no_control_octet_out,
    keeps_json_valid_whatever_octets_come, says_where_a_file_is_cut_and_prints_what_is_whole,
    takes_a_stream_without_stop_with_a_word, reads_streams_one_after_another, refuses_what_is_no_stream,
    leaves_an_undecodable_frame_out_and_goes_on, says_when_a_dns_message_cannot_be_read, takes_a_frame_of_256_kib,
    stops_at_the_count, survives_every_cut_and_many_flips, reads_several_files_and_names_the_bad_one,
    is_quiet_when_the_reader_goes_away, says_so_when_output_cannot_be_written, speaks_both_ways_and_prints_at_once,
    takes_one_way_streams, closes_a_bad_peer_and_serves_the_others, serves_many_at_once_with_a_silent_one_among_them,
    turns_away_more_than_it_can_hold, waits_without_effort_when_descriptors_run_out, says_when_it_cannot_wait_at_all,
    replaces_a_stale_socket_only, explains_wrong_usage,
]

if __name__ == "__main__":
    live.run(CLAIMS)
