#!/usr/bin/python3
"""What a new policy denies leaves the caches, whatever rule denies it and however it is cached; the rest stays."""

import itertools
import json
import os
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rcode

import lab
import tap
import volley
from meeting import Counting, PATIENT

HEAD = "$TTL 3600\n@ SOA ns hostmaster 1 3600 600 86400 3600\n"
ZONES = {
	"example": "$ORIGIN example.\n" + HEAD + """@ NS ns
ns A 127.0.0.1
* A 192.0.2.80
* AAAA 2001:db8::80
brief 1 A 192.0.2.81
address A 203.0.113.5
address6 AAAA 2001:db8:bad::1
alias CNAME target.other.bad.
chain CNAME chain2
chain2 CNAME target.other.bad.
mail MX 10 target.other.bad.
service SRV 0 0 443 target.other.bad.
hint HTTPS 1 . ipv4hint=203.0.113.5
parameters HTTPS 1 . ipv4hint=192.0.2.1
checked A 192.0.2.83
tree DNAME other.bad.
text TXT "203.0.113.5"
""",
	"other.bad": "$ORIGIN other.bad.\n" + HEAD + "@ NS ns.example.\ntarget A 192.0.2.99\nfine A 192.0.2.98\n"
		"target AAAA 2001:db8::99\n",
	"brief.bad": "$ORIGIN brief.bad.\n$TTL 1\n@ SOA ns.example. hostmaster 1 3600 600 86400 1\n@ NS ns.example.\n",
	"victim.bad": "$ORIGIN victim.bad.\n" + HEAD + "@ NS ns1.crime.bad.\nwww A 192.0.2.90\nwww MX 10 mail\n",
	"crime.bad": "$ORIGIN crime.bad.\n" + HEAD + "@ NS ns1\nns1 A 127.0.0.1\n",
}
NOTHING = [{"name": "none", "format": "domains", "action": "refuse", "lines": ["nothing.invalid"]}]
RPZ = [{"name": "rpz", "format": "rpz", "action": "refuse", "lines": ["$TTL 60", "@ SOA localhost. root.localhost. 1 1 1 1 1",
	"one.example CNAME .", "*.wild.example CNAME .", "brief.example CNAME .", "no.brief.bad CNAME .", "gone.other.bad CNAME .",
	"nodata.example CNAME .", "checked.example CNAME .", "24.0.113.0.203.rpz-ip CNAME .", "48.zz.bad.db8.2001.rpz-ip CNAME .",
	"target.other.bad CNAME .", "ns1.crime.bad.rpz-nsdname CNAME ."]}]
#  question, type, why it goes
DENIED = [
	("one.example", "A", "a name"),
	("one.example", "AAAA", "another type of it"),
	("a.b.wild.example", "A", "a name below a wildcard"),
	("gone.other.bad", "A", "a name that does not exist"),
	("nodata.example", "TXT", "a name without such data"),
	("address.example", "A", "an address"),
	("address6.example", "AAAA", "an IPv6 address"),
	("alias.example", "A", "an alias to a name"),
	("chain.example", "A", "the second alias"),
	("chain2.example", "AAAA", "an alias in the middle"),
	("alias.example", "CNAME", "an alias that was asked for itself"),
	("target.tree.example", "A", "a name through a DNAME"),
	("mail.example", "MX", "a mail server"),
	("service.example", "SRV", "a server of a service"),
	("hint.example", "HTTPS", "a hint"),
	("www.victim.bad", "A", "the name of a server of its zone"),
	("www.victim.bad", "MX", "that, another type"),
	("nothing.victim.bad", "A", "that, without an answer"),
]
#  An answer can be put together from these again.
DENIED_RRSETS = [("one.example", "A"), ("address.example", "A"), ("alias.example", "CNAME"), ("chain2.example", "CNAME")]
ALLOWED = [("two.example", "A"), ("ns.example", "A"), ("text.example", "TXT"), ("fine.other.bad", "A"), ("nodata2.example", "TXT"),
	("fine.tree.example", "A"), ("none.other.bad", "A"), ("parameters.example", "HTTPS")]


class Unwatched(lab.Lab):
	"""What a change takes out of the caches is in the report of its reload: nothing else looks at the files before."""

	def policy(self, lists, **options):
		return super().policy(lists, raw="verdict:\n\twatch: no\n", **options)


