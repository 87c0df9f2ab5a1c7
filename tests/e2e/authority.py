"""An authority that answers over UDP by a function: for what NSD would not say."""

import socket
import threading

import dns.message


class Server:
	"""Answers by a function of question and response."""

	def __init__(self, address, port, answer):
		self.answer = answer
		self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		self.sock.bind((address, port))
		self.address, self.port = address, self.sock.getsockname()[1]
		threading.Thread(target=self.serve, daemon=True).start()

	def serve(self):
		while True:
			octets, client = self.sock.recvfrom(4096)
			query = dns.message.from_wire(octets)
			response = dns.message.make_response(query)
			self.answer(query.question[0], response)
			self.sock.sendto(response.to_wire(), client)
