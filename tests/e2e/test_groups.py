#!/usr/bin/python3
"""Client groups: each client gets its own group's verdict, whoever else asks the same before, meanwhile or afterwards."""

import contextlib
import itertools
import socket
import threading
import time

import dns.message
import dns.rcode

import lab
import tap
from meeting import Counting, PATIENT, counters, groups, said, taken, together

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"}
GROUPS = groups(branch="127.0.1.0/24", lab="127.0.2.0/24", quiet={"network": "127.0.3.0/24", "ede": "none", "parent": "branch"},
	curt={"network": "127.0.4.0/24", "ede": "code", "parent": "branch"})
LISTS = [
	{"name": "branch-names", "format": "domains", "group": "branch", "lines": ["sold.test", "met.test", "joined.test", "walled.test"]},
	{"name": "lab-names", "format": "domains", "action": "refuse", "group": "lab", "lines": ["met.test"]},
	{"name": "branch-addresses", "format": "rpz", "group": "branch", "lines": ["$TTL 60", "24.0.113.0.203.rpz-ip CNAME ."]},
	{"name": "gardens", "format": "domains", "action": "sinkhole", "sinkhole-name": "joined.test", "lines": ["evil.example"]},
]
NOBODY, BRANCH, LAB, QUIET, CURT = "127.0.0.1", "127.0.1.1", "127.0.2.1", "127.0.3.1", "127.0.4.1"
GOT, GONE, REFUSED = ("NOERROR", ["192.0.2.9"]), ("NXDOMAIN", []), ("REFUSED", [])
#  name, what each of NOBODY, BRANCH, LAB gets, its address
ROWS = [
	("met.test", (GOT, GONE, REFUSED), "192.0.2.9"),
	("sold.test", (GOT, GONE, GOT), "192.0.2.9"),
	("hit.test", (("NOERROR", ["203.0.113.9"]), GONE, ("NOERROR", ["203.0.113.9"])), "203.0.113.9"),
]
NAMES = ["met.test", "sold.test", "joined.test", "walled.test", "crowd.test"]


def authority(**more):
	answers = {name: "60 IN A 192.0.2.9" for name in NAMES}
	answers.update({"hit.test": "60 IN A 203.0.113.9"}, **more)
	return Counting(answers)


def no_escape(tap, here):
	here.unbound.stop()
	tap.ok(" 0 denied too late" in here.unbound.output(), "nothing was denied too late", here.unbound.output())


def groups_that_meet_get_their_own(tap):
	clients = [NOBODY, BRANCH, LAB]
	for threads in (1, 2):
		for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
			source = authority()
			with lab.Lab(ZONES) as here:
				here.start(LISTS, threads=threads, server=PATIENT, rest=source.stub("test"), raw=GROUPS)
				for name, wanted, address in ROWS:
					who = [clients[index] for index in order]
					want = [wanted[index] for index in order]
					why = "%s, %s first, %d threads" % (name, who[0], threads)
					tap.equal(together(here, name, who), want, why + ": together")
					tap.equal([said(here.ask(name, client=client)[0]) for client in who], want, why + ": afterwards")
					tap.equal(together(here, name, who * 2, pause=0), want * 2, why + ": together, afterwards")
					tap.ok(not here.cached(name), why + ": not in the message cache")
				no_escape(tap, here)


def a_class_asks_once(tap):
	"""Many clients of one group wait for one question to the authority."""
	source = authority()
	with lab.Lab(ZONES) as here:
		here.start(LISTS, server=PATIENT, rest=source.stub("test"), raw=GROUPS)
		crowd = ["127.0.2.%d" % number for number in range(1, 13)]
		tap.equal(together(here, "sold.test", crowd, pause=0.005, source=source), [GOT] * len(crowd),
			"a group's clients get the answer together")
		tap.equal(source.count("sold.test"), 1, "of one question to the authority")
		tap.equal(together(here, "sold.test", crowd, pause=0.005, tcp=True), [GOT] * len(crowd), "and over TCP, from the cache")
		tap.equal(together(here, "met.test", [NOBODY] * 6, pause=0.005, tcp=True, source=source), [GOT] * 6,
			"one client that asks six times over TCP")
		tap.equal(source.count("met.test"), 1, "costs one question, too")
		found = counters(here)
		tap.equal((found["unique_questions_total"], found["unique_refused_total"]), (2, 0), "each had one state of its own")
		no_escape(tap, here)