def command(here, *arguments):
	done = subprocess.run([lab.VERDICTCTL, *arguments, "--json", "--config", here.path("verdict.conf")], capture_output=True,
		text=True, timeout=lab.PATIENCE * 4)
	if done.returncode != 0:
		raise RuntimeError(done.stdout + done.stderr)
	return json.loads(done.stdout)


def renew(here):
	"""The policy in the file comes into force, without a restart."""
	return command(here, "reload", "--force")["load"]["sweep"]


def restart(here, how="reload"):
	starts = here.unbound.output().count("start of service")
	code, text = here.control(how)
	if code != 0:
		raise RuntimeError(text)
	here.wait_ready(starts + 1)


def restart_keeping_caches(here):
	restart(here, "reload_keep_cache")


def start(threads=2, server="", lists=NOTHING, rest=""):
	here = Unwatched(dict(ZONES))
	here.start_nsd()
	here.start_capture()
	here.policy(lists)
	# A zone whose server is known by its name, as a delegation says it.
	del here.zones["victim.bad"]
	here.start_unbound(threads=threads, rest=rest + 'stub-zone:\n\tname: "victim.bad"\n\tstub-host: ns1.crime.bad@%d\n' % here.nsd_port,
		server="\tserve-expired: yes\n\tmsg-cache-size: 256m\n\trrset-cache-size: 256m\n" + server)
	return here


def cached_questions(here):
	code, text = here.control("dump_cache")
	if code != 0:
		raise RuntimeError(text)
	return {tuple(line.split()[1:4:2]) for line in text.splitlines() if line.startswith("msg ")}


def cached_rrsets(here):
	code, text = here.control("dump_cache")
	if code != 0:
		raise RuntimeError(text)
	records = [line.split("\t") for line in text.split("START_MSG_CACHE")[0].splitlines() if "\t" in line]
	return {(fields[0], fields[3]) for fields in records}


def load_cache(here, names):
	"""Puts an address of each name into the caches, as if it had been asked for, in the form that this release dumps."""
	here.ask("two.example")
	_, dump = here.control("dump_cache")
	lines = dump.splitlines()
	rrset = lines[[line.split("\t")[0] for line in lines].index("two.example.") - 1]
	message = next(line for line in lines if line.startswith("msg two.example. IN A ")).split(" ", 4)[4]
	text = "START_RRSET_CACHE\n" + "".join("%s\n%s.\t3600\tIN\tA\t198.51.100.1\n" % (rrset, name) for name in names) \
		+ "END_RRSET_CACHE\nSTART_MSG_CACHE\n" + "".join("msg %s. IN A %s\n%s. IN A 0\n" % (name, message, name) for name in names) \
		+ "END_MSG_CACHE\nEOF\n"
	subprocess.run([lab.SBIN + "/unbound-control", "-c", here.path("unbound.conf"), "load_cache"], input=text, text=True,
		capture_output=True, check=True, timeout=lab.PATIENCE * 8)


def domains(*names):
	return [{"name": "names", "format": "domains", "action": "refuse", "lines": names}]


def said(here, name, qtype="A", **options):
	answer, frame = here.ask(name, qtype, **options)
	return answer and dns.rcode.to_text(answer.rcode()), frame and frame.extra.get("path")


def escaped_nothing(tap, here, claim):
	here.unbound.stop()
	tap.ok(" 0 denied too late" in here.unbound.output(), claim, here.unbound.output()[-2000:])


def check_denials(tap, here, label):
	cached = cached_questions(here)
	for name, qtype, why in DENIED:
		tap.ok((name + ".", qtype) not in cached, "%s: %s is gone" % (label, why))
	for name, qtype in ALLOWED:
		tap.ok((name + ".", qtype) in cached, "%s: %s %s stays" % (label, name, qtype), sorted(cached))
	rrsets = cached_rrsets(here)
	for name, qtype in DENIED_RRSETS:
		tap.ok((name + ".", qtype) not in rrsets, "%s: the RRset %s %s is gone" % (label, name, qtype), sorted(rrsets))
	tap.ok(("fine.other.bad.", "A") in rrsets, "%s: another RRset stays" % label, sorted(rrsets))
	for name, qtype, why in DENIED:
		tap.equal(said(here, name, qtype)[0], "REFUSED", "%s: %s is refused" % (label, why))
	tap.equal(said(here, "checked.example", "AAAA", flags=dns.flags.RD | dns.flags.CD)[0], "REFUSED", "%s: an answer without checking" % label)
	tap.equal(said(here, "brief.example")[0], "REFUSED", "%s: an expired answer is not served" % label)
	tap.equal(said(here, "no.brief.bad")[0], "REFUSED", "%s: nor an expired one that a name does not exist" % label)
	tap.equal(said(here, "brief2.example")[0], "NOERROR", "%s: another is" % label)
	escaped_nothing(tap, here, "%s: nothing was denied too late" % label)


