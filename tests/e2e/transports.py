"""The same question by every way into Unbound: plain, TLS, HTTPS, and behind a proxy."""

import os
import shutil
import socket
import ssl
import struct
import subprocess

import dns.message

import lab

PROXIED = {"127.0.0.1": "10.0.0.1", "127.0.1.1": "10.1.0.1"}   # behind the proxy: to which client it is


def tls_files(here):
	"""A key and a certificate, as clauses for `server:`."""
	key, pem = here.path("tls.key"), here.path("tls.pem")
	subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=lab", "-keyout", key, "-out", pem], check=True, capture_output=True)
	return '\ttls-service-key: "%s"\n\ttls-service-pem: "%s"\n' % (key, pem)


def server(here):
	"""Clauses for `server:` that open all ports, which are kept in `here`."""
	here.dot, here.doh, here.proxy = lab.free_port(), lab.free_port(), lab.free_port()
	text = tls_files(here) + "\ttls-port: %d\n\thttps-port: %d\n\tproxy-protocol-port: %d\n" % (here.dot, here.doh, here.proxy)
	text += "".join("\tinterface: 127.0.0.1@%d\n" % port for port in (here.port, here.dot, here.doh, here.proxy))
	return text + "\taccess-control: 10.0.0.0/8 allow\n"


def query(name, qtype, **options):
	return dns.message.make_query(name, qtype, use_edns=0, **options)


def stream(sock, message, head=b""):
	wire = message.to_wire()
	sock.sendall(head + struct.pack(">H", len(wire)) + wire)
	octets = b""
	while len(octets) < 2 or len(octets) < 2 + struct.unpack_from(">H", octets)[0]:
		more = sock.recv(65535)
		if not more:
			return None
		octets += more
	return dns.message.from_wire(octets[2:])


def connect(client, port, timeout=lab.PATIENCE):
	return socket.create_connection(("127.0.0.1", port), timeout, (client, 0))


def udp(here, name, qtype, client, **options):
	return here.ask(name, qtype, client=client, **options)[0]


def tcp(here, name, qtype, client, **options):
	return here.ask(name, qtype, client=client, tcp=True, **options)[0]


def dot(here, name, qtype, client, **options):
	context = ssl._create_unverified_context()
	with context.wrap_socket(connect(client, here.dot)) as sock:
		return stream(sock, query(name, qtype, **options))


def doh(here, name, qtype, client, **options):
	done = subprocess.run(["curl", "-s", "-k", "--http2", "--max-time", "%d" % lab.PATIENCE, "--interface", client, "--data-binary", "@-",
		"-H", "content-type: application/dns-message", "https://127.0.0.1:%d/dns-query" % here.doh],
		input=query(name, qtype, **options).to_wire(), capture_output=True)
	return dns.message.from_wire(done.stdout) if done.stdout else None


def proxy_head(client, kind):
	return b"\r\n\r\n\0\r\nQUIT\n\x21" + bytes([kind]) + struct.pack(">H4s4sHH", 12, socket.inet_aton(PROXIED[client]),
		socket.inet_aton("10.9.9.9"), 4242, 53)


def proxied_udp(here, name, qtype, client, **options):
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		sock.settimeout(lab.PATIENCE)
		sock.sendto(proxy_head(client, 0x12) + query(name, qtype, **options).to_wire(), ("127.0.0.1", here.proxy))
		return dns.message.from_wire(sock.recv(65535))


def proxied_tcp(here, name, qtype, client, **options):
	with connect("127.0.0.1", here.proxy) as sock:
		return stream(sock, query(name, qtype, **options), proxy_head(client, 0x11))


def all_of_them():
	"""Name to function, and what is missing with the reason."""
	ways, missing = {"UDP": udp, "TCP": tcp, "DoT": dot, "DoH": doh, "PROXYv2 over UDP": proxied_udp,
		"PROXYv2 over TCP": proxied_tcp}, {}
	version = subprocess.run([os.path.join(lab.SBIN, "unbound"), "-V"], capture_output=True, text=True).stdout
	if shutil.which("openssl") is None:
		missing.update(DoT="no openssl", DoH="no openssl")
	if "nghttp2" not in version:
		missing["DoH"] = "this Unbound has no nghttp2"
	elif shutil.which("curl") is None:
		missing["DoH"] = "no curl"
	return {name: way for name, way in ways.items() if name not in missing}, missing