def a_denial_waits_for_nobody(tap):
	"""Nor does it join who waits for the authority."""
	source = authority()
	source.free.clear()
	with lab.Lab(ZONES) as here:
		here.start(LISTS, server=PATIENT, rest=source.stub("test"), raw=GROUPS)
		waiting = threading.Thread(target=here.ask, args=("sold.test",), kwargs={"client": NOBODY})
		waiting.start()
		lab.wait_for(lambda: source.count("sold.test") == 1, "the question to the authority")
		answer, _ = here.ask("sold.test", client=BRANCH)
		tap.equal((said(answer), waiting.is_alive()), (GONE, True), "denied while another client waits")
		source.free.set()
		waiting.join()


def a_client_has_so_many_states_of_its_own(tap):
	"""Over the cap a question is shared, and its clients part when there is an answer."""
	names = ["n%d.sold.test" % number for number in range(6)]
	source = Counting({"*": "60 IN A 192.0.2.9"})
	with lab.Lab(ZONES) as here:
		here.start(LISTS, server=PATIENT, rest=source.stub("test"), raw=GROUPS + "verdict:\n\tunique-per-client: 2\n")
		found = {}

		def ask(name):
			found[name] = together(here, name, [NOBODY, BRANCH, LAB, LAB])
		threads = [threading.Thread(target=ask, args=(name,)) for name in names]
		source.free.clear()
		for thread in threads:
			thread.start()
		lab.wait_for(lambda: all(source.count(name) > 0 for name in names), "all six at the authority")
		source.free.set()
		for thread in threads:
			thread.join()
		for name in names:
			tap.equal(found[name], [GOT, GONE, GOT, GOT], "%s, six of them at once, two states of its own" % name)
		found = counters(here)
		tap.ok(found["unique_questions_total"] >= 2 and found["unique_refused_total"] >= 4, "the others are counted", found)
		more = itertools.count(9)

		def has_its_own():
			together(here, "n%d.sold.test" % next(more), [NOBODY])
			return counters(here)["unique_questions_total"] == found["unique_questions_total"] + 1
		tap.ok(lab.wait_for(has_its_own, "a state of its own"), "what has ended counts no more")
		no_escape(tap, here)


def states_of_unbounds_own_are_joined_safely(tap):
	"""A garden's sub-query for joined.test is on its way when clients ask for that name."""
	for clients in ([BRANCH, NOBODY], [NOBODY, BRANCH], [BRANCH], [BRANCH, BRANCH, LAB]):
		source = authority()
		with lab.Lab(ZONES) as here:
			here.start(LISTS, server=PATIENT, rest=source.stub("test"), raw=GROUPS)
			walled = []
			source.free.clear()
			thread = threading.Thread(target=lambda: walled.append(said(here.ask("evil.example", client=LAB)[0])))
			thread.start()
			lab.wait_for(lambda: source.count("joined.test") == 1, "the sub-query")
			want = [GONE if client == BRANCH else GOT for client in clients]
			tap.equal(together(here, "joined.test", clients, source=source), want, "who joins a sub-query: %s" % clients)
			thread.join()
			tap.equal(walled, [GOT], "and it goes on as it was")
			tap.equal(source.count("joined.test"), 1, "with one question to the authority")
			no_escape(tap, here)


def ask_until(here, source, name, count):
	"""Until the authority has been asked so often."""
	while source.count(name) < count:
		here.ask(name, client=NOBODY)
		time.sleep(0.03)


