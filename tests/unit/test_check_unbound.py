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
import time

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
SOON = 10     # seconds: time enough to begin, and not long to wait where something sleeps
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
	done = subprocess.run([COMMAND, "check", *arguments], capture_output=True, text=True, timeout=300,
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


def the_order_of_modules(tap):
	if CC is None:
		return tap.skip("the order of modules", "no C compiler")
	ours, unbound = library("ours.so"), host("ordered")
	rows = [
		("dynlib validator iterator", 0, None, "first"),
		("  dynlib", 0, None, "alone, behind blanks"),
		("respip dynlib validator iterator", 1, "dynlib is not the first module", "behind another"),
		("validator iterator", 1, "has no dynlib", "not there"),
		("dynlib2 iterator", 1, "has no dynlib", "another module with such a name"),
		("", 4, "unbound-checkconf does not take it", "a configuration that is refused"),
	]
	for modules, code, says, why in rows:
		write("unbound-checkconf", "#!/bin/sh\n[ \"$1 $2 $3\" = '-o module-config u.conf' ] || exit 9\necho warning\n%s\n" %
			("echo '%s'" % modules if modules else "echo no; exit 1"), 0o755)
		got, out, err = check("--unbound", unbound, "--library", ours, "--unbound-conf", "u.conf")
		tap.equal((got, bool(says) and says in err), (code, bool(says)), "module-config: %s" % why)
		got, out, err = check("--unbound", unbound, "--library", ours, "--unbound-conf", "u.conf", "--json")
		found = json.loads(out)
		tap.equal((got, found["ok"], found.get("module_config"), bool(says) and says in found["module_config_error"]),
			(code, code == 0, modules or None, bool(says)), "module-config: %s, --json" % why)
	os.unlink(path("unbound-checkconf"))
	tap.equal(check("--unbound", unbound, "--library", ours, "--unbound-conf", "u.conf")[0], 4, "no unbound-checkconf")
	tap.equal(check("--unbound-conf", "u.conf")[0], 2, "--unbound-conf without --unbound")


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


def condition(verdictctl, unbound, snippet, environment=None, deadline=60):
	"""What systemd would run for the drop-in's ExecCondition, with these files in the place of the installed ones and
	whoever runs this in that of the service's user."""
	line = re.search(r"^ExecCondition=-\+(.*)$", read(DROP_IN), re.M).group(1)
	words = [word.replace("$$", "$") for word in shlex.split(line)]
	for old, new in (("/usr/bin/verdictctl", verdictctl), ("/usr/sbin/unbound", unbound),
			("--user unbound", "--user %d" % os.getuid()), ("5 60 ", "5 %d " % deadline)):
		assert old in words[2]
		words[2] = words[2].replace(old, new)
	words[3] = snippet
	return subprocess.run(words, capture_output=True, text=True, timeout=300, env={**os.environ, **(environment or {})})


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


DAEMON = r'''
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note_pid(void)
{
	FILE *to = fopen(getenv("FAKE_PIDS"), "a");

	fprintf(to, "%d\n", (int)getpid());
	fclose(to);
}

/* Without the library it starts; with it, it does what FAKE says. */
static const char *behaviour(const char *conf)
{
	char text[8192];
	FILE *from = fopen(conf, "r");
	size_t got = fread(text, 1, sizeof(text) - 1, from);

	text[got] = 0;
	fclose(from);
	return strstr(text, "dynlib-file") || getenv("FAKE_ALWAYS") ? getenv("FAKE") : "starts";
}

int main(int argc, char **argv)
{
	const char *does = behaviour(argv[argc - 1]);

	note_pid();
	setbuf(stdout, NULL);
	if (!strcmp(does, "stubborn"))
		signal(SIGTERM, SIG_IGN);
	if (!strcmp(does, "crashes"))
		abort();
	if (!strcmp(does, "ends"))
		return 1;
	if (!strcmp(does, "daemon")) {
		if (fork() > 0)
			return 0;
		setsid();
		if (fork() > 0)
			_exit(0);
		note_pid();
	}
	if (!strcmp(does, "garbage")) {
		signal(SIGPIPE, SIG_IGN);
		for (unsigned i = 1; ; i = i * 1103515245 + 12345)
			putchar((int)(i >> 16));
	}
	if (!strcmp(does, "starts") || !strcmp(does, "stubborn"))
		puts("[1] unbound[1:0] info: start of service (unbound).");
	for (;;)
		pause();
}
'''


def daemon():
	"""A stand-in that runs: for trials."""
	texts = "".join('const char text%d[] = "%s";' % pair for pair in enumerate(("unbound 1.17.1", OPTIONS)))
	symbols = "".join("int %s(void); int %s(void) { return 1; }" % (symbol, symbol) for symbol in SYMBOLS)
	subprocess.run([CC, "-O1", "-rdynamic", "-o", path("daemon"), write("daemon.c", texts + symbols + DAEMON)], check=True)
	return path("daemon")


def fake(does, always=False):
	places = os.path.join(folder, "places")
	os.makedirs(places, exist_ok=True)
	if os.path.exists(path("pids")):
		os.unlink(path("pids"))
	return {"FAKE": does, "FAKE_PIDS": path("pids"), "TMPDIR": places, **({"FAKE_ALWAYS": "1"} if always else {})}


def is_gone(pid):
	"""Whoever reaps the orphan may take a moment, so a zombie counts."""
	try:
		with open("/proc/%d/stat" % pid) as file:
			return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
	except OSError:
		return True


def left_behind():
	pids = [int(pid) for pid in read(path("pids")).split()]
	return [pid for pid in pids if not is_gone(pid)], os.listdir(path("places")), len(pids)


def left_behind_at_last():
	"""Who was killed may take a moment to go."""
	until = time.monotonic() + 60
	while left_behind()[:2] != ([], []) and time.monotonic() < until:
		time.sleep(0.01)
	return left_behind()


def trials(tap):
	if CC is None:
		return tap.skip("trials", "no C compiler")
	unbound, lib = daemon(), library("ours.so")
	snippet = shipped_snippet(lib)
	rows = [
		("one that starts", "starts", False, 0, "which starts with it", 1),
		("one that sleeps past its time", "sleeps", False, 1, "had not started in time", 2),
		("one that writes garbage without end", "garbage", False, 1, "had not started in time", 2),
		("one that crashes", "crashes", False, 1, "was ended by signal 6", 2),
		("one that ends", "ends", False, 1, "ended with 1", 2),
		("one that goes into the background", "daemon", False, 1, "ended with 0", 3),
		("one that starts and does not hear SIGTERM", "stubborn", False, 0, "which starts with it", 1),
		("one that sleeps without the library, too", "sleeps", True, 4, "the trial says nothing", 2),
		("one that crashes without it, too", "crashes", True, 4, "the trial says nothing", 2),
	]
	for why, does, always, code, says, begun in rows:
		late = "in time" in says or does == "sleeps"
		got, out, err = check("--unbound", unbound, "--snippet", snippet, "--trial=%d" % (SOON if late else 60),
			environment=fake(does, always).items())
		tap.ok(got == code and says in out + err, "a trial of " + why, "exit %d\n%s%s" % (got, out, err))
		tap.ok(out.isascii() and all(c.isprintable() or c == "\n" for c in out + err), "its words are escaped: " + why)
		processes, files, noted = left_behind_at_last()
		tap.equal((processes, files), ([], []), "nothing of it is left, of processes and files: " + why)
		# What went into the background may be ended before it could note that it had begun.
		tap.ok(begun - (does == "daemon") <= noted <= begun, "it was begun as often as it should: " + why, noted)
		tap.equal(len(active(snippet)), 0 if code == 1 else 4, "the clause is %s: %s" % ("out" if code == 1 else "in", why))
		tap.equal(code == 1, "WITHOUT POLICY" in err, "and that is said loudly when it is out: " + why)


def the_drop_in_tries_and_has_a_deadline(tap):
	if CC is None:
		return tap.skip("the drop-in's deadline", "no C compiler")
	unbound, lib = daemon(), library("ours.so")
	snippet = shipped_snippet(lib)
	before = read(snippet)
	for does, is_in in (("starts", True), ("crashes", False), ("starts", True)):
		done = condition(COMMAND, unbound, snippet, fake(does))
		tap.equal((done.returncode, len(active(snippet)) > 0), (0, is_in), "the drop-in tries it: one that " + does)
	done = condition(COMMAND, unbound, snippet, fake("sleeps"), deadline=SOON)
	tap.equal((done.returncode, active(snippet)), (0, []), "at the deadline the clause is out")
	tap.ok("<2>verdictctl: exit 124" in done.stderr and "WITHOUT POLICY" in done.stderr, "loudly", done.stderr)
	tap.equal(left_behind_at_last(), ([], [], 1), "and nothing of the trial is left")
	condition(COMMAND, unbound, snippet, fake("starts"))
	tap.equal(read(snippet), before, "the next start finds that it fits")
	for code in (2, 3, 5, 126, 127, 139):
		dead = write("dead", "#!/bin/sh\nexit %d\n" % code, 0o755)
		done = condition(dead, unbound, snippet)
		tap.ok(done.returncode == 0 and active(snippet) == [] and "exit %d" % code in done.stderr,
			"exit %d of verdictctl: the clause is out, and that is said" % code, done.stderr)
		condition(COMMAND, unbound, snippet, fake("starts"))
	for code in (0, 1, 4):
		done = condition(write("dead", "#!/bin/sh\nexit %d\n" % code, 0o755), unbound, snippet)
		tap.equal((done.returncode, read(snippet), done.stderr), (0, before, ""),
			"exit %d: verdictctl has done all there is to do" % code)


try:
	tap.run(stand_ins, the_real_ones, the_snippet_goes_out_and_comes_back, the_order_of_modules, wrong_usage, the_prefix_is_said_twice_alike,
		the_drop_in, trials, the_drop_in_tries_and_has_a_deadline)
finally:
	shutil.rmtree(folder)
