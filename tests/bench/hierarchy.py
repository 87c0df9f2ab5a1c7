"""A small Internet on loopback: a signed root, four signed top-level domains, and zones below them at some dozens of hosters.

Three NSD share no address, so that each question is answered by a referral or by whom it is for. The zones of an insecure
delegation have no NSEC3 record of their own (opt-out), and so many delegations that nobody asks for are signed that what proves
one insecure has mostly not been seen before, as in a real top-level domain. The root, org and de have RSA keys of 2048 bits, com, net and
the zones ECDSA P-256. Hosters' names are below net, signed no more than most zones are.
"""

import concurrent.futures
import hashlib
import itertools
import os
import random
import shutil
import socket
import subprocess

import lab

ECDSA, RSA = "ECDSAP256SHA256", "RSASHA256"
TLDS = {"com": ECDSA, "net": ECDSA, "org": RSA, "de": RSA}
HOSTERS = 36
SIGNED = 0.05           # of the zones
OTHERS = 10000          # signed delegations of each top-level domain that nobody asks for
PORT = 53               # a resolver asks who is delegated to at no other
NETWORKS = ("192.0.2.%d", "198.51.100.%d", "203.0.113.%d")
HEAD = "$TTL 86400\n@ SOA {0}.{1} hostmaster.{1} 1 3600 600 86400 900\n@ NS {0}.{1}\n@ NS {2}.{1}\n"


def address(level, number):
	"""A level has two servers for each zone, or group of zones."""
	return "127.53.%d.%d" % (level, number + 1)


def addresses(name, level, number):
	"""Its records. Nobody serves by IPv6, and nobody is asked there."""
	return "{0} A {1}\n{0} AAAA 2001:db8:53:{2}::{3}\n".format(name, address(level, number), level, number + 1)


def missing():
	"""What it takes and is not there, or None."""
	if shutil.which("ldns-signzone") is None:
		return "no ldns-signzone (install ldnsutils)"
	try:
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
			sock.bind((address(0, 0), PORT))
	except OSError as error:
		return "port %d of %s: %s (be root, or have a network of one's own: unshare -rn sh -c 'ip link set lo up; ...')" % (
			PORT, address(0, 0), error.strerror)
	return None


def domain_of(name):
	return ".".join(name.split(".")[-2:])


def hoster_of(domain):
	return hashlib.sha256(domain.encode()).digest()[0] % HOSTERS


def leaf(hoster, labels, origin=""):
	"""A zone at a hoster. What lives for no time is asked for each time."""
	where = NETWORKS[hoster % 3] % (80 + hoster)
	return origin + HEAD.format("ns1", "hoster%d.net." % hoster, "ns2") + "".join("%s 0 A %s\n" % (label, where) for label in labels)


