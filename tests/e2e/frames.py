"""Frame Streams and dnstap read from their public definitions alone, to check the project's own reader and writer.

Frame Streams: https://farsightsec.github.io/fstrm/ (a data frame is a 32-bit big-endian length and its octets; length 0
begins a control frame). dnstap: https://dnstap.info/ (protobuf, proto2). Only what the tests look at is decoded.
"""

import collections
import json
import socket
import struct

import dns.message

CONTROL_STOP = 3
CLIENT_RESPONSE = 6

Frame = collections.namedtuple("Frame", "identity version type family protocol client client_port server server_port "
	"query_time response_time query response policy extra")
Policy = collections.namedtuple("Policy", "type rule action match value")


def stream(octets):
	"""Yields data frames; returns quietly at a frame that is not all there yet (the writer is still at it)."""
	at = 0
	while at + 4 <= len(octets):
		length = struct.unpack_from(">I", octets, at)[0]
		at += 4
		if length == 0:
			if at + 4 > len(octets):
				return
			length = struct.unpack_from(">I", octets, at)[0]
			at += 4
			if at + length > len(octets) or struct.unpack_from(">I", octets, at)[0] == CONTROL_STOP:
				return
		elif at + length <= len(octets):
			yield octets[at:at + length]
		else:
			return
		at += length


def varint(octets, at):
	value = shift = 0
	while True:
		octet = octets[at]
		at += 1
		value |= (octet & 127) << shift
		shift += 7
		if octet < 128:
			return value, at


def fields(octets):
	"""A protobuf message as a dictionary from field number to its last value."""
	found, at = {}, 0
	while at < len(octets):
		key, at = varint(octets, at)
		kind = key & 7
		if kind == 0:
			value, at = varint(octets, at)
		elif kind == 2:
			length, at = varint(octets, at)
			value, at = octets[at:at + length], at + length
			if len(value) != length:
				raise ValueError("a field ends outside its message")
		elif kind in (1, 5):
			size = 8 if kind == 1 else 4
			value, at = struct.unpack_from("<Q" if kind == 1 else "<I", octets, at)[0], at + size
		else:
			raise ValueError("wire type %d" % kind)
		found[key >> 3] = value
	return found


def text(octets):
	return None if octets is None else octets.decode("utf-8")


def address(octets):
	if octets is None:
		return None
	return socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, octets)


def seconds(message, field):
	return None if field not in message else message[field] + message.get(field + 1, 0) / 1e9


def message(octets):
	return None if octets is None else dns.message.from_wire(octets)


def decode(octets, parse=True):
	"""One frame; with parse=False the DNS messages stay octets."""
	outer = fields(octets)
	inner = fields(outer[14])
	policy = None
	if 15 in inner:
		found = fields(inner[15])
		policy = Policy(text(found.get(1)), text(found.get(2)), found.get(3), found.get(4), text(found.get(5)))
	dns_message = message if parse else (lambda wire: wire)
	return Frame(text(outer.get(1)), text(outer.get(2)), inner.get(1), inner.get(2), inner.get(3), address(inner.get(4)),
		inner.get(6), address(inner.get(5)), inner.get(7), seconds(inner, 8), seconds(inner, 12),
		dns_message(inner.get(10)), dns_message(inner.get(14)), policy,
		json.loads(outer[3]) if 3 in outer else {})


def number(frame):
	return frame.extra["boot"], frame.extra["worker"], frame.extra["seq"]


def read(path, parse=True, again=True):
	"""The answers' frames in the order of their numbers: those with verdicts travel before plain ones. `again`: those too that
	came before, octet for octet."""
	try:
		with open(path, "rb") as file:
			octets = file.read()
	except FileNotFoundError:
		return []
	found = stream(octets) if again else dict.fromkeys(stream(octets))
	return sorted((frame for frame in (decode(one, parse) for one in found) if "seq" in frame.extra), key=number)
