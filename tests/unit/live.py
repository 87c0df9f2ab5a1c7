"""A control socket without a resolver behind it (tests/unit/fake_resolver.c), and verdictctl."""
import json
import os
import pty
import subprocess
import sys
import tempfile
import traceback

BUILD = os.environ.get("builddir", ".")
COMMAND = os.environ.get("VERDICTCTL", os.path.join(BUILD, "verdictctl"))
FAKE = os.environ.get("FAKE_RESOLVER", os.path.join(BUILD, "tests", "unit", "fake_resolver"))
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
CONFIG = """verdict:
 state-directory: "%(folder)s"
policy-list:
 name: allowed
 file: allowed.txt
 action: pass
policy-list:
 name: malware
 file: malware.txt
 action: nxdomain
client-group:
 name: guests
 interface: 192.0.2.53@853
client-group:
 name: branch
 network: 10.20.0.0/16
policy-list:
 name: guests
 file: guests.txt
 group: guests
"""


class Skip(Exception):
    pass


def terminal():
    """Both ends of one."""
    try:
        return pty.openpty()
    except OSError as error:
        raise Skip("no terminals here: %s" % error)


class Fake:
    def __init__(self, more=""):
        self.folder = tempfile.TemporaryDirectory(prefix="verdict")
        self.path = self.folder.name
        self.socket = os.path.join(self.path, "control.sock")
        self.log = os.path.join(self.path, "denials.log")
        self.config = os.path.join(self.path, "verdict.conf")
        for name, text in ("allowed.txt", "partner.evil.example\n"), ("malware.txt", "# bad\nevil.example\nx..y\n"), \
                ("guests.txt", "games.example\n"), \
                ("verdict.conf", CONFIG % {"folder": self.path} + more):
            with open(os.path.join(self.path, name), "w") as file:
                file.write(text)
        self.process = subprocess.Popen([FAKE, self.path, self.config, self.log], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the fake resolver does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        code = self.process.wait(200)
        self.process.stdout.close()
        self.folder.cleanup()
        if code != 0 and sys.exc_info()[0] is None:
            raise AssertionError("the fake resolver ended with %d" % code)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def run(self, command, *arguments, before=(), environment=(), timeout=60):
        done = subprocess.run([*before, COMMAND, command, "--config", self.config, *arguments], capture_output=True,
                              text=True, env={**os.environ, **dict(environment)}, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def json(self, command, *arguments, **more):
        code, out, err = self.run(command, "--json", *arguments, **more)
        return code, json.loads(out), err

    def text(self, name):
        with open(os.path.join(self.path, name)) as file:
            return file.read()


def equal(got, wanted, what=""):
    """Of two lists the first difference is told."""
    if got == wanted:
        return
    if isinstance(got, list) and isinstance(wanted, list):
        got, wanted = next((pair for pair in zip(got, wanted) if pair[0] != pair[1]), (got, wanted))
    raise AssertionError("%sgot %.3000r, wanted %.3000r" % (what and "%s: " % what, got, wanted))


def run(claims):
    """As TAP: functions, each of which holds, raises Skip or fails; or pairs of a title and a function."""
    named = [one if isinstance(one, tuple) else (one.__name__.replace("_", " "), one) for one in claims]
    failed = False
    print("1..%d" % len(named), flush=True)
    for number, (title, claim) in enumerate(named, 1):
        try:
            claim()
            print("ok %d - %s" % (number, title), flush=True)
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, title, why), flush=True)
        except Exception:                     # an error of the test itself is a failure, too
            failed = True
            print("not ok %d - %s" % (number, title))
            for line in traceback.format_exc()[-3000:].splitlines():
                print("# " + line, flush=True)
    sys.exit(1 if failed else 0)