def fill(here):
	for name, qtype in [row[:2] for row in DENIED] + ALLOWED + [("ns1.crime.bad", "A"), ("brief.example", "A"), ("no.brief.bad", "A"),
			("brief2.example", "A")]:
		here.ask(name, qtype)
	for flags in dns.flags.RD, dns.flags.RD | dns.flags.CD:
		here.ask("checked.example", "AAAA", flags=flags)


def what_is_denied_leaves_the_caches(tap):
	for way, label in (renew, "a live change"), (restart_keeping_caches, "a restart that keeps the caches"):
		for threads in (1, 3):
			with start(threads) as here:
				fill(here)
				cached = cached_questions(here)
				for name, qtype, why in DENIED:
					tap.ok((name + ".", qtype) in cached, "%s is cached at first" % why, sorted(cached))
				time.sleep(2.1)
				tap.equal(said(here, "brief.example"), ("NOERROR", "cached"), "an expired answer is served from the cache")
				tap.equal(said(here, "no.brief.bad"), ("NXDOMAIN", "cached"), "and one that a name does not exist")
				time.sleep(2.1)
				here.policy(RPZ)
				way(here)
				check_denials(tap, here, "%s, %d threads" % (label, threads))


def a_flush_takes_a_name_and_what_is_below(tap):
	with start() as here:
		fill(here)
		before = {question for question in cached_questions(here) if "brief" not in question[0]}   # these go by themselves
		command(here, "flush", "alias.example")
		gone = before - cached_questions(here)
		tap.equal(gone, {("alias.example.", "A"), ("alias.example.", "CNAME")}, "a name with all its types")
		command(here, "flush", "other.bad", "--below")
		gone = before - cached_questions(here)
		tap.ok({("fine.other.bad.", "A"), ("gone.other.bad.", "A")} <= gone, "all below a name", gone)
		tap.ok(("two.example.", "A") in cached_questions(here), "no other name")


def a_worker_that_never_resolved_sweeps_too(tap):
	with start(1) as here:
		here.ask("one.example")
		restart_keeping_caches(here)
		tap.equal(said(here, "one.example"), ("NOERROR", "cached"), "all that is asked for is cached")
		here.policy(RPZ)
		report = renew(here)
		tap.ok(report["complete"], "the sweep ends", report)
		tap.equal(said(here, "one.example")[0], "REFUSED", "and what is denied is gone")
		escaped_nothing(tap, here, "nothing was denied too late")


def what_is_in_flight_is_not_cached(tap):
	authority = Counting({"*": "60 IN A 192.0.2.9"})
	with start(2, server=PATIENT, rest=authority.stub("slow.bad")) as here:
		answers = {}

		def ask(name):
			answers[name] = said(here, name)[0]
		asking = [threading.Thread(target=ask, args=(name,)) for name in ("a.slow.bad", "b.slow.bad")]
		authority.free.clear()
		for thread in asking:
			thread.start()
		lab.wait_for(lambda: all(authority.count(name) > 0 for name in ("a.slow.bad", "b.slow.bad")), "both at the authority")
		here.policy(domains("b.slow.bad"))
		renew(here)
		authority.free.set()
		for thread in asking:
			thread.join()
		tap.equal(answers, {"a.slow.bad": "NOERROR", "b.slow.bad": "REFUSED"}, "answers are judged by the policy in force")
		tap.ok(not here.cached("a.slow.bad") and not here.cached("b.slow.bad"), "what was judged by two policies is not cached")
		here.ask("a.slow.bad")
		tap.ok(here.cached("a.slow.bad"), "it is from then on")
		escaped_nothing(tap, here, "nothing was denied too late")


def grow(here, stop):
	"""New names into the caches, again and again."""
	for first in itertools.count(0, 1000):
		if stop.is_set():
			return
		volley.udp(here.port, [("n%d.example" % (number % 100000), "A") for number in range(first, first + 1000)])


