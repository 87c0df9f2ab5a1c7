#!/usr/bin/python3
"""Hidden clients: neither frames nor what is kept on disk tell who asked, and each client's group has its own way."""

import ipaddress
import json
import os
import socket
import stat

import dns.edns
import dns.message
import dns.query

import frames
import lab
import tap
from meeting import groups

ZONES = {"example": "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
	"* A 192.0.2.80\n"}
LISTS = [
	{"name": "clients", "format": "rpz", "lines": ["$TTL 60", "32.99.2.0.127.rpz-client-ip CNAME .", "32.98.1.0.127.rpz-client-ip CNAME ."]},
	{"name": "names", "format": "domains", "action": "refuse", "lines": ["refused.example"]},
]
GROUPS = groups(masked={"network": "127.0.1.0/24", "privacy": "mask"}, named={"network": "127.0.2.0/24", "privacy": "pseudonym"},
	open={"network": "127.0.3.0/24", "privacy": "none"}, silent={"network": "127.0.4.0/24"})
PREFIX = ipaddress.ip_network("0100::/64")


def ask(here, name, client, tcp=False):
	"""Asks with a client subnet, as a forwarder does; returns the answer and the port that it asked from."""
	subnet = dns.edns.ECSOption("198.51.100.77", 32)
	query = dns.message.make_query(name, "A", use_edns=0, options=[subnet])
	with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
		sock.bind((client, 0))
		port = sock.getsockname()[1]
		if tcp:
			sock.settimeout(lab.PATIENCE)
			sock.connect(("127.0.0.1", here.port))
		sock.setblocking(False)
		send = dns.query.tcp if tcp else dns.query.udp
		return send(query, "127.0.0.1", port=here.port, timeout=lab.PATIENCE, sock=sock), port


def frame_of(here, answer):
	def find():
		return next((frame for frame in frames.read(here.frames_file) if frame.response.id == answer.id
			and frame.query.question == answer.question), None)
	return lab.wait_for(find, "a frame")


def one(here, name, client, tcp=False):
	answer, _ = ask(here, name, client, tcp)
	return frame_of(here, answer)


def each_group_has_its_own_way(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, raw="\tprivacy: mask\n\tprivacy-prefix-ipv4: 20\n" + GROUPS)
		#  name, client, tcp, the address in the frame (None: a pseudonym), extra.privacy, its group
		rows = [
			("new.example", "127.0.1.77", False, "127.0.0.0", "mask", "masked"),
			("new.example", "127.0.1.77", False, "127.0.0.0", "mask", "masked"),
			("tcp.example", "127.0.1.77", True, "127.0.0.0", "mask", "masked"),
			("refused.example", "127.0.1.77", False, "127.0.0.0", "mask", "masked"),
			("new.example", "127.0.2.77", False, None, "pseudonym", "named"),
			("other.example", "127.0.2.77", True, None, "pseudonym", "named"),
			("refused.example", "127.0.2.77", False, None, "pseudonym", "named"),
			("new.example", "127.0.3.77", False, "127.0.3.77", None, "open"),
			("new.example", "127.0.4.77", False, "127.0.0.0", "mask", "silent"),
			("new.example", "127.0.50.77", False, "127.0.48.0", "mask", "default"),
		]
		pseudonyms = set()
		for name, client, tcp, address, privacy, group in rows:
			frame = one(here, name, client, tcp)
			why = "%s for %s" % (name, client)
			tap.equal((frame.extra.get("privacy"), frame.extra["group"]), (privacy, group), why + ": what was done is said")
			if address is None:
				pseudonyms.add(frame.client)
				tap.ok(ipaddress.ip_address(frame.client) in PREFIX, why + ": a pseudonym of the prefix", frame.client)
			else:
				tap.equal(frame.client, address, why + ": the address")
			tap.equal(frame.client_port == 0, privacy is not None, why + ": the port is 0 where it is hidden")
			tap.equal((frame.query.options, frame.server), ((), "127.0.0.1"), why + ": no client subnet, and the server's address")
		tap.equal(len(pseudonyms), 1, "a client has one pseudonym")
		frame = one(here, "new.example", "127.0.2.78")
		tap.ok(frame.client not in pseudonyms, "and another client another one")


