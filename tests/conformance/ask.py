"""The same questions to several resolvers, from several clients, over UDP or TCP, many at a time.

What stays without an answer is asked again until it is sure that it was dropped.
"""

import concurrent.futures
import ipaddress
import select
import socket
import struct
import time

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype

WINDOW = 24
YOUNG = 0.15            # seconds for which an open question holds its place in the window
AGAIN = (0.5, 1.2, 2.5) # seconds after which one is sent again; with all of these it is taken for dropped at the end
END = 4.0
SURE = 20.0             # seconds for what one resolver answers and another seems to drop

DROPPED = ("dropped",)


def client_subnet(address):
	"""The EDNS option by which a forwarder would say that it asks for somebody else (RFC 7871), or nothing."""
	if not address:
		return b""
	return struct.pack(">HHHBB", 8, 8, 1, 32, 0) + ipaddress.ip_address(address).packed


def wire(question, identifier):
	option = client_subnet(question.subnet)
	return struct.pack(">HHHHHH", identifier, 0x0100 if question.rd else 0, 1, 0, 0, 1) \
		+ dns.name.from_text(question.name).to_wire() + struct.pack(">HH", dns.rdatatype.from_text(question.qtype), 1) \
		+ b"\0" + struct.pack(">HHIH", 41, 4096, 0x8000 if question.do else 0, len(option)) + option


def host(client):
	"""Where a resolver listens for this client."""
	return "::1" if ":" in client else "127.0.0.1"


def outcome(octets):
	"""What is compared: (rcode, TC, records with their TTLs), and what is shown: the EDE text."""
	try:
		message = dns.message.from_wire(octets)
	except dns.exception.DNSException as error:
		return ("malformed", str(error)), ""
	records = {}
	for rrset in message.answer:
		if rrset.rdtype == dns.rdatatype.RRSIG:
			continue
		for item in rrset:
			key = (rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype), item.to_text().lower())
			records[key] = rrset.ttl
	ede = next((option.text for option in message.options if option.otype == 15), "")
	rcode = dns.rcode.to_text(message.rcode())
	return ("TC" if message.flags & 0x0200 else "", rcode, tuple(sorted(records.items()))), ede or ""


class Open:
	__slots__ = ("index", "sock", "octets", "first", "sent")

	def __init__(self, index, sock, octets, now):
		self.index, self.sock, self.octets, self.first, self.sent = index, sock, octets, now, 1


class Conversation:
	"""One resolver's part: its sockets, what is open, what came back."""

	def __init__(self, port, questions):
		self.port, self.questions = port, questions
		self.results = [None] * len(questions)
		self.next = 0
		self.open = {}
		self.socks = {}
		self.streams = []

	def sock(self, client):
		if client not in self.socks:
			sock = socket.socket(socket.AF_INET6 if ":" in client else socket.AF_INET, socket.SOCK_DGRAM)
			sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
			sock.bind((client, 0))
			sock.connect((host(client), self.port))
			sock.setblocking(False)
			self.socks[client] = sock
		return self.socks[client]

	def push(self, now):
		young = sum(now - item.first < YOUNG for item in self.open.values())
		while self.next < len(self.questions) and young < WINDOW:
			question = self.questions[self.next]
			index, self.next = self.next, self.next + 1
			if question.tcp:
				self.streams.append(index)
				continue
			sock = self.sock(question.client)
			octets = wire(question, index & 0xffff)
			self.open[sock, index & 0xffff] = Open(index, sock, octets, now)
			send(sock, octets)
			young += 1

	def again(self, now):
		for item in self.open.values():
			if item.sent <= len(AGAIN) and now - item.first > AGAIN[item.sent - 1]:
				item.sent += 1
				send(item.sock, item.octets)

	def take(self, sock):
		while True:
			try:
				octets = sock.recv(65535)
			except (BlockingIOError, ConnectionRefusedError):
				return
			item = self.open.pop((sock, struct.unpack_from(">H", octets)[0]), None)
			if item is not None:
				self.results[item.index] = outcome(octets)

	def give_up(self, now, others):
		"""Sooner where another resolver gives no answer either."""
		for key, item in list(self.open.items()):
			age = now - item.first
			if age > END or (age > 1.0 and item.sent > 1 and any(other.silent(item.index, now) for other in others)):
				self.results[item.index] = DROPPED, ""
				del self.open[key]

	def silent(self, index, now):
		if self.results[index] is not None:
			return self.results[index][0] == DROPPED
		return any(item.index == index and now - item.first > 1.0 for item in self.open.values())

	def done(self):
		return self.next == len(self.questions) and not self.open

	def close(self):
		for sock in self.socks.values():
			sock.close()