def a_cache_that_grows_hides_nothing(tap):
	groups, each, changes = 60, 250, 10
	with start(2) as here:
		load_cache(here, ["n%d.g%d.grow.test" % (number, group) for group in range(groups) for number in range(each)])
		for number in range(20):
			here.ask("warm%d.example" % number)
		stop, reports = threading.Event(), []
		growing = threading.Thread(target=grow, args=(here, stop))
		growing.start()
		for denied in range(1, changes + 1):
			before = here.statistics()["total.num.queries"]
			here.policy(domains(*("g%d.grow.test" % group for group in range(denied))))
			reports.append(renew(here))
			lab.wait_for(lambda: here.statistics()["total.num.queries"] != before, "the caches to grow")
		stop.set()
		growing.join()
		tap.ok(all(report["complete"] for report in reports), "every sweep came to its end", reports)
		tap.equal([report["messages_removed"] for report in reports], [each] * denied, "each took what it had to take")
		cached = {name.split(".")[1] for name, _ in cached_questions(here) if name.endswith(".grow.test.")}
		tap.equal(cached, {"g%d" % group for group in range(denied, groups)}, "nothing else is gone")


def asked_until(stop, port, times, losses):
	query = dns.message.make_query("n5.many.test", "A").to_wire()
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		sock.connect(("127.0.0.1", port))
		sock.settimeout(lab.PATIENCE)
		while not stop.is_set():
			begin = time.monotonic()
			sock.send(query)
			try:
				sock.recv(4096)
			except TimeoutError:
				losses.append(begin)
			times.append((begin, time.monotonic() - begin))
			time.sleep(0.0005)


def a_worker_answers_between_slices(tap):
	with start(1) as here:
		load_cache(here, ["n%d.many.test" % number for number in range(100000)])
		here.ask("two.example")
		here.policy(domains("n7.many.test", "n100.many.test"))
		stop, times, losses, reports, medians = threading.Event(), [], [], [], []
		asking = threading.Thread(target=asked_until, args=(stop, here.port, times, losses))
		asking.start()
		lab.wait_for(lambda: len(times) > 1000, "answers while nothing is swept")
		usual = sorted(spent for _, spent in times)[500]
		for _ in range(6):
			begin = time.monotonic()
			reports.append(renew(here))
			during = sorted(spent for at, spent in times if begin < at)
			medians.append(during[len(during) // 2])
			tap.note("%d entries in %d us, longest slice %d us; %d answers meanwhile, median %d us, worst %d us" % (
				reports[-1]["messages"] + reports[-1]["rrsets"], reports[-1]["microseconds"], reports[-1]["longest_slice_us"],
				len(during), medians[-1] * 1e6, during[-1] * 1e6))
		stop.set()
		asking.join()
		tap.equal([report["messages_removed"] for report in reports], [2] + [0] * 5, "two of 100,000 are taken, once")
		tap.ok(all(report["messages"] >= 99998 and report["complete"] for report in reports), "all are looked at", reports)
		tap.equal(losses, [], "no answer is missing")
		# Of a slice itself a busy machine makes what it likes, and of all else, too.
		tap.ok(min(medians) < 0.002 + 2 * usual, "half of the answers wait for one slice at most", (usual, medians))


def restarts_leave_nothing_behind(tap):
	rounds = 20
	with start(2) as here:
		def held():
			return len([None for _ in os.scandir("/proc/%d/fd" % here.unbound.popen.pid)])
		for number in range(rounds):
			here.ask("a%d.example" % number)
			here.policy(domains("a%d.example" % number))
			renew(here)
			(restart_keeping_caches if number % 2 else restart)(here)
			if number == 5:
				before = held()
		here.ask("last.example")
		# Each lane of the spool is open three times while frames wait in it; a leak would be of every restart, and stay.
		try:
			lab.wait_for(lambda: held() <= before + 6, "descriptors")
		except TimeoutError:
			pass
		tap.ok(held() <= before + 6, "descriptors: %d after 6 restarts, %d after %d" % (before, held(), rounds))
		tap.ok(here.unbound.alive(), "it runs")
		escaped_nothing(tap, here, "nothing was denied too late")


if __name__ == "__main__":
	lab.require()
	tap.run(what_is_denied_leaves_the_caches, a_flush_takes_a_name_and_what_is_below, a_worker_that_never_resolved_sweeps_too,
		what_is_in_flight_is_not_cached, a_cache_that_grows_hides_nothing, a_worker_answers_between_slices,
		restarts_leave_nothing_behind)