def a_rule_for_a_client_does_not_tell_it(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, raw=GROUPS)
		for client, address in (("127.0.2.99", None), ("127.0.1.98", "127.0.1.0")):
			answer, _ = ask(here, "rule.example", client)
			frame = frame_of(here, answer)
			tap.equal((frame.extra["verdict"], frame.extra["trigger"], frame.extra["list"], frame.extra["rule"]),
				("nxdomain", "CLIENT-IP", "clients", "(private)"), "%s: the rule is not named" % client)
			tap.equal((frame.policy.rule, frame.policy.value), ("clients:(private)", frame.client), "nor in policy")
			tap.ok(frame.client == address if address else ipaddress.ip_address(frame.client) in PREFIX, "and hidden", frame.client)
			told, copied = lab.ede(answer), lab.ede(frame.response)
			tap.ok("rpz-client-ip" in told[1] or client in told[1], "the client itself is told the rule", told)
			tap.equal((copied[0], copied[1] or ""), (told[0], ""), "and the copy has the code alone")


def files_below(path):
	for folder, _, names in os.walk(path):
		for name in names:
			if stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode):
				yield os.path.join(folder, name)


def holders(here, needle):
	found = []
	for path in files_below(os.path.join(here.path("state"), "frames")):
		with open(path, "rb") as file:
			if needle in file.read():
				found.append(os.path.basename(path))
	return found


def what_is_on_disk_is_hidden(tap):
	"""The collector is away, so all frames are in the spool, and the rings hold what went through them."""
	with lab.Lab(ZONES) as here:
		here.start_nsd()
		here.policy(LISTS, raw=GROUPS)
		here.start_unbound()
		shown = one(here, "disk.example", "127.0.3.177")
		for client in ("127.0.1.177", "127.0.2.177"):
			one(here, "disk.example", client)
		tap.ok(holders(here, socket.inet_aton("127.0.3.177")), "a client that is not hidden is found on disk")
		tap.ok(any(name.startswith("ring-") for name in holders(here, socket.inet_aton("127.0.3.177"))), "in a ring, too")
		tap.equal(holders(here, socket.inet_aton("127.0.1.177")), [], "one that is masked is not")
		tap.equal(holders(here, socket.inet_aton("127.0.2.177")), [], "nor one with a pseudonym")
		tap.ok(shown.client_port != 0, "who is not hidden has a port")


def pseudonyms_last_as_long_as_the_key(tap):
	with lab.Lab(ZONES) as here:
		here.start(LISTS, raw=GROUPS)
		key = os.path.join(here.path("state"), "privacy.key")
		tap.equal(stat.S_IMODE(os.stat(key).st_mode), 0o640, "the key's file has mode 0640")
		before = one(here, "a.example", "127.0.2.5").client
		here.unbound.stop()
		here.launch_unbound()
		here.wait_ready()
		tap.equal(one(here, "b.example", "127.0.2.5").client, before, "the same after a restart")
		here.unbound.stop()
		os.unlink(key)
		here.launch_unbound()
		here.wait_ready()
		tap.ok(one(here, "c.example", "127.0.2.5").client != before, "another one with another key")


def answers_while_there_are_no_frames_are_not_left_out(tap):
	"""A reload meets a key that others can read: no client can be hidden, so no frame is sent."""
	with lab.Lab(ZONES) as here:
		here.start(LISTS, raw="\theartbeat-interval: 1\n" + GROUPS)
		key = os.path.join(here.path("state"), "privacy.key")
		for starts, mode, names in ((2, 0o644, "abc"), (3, 0o640, "de")):
			os.chmod(key, mode)
			here.control("reload")
			here.wait_ready(starts)
			tap.equal("privacy.key" in here.frames_status().get("note", ""), mode == 0o644, "status says what is wrong, mode %o" % mode)
			for name in names:
				ask(here, name + ".example", "127.0.2.5")
		frame = lab.wait_for(lambda: [one for one in frames.read(here.frames_file) if one.extra["seq"] == 5], "the frame")[0]
		tap.equal((frame.extra.get("dropped"), frame.extra.get("left_out")), (3, None), "frames count those without as dropped")


if __name__ == "__main__":
	lab.require()
	tap.run(each_group_has_its_own_way, a_rule_for_a_client_does_not_tell_it, what_is_on_disk_is_hidden,
		pseudonyms_last_as_long_as_the_key, answers_while_there_are_no_frames_are_not_left_out)
