#!/usr/bin/python3
"""A drop leaves nothing behind in the resolver: neither clients' places nor connections."""

import socket
import struct
import time

import lab
import slow
import tap
import volley

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n* A 192.0.2.80\n"}
LISTS = [{"name": "drop", "format": "domains", "action": "drop", "lines": ["silent.example"]}]


def connect(here):
	return socket.create_connection(("127.0.0.1", here.port), lab.PATIENCE)


def send(sock, name):
	octets = volley.question(name, "A", 1)
	sock.sendall(struct.pack(">H", len(octets)) + octets)


def received(sock):
	try:
		return len(sock.recv(4096))
	except OSError:
		return 0


def drops_take_no_places(tap):
	authority = slow.Authority({"met.slow.test": "60 IN A 192.0.2.1"})
	with lab.Lab(ZONES) as here:
		# Unbound lets 16 times as many clients wait for questions that others have asked before.
		here.start(LISTS, server="\tnum-queries-per-thread: 16\n", rest=authority.stub("slow.test"))
		volley.udp(here.port, [("silent.example", "A")] * 600, window=600, patience=0.5)
		answers = volley.udp(here.port, [("met.slow.test", "A")] * 4)
		tap.equal(sum(1 for one in answers if one.octets is not None), 4, "after 600 drops, clients can still wait for one question")


def a_dropped_connection_is_given_back_once(tap):
	authority = slow.Authority({"to-silent.slow.test": "60 IN CNAME silent.example."})
	with lab.Lab(ZONES) as here:
		here.start(LISTS, server="\tincoming-num-tcp: 8\n", rest=authority.stub("slow.test"))
		pair = [connect(here), connect(here)]
		for sock in pair + pair:
			send(sock, "to-silent.slow.test")
			time.sleep(0.03)
		tap.equal([received(sock) for sock in pair], [0, 0], "two connections that asked by turns are closed")
		socks = [connect(here) for _ in range(4)]
		for number, sock in enumerate(socks):
			send(sock, "h%d.example" % number)
		tap.equal(sum(1 for sock in socks if received(sock) > 0), 4, "four connections at once are answered then")
		for sock in pair + socks:
			sock.close()
		tap.ok(lab.wait_for(lambda: int(here.statistics()["total.tcpusage"]) == 0, "closed connections"),
			"no connection is counted as open")


if __name__ == "__main__":
	lab.require()
	tap.run(drops_take_no_places, a_dropped_connection_is_given_back_once)
