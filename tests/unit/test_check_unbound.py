#!/usr/bin/python3
"""`verdictctl check --unbound`: which Unbound the library fits, and what becomes of the snippet. TAP.

Most Unbounds here are stand-ins, built on the spot; the library that was built and its real Unbound are judged too,
as they are and with single octets changed.
"""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("srcdir", ".")
BUILD = os.environ.get("builddir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests/e2e"))
import lab  # noqa: E402, F401  (says how an Unbound with AddressSanitizer is started)
import tap  # noqa: E402

COMMAND = os.environ.get("VERDICTCTL", os.path.join(BUILD, "verdictctl"))
LIBRARY = os.path.join(BUILD, ".libs/unbound-verdict.so")
UNBOUND = os.path.join(os.environ.get("UNBOUND_DIR") or "/nonexistent", "unbound")
CC = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
DROP_IN = os.path.join(SOURCE, "doc/system/unbound.service.conf")
SNIPPET = os.path.join(SOURCE, "doc/system/unbound.conf.d-verdict.conf")
OPTIONS = "--prefix=/usr --enable-subnet --with-dynlibmodule --with-libevent --with-pidfile=/run/unbound.pid"
SYMBOLS = ["inplace_cb_register_wrapped", "log_err", "mesh_state_is_unique"]

folder = tempfile.mkdtemp(prefix="verdict-test.")


def path(name):
	return os.path.join(folder, name)


def write(name, text, mode=0o644):
	with open(path(name), "w") as file:
		file.write(text)
	os.chmod(path(name), mode)
	return path(name)


def shared(name, source):
	subprocess.run([CC, "-shared", "-fPIC", "-nostdlib", "-O1", "-o", path(name), write(name + ".c", source)], check=True)
	return path(name)


def host(name, version="unbound 1.17.1", options=OPTIONS, symbols=SYMBOLS):
	"""A stand-in for Unbound: what it says of itself, and what it exports."""
	texts = "".join('const char text%d[] = "%s";' % pair for pair in enumerate((version, options)))
	return shared(name, texts + "".join("int %s(void) { return 1; }" % symbol for symbol in symbols))


def library(name, version="unbound 1.17.1", options=OPTIONS, symbols=SYMBOLS):
	uses = "".join("extern int %s(void);" % symbol for symbol in symbols)
	calls = " + ".join("%s()" % symbol for symbol in symbols)
	return shared(name, 'const char built_for[] = "unbound-verdict fits: %s\\n%s"; %s int init(void) { return %s; }'
		% (version, options, uses, calls))


def check(*arguments, environment=()):
	done = subprocess.run([COMMAND, "check", *arguments], capture_output=True, text=True, timeout=60,
		env={**os.environ, **dict(environment)})
	return done.returncode, done.stdout, done.stderr


def stand_ins(tap):
	if CC is None:
		return tap.skip("stand-ins", "no C compiler")
	ours = library("ours.so")
	rows = [
		("the Unbound that it was built for", host("same"), ours, 0, "fits"),
		("paths and the way of building shape no structure", host("built", options=OPTIONS.replace(
			"/run/unbound.pid", "/var/run/u.pid") + " --disable-rpath --with-pythonmodule"), ours, 0, "fits"),
		("another version", host("newer", "unbound 1.22.0"), ours, 1, 'is "unbound 1.22.0".*built for "unbound 1.17.1"'),
		("a version that only begins alike", host("longer", "unbound 1.17.10"), ours, 1, 'is "unbound 1.17.10"'),
		("the version inside a longer text", host("inside", "an unbound 1.17.1"), ours, 1, "no Unbound"),
		("an option less", host("less", options=OPTIONS.replace("--enable-subnet ", "")), ours, 1,
			"without --enable-subnet"),
		("an option more", host("more", options=OPTIONS + " --enable-cachedb"), ours, 1, "with --enable-cachedb"),
		("Debian's own: the same version without dynlib", host("debian", options="--enable-subnet", symbols=[]), ours, 1,
			"without its dynlib module"),
		("a symbol that went away", host("lacks", symbols=SYMBOLS[:2]), ours, 1, "lacks 1 of .*first mesh_state_is_unique"),
		("any program", "/bin/sh", ours, 1, "no Unbound"),
		("a script in its place", write("script", "#!/bin/sh\n"), ours, 3, "not a program"),
		("an Unbound that is gone", path("gone"), ours, 3, "does not exist"),
		("a library that is gone", host("same"), path("gone.so"), 3, "gone.so: does not exist"),
		("a library of somebody else", host("same"), host("other.so"), 3, "no library of unbound-verdict"),
		("a text in place of the library", host("same"), path("script"), 3, "not a program"),
		("a library that was not written to its end", host("same"), cut(ours), 3, "damaged"),
	]
	for why, unbound, lib, code, says in rows:
		got, out, err = check("--unbound", unbound, "--library", lib)
		tap.ok(got == code and re.search(says, out + err, re.S), why, "exit %d\n%s%s" % (got, out, err))


