#!/usr/bin/python3
"""Clients behind keyed pseudonyms, from frames through `verdictctl collect` to `hunt` and `forget`. TAP."""
import glob
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import dnstap_bytes as d  # noqa: E402
import live  # noqa: E402
from live import equal  # noqa: E402
from test_verdictctl_collect import COMMAND, Days, answer  # noqa: E402

KEY, OTHER = "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f"
CLIENTS = ["198.51.100.231", "2001:db8:dead:77::beef"]
PREFIX = ipaddress.ip_network("100::/64")
# AES-128 of ::ffff:192.0.2.1 with KEY, its first half: `openssl enc -aes-128-ecb -nopad`.
KNOWN = "192.0.2.1", "100::1dbd:c1b9:fff1:7586"


def write_key(path, text, mode=0o600):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def forms(client):
    """An address as files could have it: text of either length, octets, hexadecimal, reversed for PTR, mapped."""
    one = ipaddress.ip_address(client)
    texts = {str(one), one.exploded, one.packed.hex(), one.reverse_pointer, ".".join(reversed(one.reverse_pointer.split(".")))}
    return [text.encode() for text in texts] + [text.upper().encode() for text in texts] + [one.packed]


def traces(folder):
    """(file, form) of each place that tells a client."""
    found = []
    for path in glob.glob(folder + "/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                octets = file.read()
            found += [(os.path.basename(path), form) for client in CLIENTS for form in forms(client) if form in octets]
    return found


def frames():
    """What tells of a client in other fields than its own, too."""
    for seq, client in enumerate(CLIENTS * 40, 1):
        length = 32 if "." in client else 128
        more = [{}, {"verdict": "refuse", "trigger": "CLIENT-IP", "list": "clients", "rule": "%s/%d" % (client, length)},
                {"shadow": {"list": "s", "rule": "%s/%d" % (client, length), "action": "nxdomain"}}][seq % 3]
        yield answer("w%d.example" % seq, seq, client=client, **more)


class Running:
    """`collect --listen`, ended by its own pid; what it says is in a file beside the directory of days."""

    def __init__(self, days, *words):
        self.days, self.path, self.log = days, os.path.join(days.folder, "socket"), os.path.join(days.folder, "said")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([COMMAND, "collect", "--directory", days.days, "--keep-free", "0", "--listen",
                                             "unix:" + self.path, *words], stdout=log, stderr=log)

    def __enter__(self):
        wait_for(lambda: os.path.exists(self.path) or self.process.poll() is not None)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def send(self, octets):
        """FINISH acknowledges: everything is durable."""
        with socket.socket(socket.AF_UNIX) as to:
            to.settimeout(60)
            wait_for(lambda: to.connect_ex(self.path) == 0)   # it is there before it listens
            to.sendall(d.control(d.READY))
            equal(to.recv(100), d.control(d.ACCEPT))
            to.sendall(octets)
            equal(to.recv(100), d.control(d.FINISH, None))


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def keyed(days, text=KEY, mode=0o600):
    os.makedirs(days.days, exist_ok=True)
    return write_key(os.path.join(days.days, "privacy.key"), text, mode)


def addresses(days):
    return {str(ipaddress.ip_address(octets)) for octets, in days.rows("SELECT address FROM client")}


def host(days, client, *words):
    code, out, err = days.run("hunt", "host", "--directory", days.days, "--json", *words, client)
    equal((code, err), (0, ""))
    return [(row["name"], row["count"]) for row in json.loads(out)["names"]]


def nothing_that_is_kept_tells_a_client():
    with Days() as days, Days() as open_days:
        keyed(days)
        with Running(days, "--privacy", "pseudonym") as running:
            running.send(d.stream(*frames()))
            assert glob.glob(days.days + "/*-wal"), "no log of changes is there to be looked at"
            equal(traces(days.folder), [])
        equal(traces(days.folder), [])
        equal((len(addresses(days)), all(ipaddress.ip_address(one) in PREFIX for one in addresses(days))), (2, True))
        with Running(open_days) as running:
            running.send(d.stream(*frames()))
        told = {form for _, form in traces(open_days.folder)}
        for client in CLIENTS:
            assert ipaddress.ip_address(client).packed in told and client.encode() in told, "the search finds nothing"


def what_is_said_of_a_bad_frame_tells_no_client():
    with Days() as days:
        keyed(days)
        with Running(days, "--privacy", "pseudonym") as running:
            bad = d.frame(response=b"\0\1\2", client=CLIENTS[0])
            running.send(d.stream(bad, b"\xff" * 30, answer(seq=1, client=CLIENTS[1])))
        equal(traces(days.folder), [])


def a_client_is_found_by_its_address_and_the_key():
    with Days() as days:
        key = keyed(days)
        octets = d.stream(*(answer("%s.example" % name, seq, client=client) for seq, (name, client) in
                            enumerate([("a", KNOWN[0]), ("b", CLIENTS[0]), ("b", KNOWN[0]), ("c", CLIENTS[1])], 1)))
        equal(days.collect(octets, "--privacy", "pseudonym")[0], 0)
        wanted = [("a.example", 1), ("b.example", 1)]
        equal(sorted(host(days, KNOWN[1])), wanted)
        equal(sorted(host(days, KNOWN[0], "--key", key)), wanted)
        equal(sorted(host(days, "::ffff:" + KNOWN[0], "--key", key)), wanted)
        equal(host(days, CLIENTS[1], "--key", key), [("c.example", 1)])
        equal(host(days, KNOWN[0], "--key", write_key(days.folder + "/other", OTHER)), [])
        hint = "verdictctl: clients here can be hidden by pseudonyms: ask for one address with --key %s\n" % key
        for asked, said in ((KNOWN[0], hint), ("192.0.2.0/24", hint), (KNOWN[1][:-1] + "0", ""), (KNOWN[1], "")):
            code, out, err = days.run("hunt", "host", "--json", "--directory", days.days, asked)
            equal((code, err, len(json.loads(out)["names"])), (0, said, 2 if asked == KNOWN[1] else 0), asked)
        equal(days.run("forget", "--directory", days.days, KNOWN[0]), (0, "0 events were removed\n", hint))
        equal(days.run("forget", "--directory", days.days, "--key", key, KNOWN[0]), (0, "2 events were removed\n", ""))
        equal(host(days, KNOWN[1]), [])
        equal(host(days, CLIENTS[0], "--key", key), [("b.example", 1)])
        with Running(days, "--privacy", "pseudonym"):
            equal(days.run("forget", "--directory", days.days, "--key", key, CLIENTS[0]), (0, "1 events were removed\n", ""))
        equal(traces(days.folder), [])


def one_key_gives_one_pseudonym_wherever_it_is_made():
    def of(text, identity):
        with Days() as days:
            keyed(days, text)
            equal(days.collect(d.stream(answer(client=KNOWN[0], identity=identity)), "--privacy", "pseudonym")[0], 0)
            return addresses(days)
    equal(of(KEY, "resolver-1"), {KNOWN[1]})
    equal(of(KEY + "\n", "resolver-2"), {KNOWN[1]})
    assert of(OTHER, "resolver-1") != {KNOWN[1]}


def pseudonyms_of_a_resolver_stay_as_they_are():
    with Days() as days:
        key = keyed(days, OTHER)
        octets = d.stream(answer(seq=1, client=KNOWN[1], privacy="pseudonym"), answer(seq=2, client=KNOWN[0]))
        equal(days.collect(octets, "--privacy", "pseudonym")[0], 0)
        equal(len(addresses(days)), 2)
        equal(host(days, KNOWN[0], "--key", write_key(days.folder + "/resolvers", KEY)), [("www.example", 1)])
        equal(host(days, KNOWN[0], "--key", key), [("www.example", 1)])


def a_new_key_makes_new_pseudonyms_and_the_old_ones_are_found_by_the_old():
    with Days() as days:
        old = write_key(days.folder + "/old", KEY)
        for seq, text in (1, KEY), (2, OTHER):
            key = keyed(days, text)
            name = "n%d.example" % seq
            equal(days.collect(d.stream(answer(name, seq, client=KNOWN[0])), "--privacy", "pseudonym")[0], 0)
        equal(len(addresses(days)), 2)
        equal(host(days, KNOWN[0], "--key", old), [("n1.example", 1)])
        equal(host(days, KNOWN[0], "--key", key), [("n2.example", 1)])
        equal(days.run("forget", "--directory", days.days, "--key", old, KNOWN[0]), (0, "1 events were removed\n", ""))
        equal(addresses(days) - {KNOWN[1]}, addresses(days))


def a_key_that_is_none_is_told():
    rows = [("", 0o600, "32 hexadecimal digits", "empty"), (KEY[:-1], 0o600, "32 hexadecimal digits", "too short"),
            (KEY + "0", 0o600, "32 hexadecimal digits", "too long"), (KEY[:-1] + "g", 0o600, "32 hexadecimal digits", "no digit"),
            (KEY, 0o644, "others can read", "everybody can read it"), (KEY, 0o660, "others can", "the group can change it")]
    with Days() as days:
        for text, mode, wanted, why in rows:
            key = keyed(days, text, mode)
            for words in ("collect", "--privacy", "pseudonym", "-"), ("forget", "--key", key, KNOWN[0]), \
                    ("hunt", "host", KNOWN[0], "--key", key):
                code, out, err = days.run(words[0], "--directory", days.days, *words[1:], octets=d.stream(answer()))
                assert (code, out) == (3, "") and key + ": " in err and wanted in err, (why, words, code, out, err)
            equal(glob.glob(days.days + "/*.sqlite"), [], why)
        os.unlink(key)
        os.symlink(days.folder, key)
        for path, wanted in (days.folder + "/none", "no such file"), (key, "privacy.key: "), (days.folder, "is no file"):
            for words in ("forget", "--key", path, KNOWN[0]), ("hunt", "host", KNOWN[0], "--key", path):
                code, out, err = days.run(words[0], "--directory", days.days, *words[1:])
                assert (code, out) == (3, "") and wanted in err, (path, code, out, err)
        assert not os.path.exists(days.folder + "/none"), "who asks makes no key"


def says_what_a_key_is_for():
    with Days() as days:
        key = keyed(days)
        for words in ("forget", "--key", key, "192.0.2.0/24"), ("hunt", "host", "192.0.2.0/24", "--key", key), \
                ("hunt", "host", "\x1b[31m", "--key", key):
            code, out, err = days.run(words[0], "--directory", days.days, *words[1:])
            assert (code, out) == (3, "") and "is no address" in err and "\x1b" not in err, (words, code, out, err)
        code, out, err = days.run("hunt", "domain", "www.example", "--key", key)
        assert (code, out) == (2, "") and "--key goes with host" in err, err


CLAIMS = [
    nothing_that_is_kept_tells_a_client, what_is_said_of_a_bad_frame_tells_no_client,
    a_client_is_found_by_its_address_and_the_key, one_key_gives_one_pseudonym_wherever_it_is_made,
    pseudonyms_of_a_resolver_stay_as_they_are, a_new_key_makes_new_pseudonyms_and_the_old_ones_are_found_by_the_old,
    a_key_that_is_none_is_told, says_what_a_key_is_for,
]

if __name__ == "__main__":
    live.run(CLAIMS)