def a_prefetch_is_joined_safely(tap):
	"""The name's address moves into a denied network while it is cached."""
	source = Counting({"moving.test": "5 IN A 192.0.2.9"}, delay=0.05)
	new = ("NOERROR", ["203.0.113.9"])
	with lab.Lab(ZONES) as here:
		here.start(LISTS, server=PATIENT + "\tprefetch: yes\n", rest=source.stub("test"), raw=GROUPS)
		tap.equal(said(here.ask("moving.test", client=NOBODY)[0]), GOT, "a name that nobody is denied")
		tap.ok(here.cached("moving.test"), "it is in the message cache")
		source.answers["moving.test"] = "60 IN A 203.0.113.9"
		source.free.clear()
		asking = threading.Thread(target=ask_until, args=(here, source, "moving.test", 2))
		asking.start()
		lab.wait_for(lambda: source.count("moving.test") == 2, "its last second: Unbound fetches it again")
		lab.wait_for(lambda: not here.cached("moving.test"), "the end of what was cached")
		tap.equal(together(here, "moving.test", [NOBODY, BRANCH, LAB], source=source), [new, GONE, new], "who joins the prefetch")
		asking.join()
		tap.equal(together(here, "moving.test", [BRANCH, LAB]), [GONE, new], "who comes afterwards")
		tap.equal(source.count("moving.test"), 2, "nobody has asked the authority again")
		tap.ok(not here.cached("moving.test"), "it is not in the message cache any more")
		no_escape(tap, here)


def a_group_is_told_what_it_may_know(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, rest=authority().stub("test"), raw=GROUPS)
		for client, want in ((BRANCH, "branch-names"), (QUIET, None), (CURT, "")):
			for round in ("at the question", "again"):
				answer, frame = here.ask("sold.test", client=client)
				tap.equal(said(answer), GONE, "%s: denied, %s" % (client, round))
				told = lab.ede(answer)
				if want is None:
					tap.equal(told, None, "ede: none tells nothing")
				else:
					tap.ok(told is not None and told[0] == 15 and (want in (told[1] or "")) and bool(told[1]) == bool(want),
						"ede: %s" % ("text names the list" if want else "code has no text"), told)
		answer, frame = here.ask("hit.test", client=QUIET)
		tap.equal((said(answer), lab.ede(answer)), (GONE, None), "ede: none for an address, too")
		tap.equal(frame.extra.get("group"), "quiet", "the frame names the group")
		answer, frame = here.ask("hit.test", client=LAB)
		tap.equal(frame.extra.get("group"), "lab", "of an allowed client, too")


def framed(here, name):
	"""(client, verdict, not sent) of each frame about the name, in the clients' order."""
	return sorted((f.client, f.extra["verdict"], f.extra.get("unsent", False)) for f in lab.frames.read(here.frames_file)
		if f.response.question[0].name.to_text(omit_final_dot=True) == name)


def who_is_sent_away_too_late_has_a_frame(tap):
	"""Unbound drops what is older than discard-timeout, in the states where clients are sent to, too."""
	if not lab.patient_server():
		tap.ok(True, "skipped: this Unbound drops no late answers")
		return
	for name, wanted, why in (
		("met.test", (("allow", True), ("nxdomain", False), ("refuse", False)), "at once by the question"),
		("hit.test", (("allow", True), ("nxdomain", True), ("allow", True)), "by the answer")):
		source = authority()
		clients = (NOBODY, BRANCH, LAB)
		with lab.Lab(ZONES) as here, contextlib.ExitStack() as socks:
			here.start(LISTS, server=PATIENT + "\tdiscard-timeout: 50\n", rest=source.stub("test"), raw=GROUPS)
			before = taken(here)
			source.free.clear()
			for number, client in enumerate(clients):
				sock = socks.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
				sock.bind((client, 0))
				sock.sendto(dns.message.make_query(name, "A").to_wire(), ("127.0.0.1", here.port))
				lab.wait_for(lambda: taken(here) > before + number, "the question")
			time.sleep(0.1)
			source.free.set()
			want = [(client,) + told for client, told in zip(clients, wanted)]
			lab.wait_for(lambda: here.statistics()["total.requestlist.current.all"] == "0", "the end of their states")
			here.ask("example", "NS")       # whose frame comes behind theirs
			tap.equal(framed(here, name), want, "who is denied %s: one frame for each client" % why)


if __name__ == "__main__":
	lab.require()
	tap.run(groups_that_meet_get_their_own, a_class_asks_once, a_denial_waits_for_nobody, a_client_has_so_many_states_of_its_own,
		states_of_unbounds_own_are_joined_safely, a_prefetch_is_joined_safely, a_group_is_told_what_it_may_know,
		who_is_sent_away_too_late_has_a_frame)