def cut(whole):
	with open(whole, "rb") as file:
		content = file.read()
	with open(path("cut.so"), "wb") as file:
		file.write(content[:len(content) // 2])
	return path("cut.so")


def patched(name, original, old, new):
	with open(original, "rb") as file:
		content = file.read()
	assert old in content and len(old) == len(new)
	with open(path(name), "wb") as file:
		file.write(content.replace(old, new))
	return path(name)


def the_real_ones(tap):
	if not os.path.exists(LIBRARY) or not os.path.exists(UNBOUND):
		return tap.skip("the real library and its Unbound", "the module was not built (configure --with-unbound)")
	code, out, err = check("--unbound", UNBOUND, "--library", LIBRARY, "--json")
	tap.ok(code == 0 and json.loads(out)["ok"], "the library fits the Unbound that it was built against", out + err)
	version = json.loads(out)["built_for"].encode()
	rows = [
		("another version of it", b"\0%s\0" % version, b"\0%s7\0" % version[:-1], 'is "unbound .*7"'),
		("it without one symbol", b"\0regional_alloc\0", b"\0regional_allox\0", "lacks .*regional_alloc"),
		("it with other options", b"--with-libevent", b"--with-libfoent", "--with-lib(ev|fo)ent"),
	]
	for why, old, new, says in rows:
		code, out, err = check("--unbound", patched("changed", UNBOUND, old, new), "--library", LIBRARY)
		tap.ok(code == 1 and re.search(says, err), why, "exit %d\n%s%s" % (code, out, err))
	code, out, err = check("--unbound", UNBOUND, "--library", LIBRARY, "--trial", "--json")
	tap.ok(code == 0 and json.loads(out)["trial"] == "started", "tried, it starts", out + err)
	# The files fit still: only the library's own guard reads this text.
	changed = patched("guarded.so", LIBRARY, b"%s\0" % version, b"%s7\0" % version[:-1])
	tap.equal(check("--unbound", UNBOUND, "--library", changed)[0], 0, "what files do not show")
	code, out, err = check("--unbound", UNBOUND, "--library", changed, "--trial")
	tap.ok(code == 1 and 'unbound-verdict: built for "%s7"' % version[:-1].decode() in err,
		"the trial does, with the words of the library's guard", "exit %d\n%s%s" % (code, out, err))
	for other in filter(None, os.environ.get("UNBOUND_OTHER", "").split(":")):
		code, out, err = check("--unbound", other, "--library", LIBRARY)
		tap.ok(code == 1 and "built for" in err, "another Unbound, %s" % other, out + err)


def shipped_snippet(lib, name="verdict.conf"):
	with open(SNIPPET) as file:
		return write(name, file.read().replace("/usr/lib/unbound/unbound-verdict.so", lib), 0o640)


def read(name):
	with open(name) as file:
		return file.read()


def active(name):
	return [line.strip() for line in read(name).splitlines() if line.strip() and not line.strip().startswith("#")]


def the_snippet_goes_out_and_comes_back(tap):
	if CC is None:
		return tap.skip("the snippet", "no C compiler")
	snippet = shipped_snippet(library("ours.so"))
	before = read(snippet)
	good, bad = host("good"), host("bad", "unbound 1.22.0")
	code, out, err = check("--unbound", good, "--snippet", snippet)
	tap.ok(code == 0 and read(snippet) == before and err == "", "one that fits: nothing changes, no noise", out + err)
	tap.equal(len(active(snippet)), 4, "the shipped snippet has a clause to take out")
	code, out, err = check("--unbound", bad, "--snippet", snippet)
	tap.ok(code == 1 and "WITHOUT POLICY" in err and "switched off" in err, "after an update: loud", err)
	tap.equal(active(snippet), [], "and the clause is out")
	tap.ok("unbound 1.22.0" in read(snippet).splitlines()[0], "the first line of the snippet says why", read(snippet))
	code, out, err = check("--unbound", bad, "--snippet", snippet)
	tap.ok(code == 1 and "stays switched off" in err, "each start says so again", err)
	code, out, err = check("--unbound", good, "--snippet", snippet, "--json")
	tap.ok(code == 0 and json.loads(out)["changed"] and json.loads(out)["state"] == "on", "told to scripts", out + err)
	tap.equal(read(snippet), before, "the library fits again: octet by octet what it was")
	tap.equal(stat.S_IMODE(os.stat(snippet).st_mode), 0o640, "with its mode")
	code, out, err = check("--unbound", path("gone"), "--snippet", snippet)
	tap.ok(code == 3 and active(snippet) == [], "an Unbound that cannot be read is none that fits", err)
	code, out, err = check("--unbound", bad, "--snippet", snippet, environment={"JOURNAL_STREAM": "8:1"}.items())
	tap.ok(all(line.startswith("<2>") for line in err.splitlines()), "the journal gets it as critical", err)


def wrong_usage(tap):
	for arguments in (["--snippet", "x"], ["--library", "x"], ["--unbound", "x", "--popular", "y"],
			["--unbound", "x", "--config", "y"], ["--trial"], ["--unbound", "x", "--user", "y"],
			["--unbound", "x", "--trial=0"], ["--unbound", "x", "--trial=x"]):
		code, out, err = check(*arguments)
		tap.ok(code == 2 and out == "", "refused: " + " ".join(arguments), err)
	code, out, err = check("--unbound", "/bin/sh", "--snippet", path("none.conf"))
	tap.ok(code == 3 and "none.conf" in err, "a snippet that is not there", err)


def the_prefix_is_said_twice_alike(tap):
	said = [re.search(r'#define \w+_PREFIX "(.*)"', read(os.path.join(SOURCE, name))).group(1)
		for name in ("module/built_for.h", "tools/fit.c")]
	tap.equal(said[0], said[1], "module and tool mean the same record")


def condition(verdictctl, unbound, snippet):
	"""What systemd would run for the drop-in's ExecCondition, with these files in the place of the installed ones."""
	line = re.search(r"^ExecCondition=-\+(.*)$", read(DROP_IN), re.M).group(1)
	words = [word.replace("$$", "$") for word in shlex.split(line)]
	for old, new in (("/usr/bin/verdictctl", verdictctl), ("/usr/sbin/unbound", unbound)):
		assert old in words[2]
		words[2] = words[2].replace(old, new)
	words[3] = snippet
	return subprocess.run(words, capture_output=True, text=True, timeout=60)


def the_drop_in(tap):
	if CC is None:
		return tap.skip("the drop-in", "no C compiler")
	snippet = shipped_snippet(library("ours.so"))
	before = read(snippet)
	good, bad = host("good"), host("bad", "unbound 1.22.0")
	condition(COMMAND, bad, snippet)
	tap.equal(active(snippet), [], "the drop-in's command takes the clause out")
	condition(COMMAND, good, snippet)
	tap.equal(read(snippet), before, "and puts it back")
	dead = write("dead", "#!/bin/sh\nexit 127\n", 0o755)
	for why, command in (("gone", path("gone")), ("broken", dead)):
		done = condition(command, good, snippet)
		tap.ok(done.returncode == 0 and active(snippet) == [], "with verdictctl %s the clause is out" % why, done.stderr)
		condition(COMMAND, good, snippet)
		tap.equal(read(snippet), before, "verdictctl %s, mended: the clause is back" % why)
	tap.equal(condition(path("gone"), good, path("none.conf")).returncode, 0,
		"with neither verdictctl nor snippet Unbound is not kept from starting")


try:
	tap.run(stand_ins, the_real_ones, the_snippet_goes_out_and_comes_back, wrong_usage, the_prefix_is_said_twice_alike,
		the_drop_in)
finally:
	shutil.rmtree(folder)
