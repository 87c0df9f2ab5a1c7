"""Ports on loopback for servers that tests start, where no two of them meet and no client socket is in the way.

They are below those that the kernel gives to clients (net.ipv4.ip_local_port_range), and resolvers are told to ask from
others. Each is held until this process ends by an abstract socket of its number: between the choice and the server's own
bind nobody else takes it.
"""

import collections
import errno
import random
import socket

FIRST, LAST = 10000, 32699
AVOID = "%d-%d" % (FIRST, LAST)     # for Unbound's outgoing-port-avoid
_held = collections.deque(maxlen=64)     # who picked one has bound it by the time 64 more are picked


def _is_free(port):
	for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
		for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
			with socket.socket(family, kind) as sock:
				try:
					sock.bind((address, port))
				except OSError as error:
					if error.errno == errno.EADDRINUSE:
						return False
	return True


def free_port():
	"""A port free for UDP and TCP on 127.0.0.1 and ::1."""
	while True:
		port = random.SystemRandom().randrange(FIRST, LAST + 1)
		hold = socket.socket(socket.AF_UNIX)
		try:
			hold.bind("\0unbound-verdict-port-%d" % port)
		except OSError:
			hold.close()
			continue
		if _is_free(port):
			_held.append(hold)
			return port
		hold.close()