class Hierarchy:
	"""Serves those names. `asked_before`: those that a resolver is to know when it is compared."""

	def __init__(self, names, asked_before):
		self.asked_before = asked_before
		labels = {}
		for name in itertools.chain(names, asked_before):
			labels.setdefault(domain_of(name), set()).add(name[:-len(domain_of(name)) - 1])
		chosen = random.Random(3).sample(sorted(labels), round(len(labels) * SIGNED))
		self.domains = dict.fromkeys(labels, False) | dict.fromkeys(chosen, True)
		self.zones = lab.Lab({"hoster%d.net" % hoster: HEAD.format("ns1", "hoster%d.net." % hoster, "ns2") +
			addresses("ns1", 3, hoster) + addresses("ns2", 4, hoster) for hoster in range(HOSTERS)})
		with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
			leaves = dict(zip(chosen, pool.map(lambda domain: self.sign(domain, leaf(hoster_of(domain), labels[domain],
				"$ORIGIN %s.\n" % domain), ECDSA), chosen)))
			tops = dict(zip(TLDS, pool.map(lambda tld: self.top(tld, {domain: leaves.get(domain) for domain in labels
				if domain.endswith("." + tld)}), TLDS)))
		root = HEAD.format("a", "root.", "b") + addresses("a.root.", 0, 0) + addresses("b.root.", 0, 1)
		for number, tld in enumerate(TLDS):
			root += "{0} NS a.nic.{0}\n{0} NS b.nic.{0}\n".format(tld) + addresses("a.nic." + tld, 1, number) + \
				addresses("b.nic." + tld, 2, number) + tops[tld][1]
		text, _, self.anchor = self.sign(".", "$ORIGIN .\n" + root, RSA)
		self.root = lab.Lab({".": text})
		self.tops = lab.Lab({tld: top[0] for tld, top in tops.items()})
		self.start({domain: one[0] for domain, one in leaves.items()})

	def is_signed(self, name):
		return self.domains[domain_of(name)]

	def sign(self, name, text, algorithm, *options):
		"""Returns zone, DS record, DNSKEY record."""
		here = self.zones
		file = here.write("%s.unsigned" % name, text)
		key = here.path(subprocess.run(["ldns-keygen", "-a", algorithm, "-b", "2048", "-k", name], cwd=here.dir, check=True,
			capture_output=True, text=True).stdout.strip())
		subprocess.run(["ldns-signzone", *options, "-f", file + ".signed", file, key], check=True)
		with open(file + ".signed") as zone, open(key + ".ds") as ds, open(key + ".key") as dnskey:
			return zone.read(), ds.read(), dnskey.read()

	def top(self, tld, delegations):
		"""That top-level domain. What is insecure comes to it when it is signed: NSEC3 leaves it out."""
		def delegation(domain):
			return "".join("%s. NS ns%d.hoster%d.net.\n" % (domain, which, hoster_of(domain)) for which in (1, 2))
		number = list(TLDS).index(tld)
		text = "$ORIGIN %s.\n" % tld + HEAD.format("a.nic", tld + ".", "b.nic") + \
			addresses("a.nic", 1, number) + addresses("b.nic", 2, number)
		for domain, leaf_zone in delegations.items():
			text += delegation(domain) + leaf_zone[1] if leaf_zone else ""
		for other in range(OTHERS):
			domain = "other%d.%s" % (other, tld)
			text += delegation(domain) + "%s. DS 1 13 2 %s\n" % (domain, hashlib.sha256(domain.encode()).hexdigest())
		text, ds, dnskey = self.sign(tld, text, TLDS[tld], "-n", "-p", "-t", "0")
		text += "".join(delegation(domain) for domain, leaf_zone in delegations.items() if not leaf_zone)
		if tld == "net":
			for hoster in range(HOSTERS):
				text += "".join("hoster%d.net. NS ns%d.hoster%d.net.\n" % (hoster, which, hoster) +
					addresses("ns%d.hoster%d.net." % (which, hoster), 2 + which, hoster) for which in (1, 2))
		return text, ds, dnskey

	def start(self, signed):
		plain = [self.zones.write("plain%d" % hoster, leaf(hoster, "@*")) for hoster in range(HOSTERS)]
		clauses = "".join('zone:\n\tname: "%s"\n\tzonefile: "%s"\n' % (domain, self.zones.write("signed." + domain, signed[domain])
			if is_signed else plain[hoster_of(domain)]) for domain, is_signed in self.domains.items())
		for here, levels, count, more in ((self.root, (0,), 2, ""), (self.tops, (1, 2), len(TLDS), ""),
				(self.zones, (3, 4), HOSTERS, clauses)):
			here.start_nsd("server:\n" + "".join("\tip-address: %s@%d\n" % (address(level, number), PORT)
				for level in levels for number in range(count)) + more)

	def stop(self):
		for here in (self.root, self.tops, self.zones):
			here.stop()

	def server(self, here):
		"""For `server:` of that laboratory's Unbound: what it is by default, as in Debian's package, but for the root. IPv6 is
		known of and not asked at, as if it were slower."""
		hints = "".join(". 3600 NS %s.root.\n%s.root. 3600 A %s\n" % (one, one, address(0, which)) for which, one in enumerate("ab"))
		return ('\troot-hints: "%s"\n\tauto-trust-anchor-file: "%s"\n' % (here.write("root.hints", hints), here.write("root.key", self.anchor))
			+ "\tdo-ip6: yes\n\tprefer-ip4: yes\n\tqname-minimisation: yes\n\ttrust-anchor-signaling: yes\n")
