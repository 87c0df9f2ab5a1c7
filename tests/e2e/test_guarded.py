#!/usr/bin/python3
"""The guarded cache: who may have an answer gets it without another look at the authority, who may not never does."""

import time

import dns.rcode

import lab
import slow
import tap

CLIENTS = [
	{"name": "clients", "format": "rpz", "lines": ["$TTL 60", "32.2.0.0.127.rpz-client-ip CNAME ."]},
]
ALLOWED, DENIED = "127.0.0.1", "127.0.0.2"
ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"}


class Counting(slow.Authority):
	"""Counts what it was asked."""

	def __init__(self, answers, delay=0.3):
		self.asked = []
		super().__init__(answers, delay)

	def answer(self, octets, client):
		query = slow.dns.message.from_wire(octets)
		self.asked.append((query.question[0].name.to_text(omit_final_dot=True).lower(), int(query.question[0].rdtype)))
		super().answer(octets, client)

	def count(self, name):
		return sum(1 for asked, _ in self.asked if asked == name)


def said(answer):
	return answer and (dns.rcode.to_text(answer.rcode()), lab.rdata(answer))


def timed(here, name, client, **options):
	start = time.monotonic()
	answer, frame = here.ask(name, client=client, **options)
	return said(answer), time.monotonic() - start, answer, frame


def a_second_question_costs_nothing(tap):
	authority = Counting({"a.test": "60 IN A 192.0.2.9"})
	with lab.Lab(ZONES) as here:
		here.start(CLIENTS, rest=authority.stub("test"))
		got, first, answer, frame = timed(here, "a.test", ALLOWED)
		tap.equal(got, ("NOERROR", ["192.0.2.9"]), "an allowed client gets the answer")
		time.sleep(1.1)
		got, second, answer, frame = timed(here, "a.test", ALLOWED)
		tap.equal(got, ("NOERROR", ["192.0.2.9"]), "and again")
		tap.ok(answer.answer[0].ttl < 60, "with a TTL that has counted down", answer)
		tap.ok(second < first / 2, "sooner: %.0f ms after %.0f ms" % (second * 1000, first * 1000))
		tap.equal(timed(here, "a.test", DENIED)[0], ("NXDOMAIN", []), "a denied client does not")
		tap.equal(timed(here, "A.tEst", ALLOWED)[0], ("NOERROR", ["192.0.2.9"]), "letter case does not matter")
		tap.equal(timed(here, "a.test", ALLOWED, tcp=True)[0], ("NOERROR", ["192.0.2.9"]), "nor does the transport")
		tap.equal(authority.count("a.test"), 1, "the authority was asked once")
		tap.ok(not here.cached("a.test"), "it is not in the message cache")


if __name__ == "__main__":
	lab.require()
	tap.run(a_second_question_costs_nothing)
