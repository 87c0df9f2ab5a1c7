"""An authority on loopback that thinks before it answers, so that clients can meet on one question."""

import socket
import threading
import time

import dns.flags
import dns.message
import dns.rrset


class Authority:
	"""`answers`: name to the text of its one record, "TTL CLASS TYPE RDATA", whatever the type of the question; the name
	`*` is any other. While `free` is not set, no answer leaves. `spelt`: the names of questions, as they came."""

	def __init__(self, answers, delay=0.3):
		self.answers, self.delay, self.spelt = answers, delay, []
		self.free = threading.Event()
		self.free.set()
		self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		self.sock.bind(("127.0.0.1", 0))
		self.port = self.sock.getsockname()[1]
		threading.Thread(target=self.serve, daemon=True).start()

	def stub(self, zone):
		"""The clause for unbound.conf."""
		return 'stub-zone:\n\tname: "%s"\n\tstub-addr: 127.0.0.1@%d\n' % (zone, self.port)

	def serve(self):
		while True:
			octets, client = self.sock.recvfrom(4096)
			threading.Thread(target=self.answer, args=(octets, client), daemon=True).start()

	def answer(self, octets, client):
		query = dns.message.from_wire(octets)
		name = query.question[0].name
		self.spelt.append(name.to_text(omit_final_dot=True))
		record = self.answers.get(name.to_text(omit_final_dot=True).lower(), self.answers.get("*"))
		response = dns.message.make_response(query)
		response.flags |= dns.flags.AA
		if record is not None:
			ttl, rdclass, rdtype, rdata = record.split(None, 3)
			response.answer.append(dns.rrset.from_text(name, int(ttl), rdclass, rdtype, rdata))
		time.sleep(self.delay)
		self.free.wait()
		self.sock.sendto(response.to_wire(), client)
