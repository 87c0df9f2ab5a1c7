#!/usr/bin/python3
"""Clients that end their connection before the answer: frames say of them what they say of those that wait."""

import socket
import struct

import dns.flags
import dns.message
import dns.query

import lab
import slow
import tap
from meeting import groups

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.80\n"}
DENIED = "192.0.2.9"
TCP = 2   # as dnstap has it


def leave(here, authority, name, client, waits_for=None):
	"""Asks by TCP from that address, and resets the connection while the authority keeps its answer back (`waits_for`: the one
	for that name)."""
	query = dns.message.make_query(name, "A")
	authority.free.clear()
	with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
		sock.bind((client, 0))
		sock.connect(("127.0.0.1", here.port))
		wire = query.to_wire()
		sock.sendall(struct.pack(">H", len(wire)) + wire)
		lab.wait_for(lambda: (waits_for or name) in authority.spelt, "the question to come to the authority")
		sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	# What is asked later is answered later: Unbound has seen the end of the connection then.
	dns.query.udp(dns.message.make_query("www.example", "A"), "127.0.0.1", port=here.port, timeout=lab.PATIENCE)
	authority.free.set()
	return frame_of(here, name)


def frame_of(here, name):
	def find():
		return next((f for f in lab.frames.read(here.frames_file) if f.query is not None and f.query.question and
			f.query.question[0].name.to_text(omit_final_dot=True) == name), None)
	return lab.wait_for(find, "a frame for %s" % name)


def they_are_judged_by_their_group(tap):
	authority = slow.Authority({"*": "0 IN A " + DENIED}, delay=0)
	lists = [{"name": "few", "format": "rpz", "group": "strict", "lines": ["$TTL 60", "32.9.2.0.192.rpz-ip CNAME ."]},
		{"name": "led", "format": "rpz", "group": "led", "lines": ["$TTL 60", "32.9.2.0.192.rpz-ip CNAME www.example.",
			"asked.slow.example CNAME target.slow.example."]},
		{"name": "dropped", "format": "rpz", "group": "dropping", "lines": ["$TTL 60", "32.9.2.0.192.rpz-ip CNAME rpz-drop."]}]
	with lab.Lab(dict(ZONES)) as here:
		here.start(lists, raw=groups(strict={"network": "127.0.1.0/24"}, dropping={"network": "127.0.2.0/24"},
			led={"network": "127.0.4.0/24"}, open={"network": "127.0.3.0/24"}), rest=authority.stub("slow.example"))
		#  client, group, verdict, path, unsent, response code and addresses shown
		rows = [
			("127.0.1.7", "strict", "nxdomain", "resolved", True, (3, [])),
			("127.0.2.7", "dropping", "drop", "dropped", None, None),
			("127.0.3.7", "open", "allow", "resolved", True, (0, [DENIED])),
			("127.0.4.7", "led", "local-data", "resolved", True, (0, ["www.example.", "192.0.2.80"])),
		]
		for client, group, verdict, path, unsent, shown in rows:
			frame = leave(here, authority, group + ".slow.example", client)
			tap.equal((frame.client, frame.extra["group"], frame.extra["verdict"], frame.extra["path"], frame.extra.get("unsent")),
				(client, group, verdict, path, unsent), group + ": what would have been done is said")
			found = frame.response and (int(frame.response.rcode()), [r.to_text() for rrset in frame.response.answer for r in rrset])
			tap.equal(found, shown, group + ": and shown")
		frame = leave(here, authority, "asked.slow.example", "127.0.4.7", "target.slow.example")
		tap.equal((frame.client, frame.extra["verdict"], frame.extra.get("unsent")), ("127.0.4.7", "local-data", True),
			"who waits for the target of a rule's CNAME can leave, too")


def they_are_hidden_by_the_interface_they_came_to(tap):
	authority = slow.Authority({"*": "0 IN A 192.0.2.9"}, delay=0)
	with lab.Lab(dict(ZONES)) as here:
		here.start([], raw=groups(hidden={"interface": "127.0.0.1", "privacy": "mask"}), rest=authority.stub("slow.example"))
		frame = leave(here, authority, "hidden.slow.example", "127.0.1.7")
		tap.equal((frame.client, frame.extra["group"], frame.extra.get("privacy")), ("127.0.1.0", "hidden", "mask"), "hidden")
		tap.equal((frame.protocol, bool(frame.query.flags & dns.flags.RD), frame.extra.get("unsent")), (TCP, True, True),
			"the protocol and the flags are known")


if __name__ == "__main__":
	lab.require()
	tap.run(they_are_judged_by_their_group, they_are_hidden_by_the_interface_they_came_to)
