"""Clients that meet on one question: an authority that counts, and askers at the same moment."""

import re
import subprocess
import threading
import time

import dns.message
import dns.rcode

import lab
import slow


# For `server:`, so that Unbound does not ask a slow authority twice.
PATIENT = "\tinfra-cache-min-rtt: 60000\n"


class Counting(slow.Authority):
	"""A slow authority that counts what it was asked. `answers` may be changed while it runs."""

	def __init__(self, answers, delay=0.3):
		self.asked = []
		super().__init__(answers, delay)

	def answer(self, octets, client):
		question = dns.message.from_wire(octets).question[0]
		self.asked.append((question.name.to_text(omit_final_dot=True).lower(), int(question.rdtype)))
		super().answer(octets, client)

	def count(self, name):
		return sum(1 for asked, _ in self.asked if asked == name)


def said(answer, qtype="A"):
	"""(rcode, data) of an answer; None for none."""
	return answer and (dns.rcode.to_text(answer.rcode()), lab.rdata(answer, qtype))


def taken(here):
	"""How many questions Unbound has taken up."""
	return int(float(here.statistics()["total.num.queries"]))


def together(here, name, clients, pause=0.02, qtype="A", source=None, **options):
	"""Each client asks, one shortly after the other; what each is told, in their order. `source`: an authority that answers none
	of them before Unbound has the questions of all."""
	found = [None] * len(clients)
	if source is not None:
		before = taken(here)
		source.free.clear()

	def ask(index):
		found[index] = said(here.ask(name, qtype, client=clients[index], **options)[0], qtype)

	threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(clients))]
	for thread in threads:
		thread.start()
		time.sleep(pause)
	if source is not None:
		lab.wait_for(lambda: taken(here) >= before + len(clients), "all questions")
		source.free.set()
	for thread in threads:
		thread.join()
	return found


def counters(here):
	"""What `verdictctl metrics` counts: name without prefix to the sum of its values."""
	done = subprocess.run([lab.VERDICTCTL, "metrics", "--config", here.path("verdict.conf")], capture_output=True, text=True,
		timeout=60)
	found = {}
	for name, value in re.findall(r"^[a-z]+_verdict_(\w+)(?:\{[^}]*\})? ([0-9.e+]+)$", done.stdout, re.M):
		found[name] = found.get(name, 0) + float(value)
	return found


def groups(**networks):
	"""Clauses for client groups: name to network, or to a dictionary of options."""
	text = ""
	for name, options in networks.items():
		options = options if isinstance(options, dict) else {"network": options}
		text += "client-group:\n\tname: %s\n" % name
		text += "".join("\t%s: %s\n" % (key, value) for key, value in options.items())
	return text
