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
        code = self.process.wait(20)
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


def equal(got, wanted):
    if got != wanted:
        raise AssertionError("got %r, wanted %r" % (got, wanted))


def run(tests):
    print("1..%d" % len(tests))
    failed = False
    for number, test in enumerate(tests, 1):
        try:
            test()
            print("ok %d - %s" % (number, test.__name__))
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, test.__name__, why))
        except Exception:
            failed = True
            print("not ok %d - %s" % (number, test.__name__))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