def send(sock, octets):
	try:
		sock.send(octets)
	except (BlockingIOError, ConnectionRefusedError):
		pass


def over_tcp(port, question, patience):
	"""A drop over TCP is silence or the end of the connection."""
	octets = wire(question, 1)
	try:
		with socket.create_connection((host(question.client), port), patience, (question.client, 0)) as sock:
			sock.sendall(struct.pack(">H", len(octets)) + octets)
			with sock.makefile("rb") as stream:
				head = stream.read(2)
				if len(head) == 2:
					return outcome(stream.read(struct.unpack(">H", head)[0]))
	except OSError:
		pass
	return DROPPED, ""


def streams(jobs, patience):
	"""Asks (talk, index) over TCP, all at once."""
	def one(job):
		talk, index = job
		talk.results[index] = over_tcp(talk.port, talk.questions[index], patience)
	with concurrent.futures.ThreadPoolExecutor(64) as pool:
		list(pool.map(one, jobs))


def all_streams(talks):
	streams([(talk, index) for talk in talks for index in talk.streams], 1.5)
	streams([(talk, index) for talk in talks for index in talk.streams if talk.results[index][0] == DROPPED
		and any(other.results[index][0] != DROPPED for other in talks)], END)


def over_udp(port, question, patience):
	with socket.socket(socket.AF_INET6 if ":" in question.client else socket.AF_INET, socket.SOCK_DGRAM) as sock:
		sock.bind((question.client, 0))
		sock.connect((host(question.client), port))
		end = time.monotonic() + patience
		while time.monotonic() < end:
			send(sock, wire(question, 2))
			if select.select([sock], [], [], 1.0)[0]:
				try:
					return outcome(sock.recv(65535))
				except ConnectionRefusedError:
					time.sleep(0.2)
	return DROPPED, ""


def in_doubt(talks):
	"""(talk, index) of what one seems to drop and another has answered, and where the first, BIND, failed."""
	for number, talk in enumerate(talks):
		for index, (value, _) in enumerate(talk.results):
			if (value == DROPPED and any(other.results[index][0] != DROPPED for other in talks)) \
					or (number == 0 and value[1:2] == ("SERVFAIL",)):
				yield talk, index


def make_sure(talks, patience):
	"""On a busy machine what seems dropped may only be late: it is asked again, with patience."""
	def one(job):
		talk, index = job
		question = talk.questions[index]
		talk.results[index] = (over_tcp if question.tcp else over_udp)(talk.port, question, patience)
	with concurrent.futures.ThreadPoolExecutor(32) as pool:
		list(pool.map(one, list(in_doubt(talks))))


def all_of(ports, questions, sure=2):
	"""For each port one (outcome, EDE text) for each question; `sure`: of how many of them a drop must be beyond doubt."""
	talks = [Conversation(port, questions) for port in ports]
	while not all(talk.done() for talk in talks):
		now = time.monotonic()
		for talk in talks:
			talk.push(now)
			talk.again(now)
		owners = {sock: talk for talk in talks for sock in talk.socks.values()}
		if owners:
			for sock in select.select(list(owners), [], [], 0.02)[0]:
				owners[sock].take(sock)
		now = time.monotonic()
		for talk in talks:
			talk.give_up(now, [other for other in talks if other is not talk])
	all_streams(talks)
	for talk in talks:
		talk.close()
	make_sure(talks[:sure], SURE)
	return [talk.results for talk in talks]
