"""What the tests of `verdictctl import` share: a folder, files in it, the command, and what its result decides."""

import json
import os
import subprocess
import tempfile

BUILD = os.environ.get("builddir", ".")
COMMAND = os.environ.get("VERDICTCTL", os.path.join(BUILD, "verdictctl"))
folder = tempfile.mkdtemp(prefix="verdict-test.")


def path(name):
	return os.path.join(folder, name)


def write(name, text):
	os.makedirs(os.path.dirname(path(name)), exist_ok=True)
	with open(path(name), "w") as file:
		file.write(text)
	return path(name)


def verdictctl(*arguments):
	done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60)
	return done.returncode, done.stdout, done.stderr


def imported(system, *files):
	"""Its exit code, the configuration's path and the complaints; lists that are made go beside it."""
	place = tempfile.mkdtemp(dir=folder)
	conf = os.path.join(place, "verdict.conf")
	code, out, err = verdictctl("import", "--from", system, "--lists", place, "--output", conf, *files)
	return code, conf, err


def options(conf):
	with open(conf) as file:
		return [line.strip().replace('"', "") for line in file if line.strip() and not line.startswith("#")]


def verdicts(tap, conf, rows):
	code, out, err = verdictctl("check", "--config", conf)
	tap.ok(code == 0, "what comes out passes check", out + err)
	for why, question, want in rows:
		code, out, err = verdictctl("explain", "--config", conf, "--json", *question)
		got = json.loads(out) if out else {}
		tap.equal((got.get("verdict"), [a for a in map(str, got.get("answers", []))] if len(want) > 1 else None),
			(want[0], list(want[1:]) if len(want) > 1 else None), why)
