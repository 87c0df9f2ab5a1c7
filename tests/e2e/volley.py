"""Many questions at once: a window of them is always on its way. Nothing is sent twice, so answers can be counted."""

import collections
import select
import socket
import struct
import time

import dns.name
import dns.rdatatype

Result = collections.namedtuple("Result", "port id octets seconds")   # octets is None: no answer


def question(name, qtype, identifier):
	"""A query with EDNS (4096 octets) in wire form."""
	if isinstance(name, str):
		name = dns.name.from_text(name).to_wire()
	number = dns.rdatatype.from_text(qtype) if isinstance(qtype, str) else qtype
	return struct.pack(">HHHHHH", identifier, 0x0100, 1, 0, 0, 1) + name + struct.pack(">HH", number, 1) \
		+ b"\0" + struct.pack(">HHIH", 41, 4096, 0, 0)


def rcode(octets):
	return octets[3] & 15


def take(sock):
	try:
		return sock.recv(65535)
	except (BlockingIOError, ConnectionRefusedError):
		return None


def udp(port, questions, window=64, sockets=4, patience=60.0, clients=("127.0.0.1",)):
	"""Sends (name, type) pairs from `sockets` client ports, of `clients` in turn; returns one Result for each, in their order."""
	socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
	waiting, results, at = {}, [None] * len(questions), 0
	for number, sock in enumerate(socks):
		sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
		sock.bind((clients[number % len(clients)], 0))
		sock.connect(("127.0.0.1", port))
		sock.setblocking(False)
	ports = {sock: sock.getsockname()[1] for sock in socks}
	last = time.monotonic()
	while at < len(questions) or waiting:
		while at < len(questions) and len(waiting) < window:
			sock = socks[at % sockets]
			identifier = (at // sockets) & 0xffff
			waiting[sock, identifier] = (at, time.monotonic())   # clients may have the same port
			sock.send(question(questions[at][0], questions[at][1], identifier))
			at += 1
		for sock in select.select(socks, [], [], 0.2)[0]:
			octets = take(sock)
			while octets is not None:
				key = sock, struct.unpack_from(">H", octets)[0]
				last = time.monotonic()
				if key in waiting:
					index, sent = waiting.pop(key)
					results[index] = Result(ports[sock], key[1], octets, last - sent)
				octets = take(sock)
		if time.monotonic() - last > patience:
			break
	for key, (index, _) in waiting.items():
		results[index] = Result(ports[key[0]], key[1], None, None)
	for sock in socks:
		sock.close()
	return results


def tcp(port, questions, window=20, patience=60.0):
	"""The same over one TCP connection, pipelined."""
	results, waiting, at, buffer = [None] * len(questions), {}, 0, b""
	with socket.create_connection(("127.0.0.1", port), patience) as sock:
		mine = sock.getsockname()[1]
		while at < len(questions) or waiting:
			while at < len(questions) and len(waiting) < window:
				octets = question(questions[at][0], questions[at][1], at & 0xffff)
				sock.sendall(struct.pack(">H", len(octets)) + octets)
				waiting[at & 0xffff] = (at, time.monotonic())
				at += 1
			try:
				more = sock.recv(65535)
			except socket.timeout:
				more = b""
			if not more:
				break
			buffer += more
			while len(buffer) >= 2 and len(buffer) >= 2 + struct.unpack_from(">H", buffer)[0]:
				length = struct.unpack_from(">H", buffer)[0]
				octets, buffer = buffer[2:2 + length], buffer[2 + length:]
				index, sent = waiting.pop(struct.unpack_from(">H", octets)[0])
				results[index] = Result(mine, index & 0xffff, octets, time.monotonic() - sent)
		for identifier, (index, _) in waiting.items():
			results[index] = Result(mine, identifier, None, None)
	return results
