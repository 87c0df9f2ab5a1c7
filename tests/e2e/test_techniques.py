#!/usr/bin/python3
"""Techniques against the real resolver: each is seen, tagged, flagged and explained, and popular names alert nobody.

Reads VERDICT_DATA (default ../shared/data beside the checkout): dga/dga_train.tsv.xz and benign/umbrella_hostnames.csv.xz;
without it those two claims are skipped. Delegations lead to port 53, so authorities have it on addresses below 127/8."""

import json
import lzma
import os
import shutil
import subprocess
import tempfile

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

import lab
import tap
from authority import Server

SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
NET = "127.84.%d" % (os.getpid() % 250 + 1)
GOOD, EVIL = NET + ".1", NET + ".2"
CLIENT, OTHER = "127.0.9.1", "127.0.9.2"
REVERSE = "100.51.198.in-addr.arpa"
# Addresses are counted by bits out of a hash whose key is drawn at each start (detect/client.h): 1024 of all, 256 of a
# network. That of 120 is six times the standard deviation, sqrt(bits * (e^t - t - 1)) at t addresses a bit, at most away,
# and with nine above the 64 that make a flag.
SWEPT, SWEPT_ERROR, NEAR_ERROR = 120, 17, 35


def clauses(actions, warm_up=0, **options):
	text = 'detection:\n\tpublic-suffix-list: "%s"\ndetector:\n\tname: newly-observed\n\twarm-up: %d\n' % (SUFFIXES, warm_up)
	for name, action in actions.items():
		text += "detector:\n\tname: %s\n\taction: %s\n" % (name, action)
		text += "".join("\t%s: %d\n" % pair for pair in options.get(name.replace("-", "_"), {}).items())
	return text


def zone(origin, *lines):
	return "$ORIGIN %s.\n" % origin + HEAD + "\n".join(lines) + "\n"


def ask(here, name, qtype="A", client=CLIENT, rdclass="IN"):
	answer = dns.query.udp(dns.message.make_query(name, qtype, rdclass), "127.0.0.1", port=here.port, timeout=lab.PATIENCE, source=client)
	return dns.rcode.to_text(answer.rcode())


def verdictctl(here, *arguments):
	done = subprocess.run([lab.VERDICTCTL, *arguments, "--json", "--config", here.path("verdict.conf")], capture_output=True,
		text=True, timeout=60)
	if not done.stdout:
		raise RuntimeError(done.stderr)
	return done.returncode, json.loads(done.stdout)


def flags(here, **wanted):
	return [flag for flag in verdictctl(here, "flagged")[1]["flags"]
		if all(flag.get(key) == value for key, value in wanted.items())]


def explained(here, name, detector, client=CLIENT):
	"""What is known by the detector, and all of it."""
	known = verdictctl(here, "explain", "--live", "--client", client, name)[1]["behaviour"]
	return next(row for row in known["detectors"] if row["detector"] == detector), known


def measured(row, option):
	return next((one["value"], one["crossed"]) for one in row["features"] if one["option"] == option)


def said(here, detector, tier):
	"""The detections of that detector in all frames, once the last is of that tier: frames come later than answers and flags."""
	def find():
		found = [one for frame in lab.frames.read(here.frames_file) for one in (frame.extra or {}).get("detections", [])
			if one["detector"] == detector]
		return found if found and found[-1]["tier"] == tier else None
	return lab.wait_for(find, "a frame of %s: %s" % (detector, tier))


def is_told(tap, here, detector, techniques, zone_name, tier, name):
	"""In frames, in a flag, and by explain."""
	found = said(here, detector, tier)
	tap.equal((found[-1].get("attack", []), found[-1]["tier"]), (techniques, tier), "%s: the frame has its techniques and its tier" % detector)
	flag = lab.wait_for(lambda: flags(here, detector=detector), "a flag of " + detector)[0]
	tap.equal((flag["zone"], flag["client"], flag["technique"], flag["state"]),
		(zone_name, CLIENT + "/32", " ".join(techniques), "alert"), "%s: a flag names zone, client and techniques" % detector)
	row, known = explained(here, name, detector)
	tap.equal((row["said"], row["technique"]), (tier, " ".join(techniques)), "%s: explain says so of the client and the zone" % detector)
	tap.equal([one["id"] for one in known["flags"]].count(flag["id"]), 1, "%s: and shows the flag" % detector)
	row, known = explained(here, name, detector, OTHER)
	tap.equal((row["said"], known["flags"]), ("none", []), "%s: nothing is said of another client" % detector)
	return flag


# --- clients ------------------------------------------------------------------------------------------------------

def exploration_is_told(tap):
	with lab.Lab({REVERSE: zone(REVERSE, "7 PTR host.example."), "quiet-lab.com": zone("quiet-lab.com", "@ A 192.0.2.4")}) as here:
		here.start([], raw=clauses({"recon": "alert"}), server='\tlocal-zone: "%s" nodefault\n' % REVERSE)
		for number in range(11):
			ask(here, "%d.%s" % (number, REVERSE), "PTR", OTHER)
		ask(here, "quiet-lab.com", "ANY")
		lab.wait_for(lambda: explained(here, "quiet-lab.com", "recon")[0]["said"] == "low", "ANY to be told")
		tap.equal(said(here, "recon", "low")[0]["features"], {"any": 1}, "ANY is told with what it is")
		for number in range(SWEPT):
			ask(here, "%d.%s" % (number, REVERSE), "PTR")
		lab.wait_for(lambda: flags(here, zone=".", client=CLIENT + "/32"), "a flag about the client")
		found = said(here, "recon", "alert")[-1]
		tap.equal((found["attack"], found["tier"], sorted(found["features"])), (["T1590.002"], "alert", ["addresses_in_network"]),
			"a sweep of a network is told, with its technique")
		row, known = explained(here, "quiet-lab.com", "recon")
		(all_of_them, _), (near, crossed) = measured(row, "ptr"), measured(row, "ptr-network")
		tap.ok(crossed and abs(all_of_them - SWEPT) <= SWEPT_ERROR and abs(near - SWEPT) <= NEAR_ERROR,
			"explain says how many addresses", row)
		tap.equal([flag["zone"] for flag in known["flags"]], ["."], "and shows the flag, which is about all that the client asks")
		row, known = explained(here, "quiet-lab.com", "recon", OTHER)
		tap.equal((row["tier"], measured(row, "ptr")[1]), ("none", False), "eleven addresses are none")


def generated(families, tops, count):
	"""Names of malware, by family, below those top-level domains."""
	path = os.path.join(lab.DATA, "dga/dga_train.tsv.xz")
	found = {family: [] for family in families}
	with lzma.open(path, "rt") as file:
		next(file)
		for line in file:
			family, _, name = line.rstrip("\n").split("\t")[:3]
			if family in found and len(found[family]) < count and name.rsplit(".", 1)[-1] in tops:
				found[family].append(name)
	return found


def a_burst_of_generated_names_is_told(tap):
	tops = ("com", "net", "org", "biz")
	try:
		names = generated(("newgoz", "suppobox"), tops, 60)
	except OSError as error:
		tap.skip("a burst of generated names", str(error))
		return
	with lab.Lab({top: zone(top) for top in tops}) as here:
		here.start([], raw=clauses({"nxdomain-burst": "alert"}))
		for name in names["newgoz"][:20]:
			tap.note(name) if ask(here, name) != "NXDOMAIN" else None
		lab.wait_for(lambda: flags(here, detector="nxdomain-burst", zone=".", client=CLIENT + "/32"), "a flag about the client")
		found = said(here, "nxdomain-burst", "alert")[0]
		tap.equal((found["attack"], found["tier"]), (["T1568.002"], "alert"), "twenty names of newgoz: told, with the technique")
		row, known = explained(here, names["newgoz"][0], "nxdomain-burst")
		tap.ok(measured(row, "zones")[1] and measured(row, "share")[1] and row["tier"] == "alert", "explain says how many look generated", row)
		tap.equal(known["client"]["missing"], 20, "and how many were missing")
		for name in names["suppobox"]:
			ask(here, name, client=OTHER)
		lab.wait_for(lambda: flags(here, detector="nxdomain-burst", zone=".", client=OTHER + "/32"), "a flag about the other")
		row, known = explained(here, names["suppobox"][0], "nxdomain-burst", OTHER)
		tap.ok(measured(row, "volume-zones")[1] and measured(row, "volume-share")[1], "sixty names of words: told by their number", row)


def popular(count):
	with lzma.open(os.path.join(lab.DATA, "benign/umbrella_hostnames.csv.xz"), "rt") as file:
		rows = [line.rstrip("\n").split(",", 1) for line in file][1:]
	return [name for rank, name in rows if rank][:count]


def exists(question, response):
	response.flags |= dns.flags.RA
	if question.rdtype == 1:
		response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "A", "192.0.2.77"))


def popular_names_at_speed_alert_nobody(tap):
	try:
		names = popular(1500)
	except OSError as error:
		tap.skip("popular names at speed", str(error))
		return
	everything = {row: "alert" for row in ("tunnel", "tunnel-down", "weak-channel", "nxdomain-burst", "rebinding", "rebinding-flip",
		"fast-flux", "look-alike", "recon", "random-subdomain", "odd-type", "name-server", "delegation-change")}
	world = Server("127.0.0.1", lab.free_port(), exists)
	with lab.Lab({"quiet-lab.com": zone("quiet-lab.com")}) as here:
		here.start([], raw=clauses(everything, warm_up=7), rest='forward-zone:\n\tname: "."\n\tforward-addr: 127.0.0.1@%d\n' % world.port)
		answered = sum(ask(here, name, client="127.0.9.%d" % (1 + number % 20)) == "NOERROR" for number, name in enumerate(names))
		tap.equal(answered, len(names), "as many names are answered")
		lab.wait_for(lambda: sum(1 for frame in lab.frames.read(here.frames_file, parse=False)
			if (frame.extra or {}).get("seq") is not None) >= len(names), "all frames")
		told = [one for frame in lab.frames.read(here.frames_file) for one in (frame.extra or {}).get("detections", [])
			if one["tier"] != "tag"]
		# Canaries by which a client looks for another resolver are popular, and what they are.
		tap.equal([one for one in told if one["detector"] != "resolver-bypass"], [], "nothing is said against any but canaries")
		tap.equal(flags(here), [], "and no flag is raised")


# --- zones --------------------------------------------------------------------------------------------------------

def rebinding_is_told(tap):
	with lab.Lab({"rebind-lab.com": zone("rebind-lab.com", "inside A 10.1.2.3", "outside A 192.0.2.3")}) as here:
		here.start([], raw=clauses({"rebinding": "alert"}))
		ask(here, "outside.rebind-lab.com", client=OTHER)
		ask(here, "inside.rebind-lab.com")
		is_told(tap, here, "rebinding", [], "rebind-lab.com", "alert", "inside.rebind-lab.com")


def a_look_alike_is_told(tap):
	with lab.Lab({name: zone(name, "www A 192.0.2.8") for name in ("paypa1-lab.com", "paypal-lab.com", "other-lab.com")}) as here:
		here.start([], raw="verdict:\n\tprotected-name: paypal-lab.com\n" + clauses({"look-alike": "alert"}))
		for name in ("www.paypal-lab.com", "www.other-lab.com", "www.paypa1-lab.com"):
			ask(here, name)
		is_told(tap, here, "look-alike", ["T1583.001", "T1566"], "paypa1-lab.com", "alert", "paypa1-lab.com")
		tap.equal([flag["zone"] for flag in flags(here)], ["paypa1-lab.com"], "look-alike: neither the name itself nor others")


def signed(folder, name):
	"""A signed zone's text and its DS record."""
	with open(os.path.join(folder, "zone"), "w") as file:
		file.write(zone(name, *("%s A 192.0.2.9" % label for label in ("www", "mail", "a", "b", "c", "d"))))
	key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name], cwd=folder, check=True, capture_output=True,
		text=True).stdout.strip()
	subprocess.run(["ldns-signzone", "-f", "out", "zone", key], cwd=folder, check=True)
	with open(os.path.join(folder, "out")) as out, open(os.path.join(folder, key + ".ds")) as ds:
		return out.read(), ds.read().strip()


def can_sign():
	return shutil.which("ldns-signzone") is not None


def a_signed_zone_that_is_so_no_more_is_told(tap):
	if not can_sign():
		tap.skip("a signed zone that is so no more", "no ldns-signzone: install ldnsutils")
		return
	for how in ("insecure", "bogus"):
		with tempfile.TemporaryDirectory() as folder:
			text, ds = signed(folder, "signed-lab.com")
		with lab.Lab({"signed-lab.com": text}) as here:
			here.start([], raw=clauses({"dnssec-drop": "alert"}, dnssec_drop={"age-min": 0}),
				server='\ttrust-anchor: "%s"\n' % ds)
			for name in ("www", "mail"):
				tap.equal(ask(here, name + ".signed-lab.com", client=OTHER), "NOERROR", "%s: validates" % how)
			if how == "insecure":
				here.control("insecure_add", "www.signed-lab.com")
				here.control("flush_zone", "signed-lab.com")
				ask(here, "www.signed-lab.com")
			else:
				here.nsd.stop()
				here.zones = {"signed-lab.com": zone("signed-lab.com", "* A 203.0.113.9")}
				here.start_nsd()
				here.control("flush_zone", "signed-lab.com")
				tap.equal({ask(here, "%s.signed-lab.com" % name) for name in ("x", "y", "z", "v", "w")}, {"SERVFAIL"},
					"bogus: the answers of another server fail")
			is_told(tap, here, "dnssec-drop", ["T1584.002"], "signed-lab.com", "alert", "www.signed-lab.com")


def flood(here, zone_name, clients, number):
	for one in range(number):
		ask(here, "%s.%s" % (os.urandom(6).hex(), zone_name), client=clients[one % len(clients)])


def a_flood_of_random_names_is_refused_for_a_minute(tap):
	clients = ["127.0.9.%d" % number for number in range(11, 16)]
	names = ("flooded-lab.com", "framed-lab.com", "vouched-lab.com")
	with lab.Lab({name: zone(name, "www A 192.0.2.8") for name in names}) as here:
		here.start([{"name": "approved", "format": "domains", "lines": ["vouched-lab.com"], "enrich": "approved"}],
			raw=clauses({"random-subdomain": "block"}, random_subdomain={"rate": 1}))
		for name in names[1:]:
			ask(here, "www." + name, client=OTHER)

		def refused():
			flood(here, "flooded-lab.com", clients, 40)
			flood(here, "vouched-lab.com", clients, 40)
			flood(here, "framed-lab.com", [CLIENT], 40)
			return ask(here, "www.flooded-lab.com", client=OTHER) == "REFUSED"
		lab.wait_for(refused, "the flooded zone to be refused")
		flag = lab.wait_for(lambda: flags(here, zone="flooded-lab.com", state="denied"), "the flag of it")[0]
		tap.equal((flag.get("client", ""), flag["detector"], flag["tier"], flag["until"] - flag["since"] <= 60),
			("", "random-subdomain", "block", True), "a flood by five clients: the zone is refused to everybody, for a minute")
		override = verdictctl(here, "overrides")[1]["overrides"]
		tap.equal([(one["name"], one["action"]) for one in override], [("flooded-lab.com", "refuse")], "and no other zone is")
		lab.wait_for(lambda: flood(here, "framed-lab.com", [CLIENT], 40) or flags(here, zone="framed-lab.com"), "a flag about one client")
		tap.equal([(one["client"], one["state"]) for one in flags(here, zone="framed-lab.com")], [(CLIENT + "/32", "alert")],
			"a flood in the name of one client: told of")
		tap.equal(ask(here, "www.framed-lab.com"), "NOERROR", "and the client is denied nothing")
		tap.equal((flags(here, zone="vouched-lab.com"), ask(here, "www.vouched-lab.com", client=OTHER)), ([], "NOERROR"),
			"an approved zone is neither")


# --- delegations --------------------------------------------------------------------------------------------------

class World:
	"""A parent that delegates moved-lab.com to whom it is told."""

	def __init__(self):
		self.moved = False
		self.parent = Server("127.0.0.1", lab.free_port(), self.refer)
		self.servers = [Server(GOOD, 53, self.serve("192.0.2.10")), Server(EVIL, 53, self.serve("203.0.113.66"))]

	def refer(self, question, response):
		name = question.name.to_text().lower()
		server, address = ("ns.crime-lab.com.", EVIL) if self.moved else ("ns1.moved-lab.com.", GOOD)
		if name.endswith("moved-lab.com."):
			response.authority.append(dns.rrset.from_text("moved-lab.com.", 300, "IN", "NS", server))
			response.additional.append(dns.rrset.from_text(server, 300, "IN", "A", address))
		else:
			response.flags |= dns.flags.AA
			if question.rdtype == 1:
				response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "A", EVIL if "crime" in name else "192.0.2.1"))

	def serve(self, address):
		def answer(question, response):
			response.flags |= dns.flags.AA
			if question.rdtype == 1:
				server = question.name.to_text().startswith("ns")
				response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "A", GOOD if server else address))
		return answer


def launch_with_clock(here, ahead):
	"""The resolver, with a clock that is so far ahead."""
	here.launch_unbound(wrapper=lab.by_clock(ahead))
	here.wait_ready()


def a_moved_delegation_is_told_and_refused_by_the_inventory(tap):
	if lab.FAKETIME is None:
		tap.skip("a moved delegation", "no libfaketime: install faketime")
		return
	try:
		world = World()
	except OSError as error:
		tap.skip("a moved delegation", "no port 53 on %s: %s" % (GOOD, error))
		return
	detectors = clauses({"delegation-change": "alert"})
	with lab.Lab({"quiet-lab.com": zone("quiet-lab.com")}) as here:
		here.start_nsd()
		here.policy([], raw="verdict:\n\tprotected-name: moved-lab.com\n" + detectors)
		here.unbound_conf(rest='stub-zone:\n\tname: "com"\n\tstub-addr: 127.0.0.1@%d\n' % world.parent.port)
		launch_with_clock(here, "+0")
		tap.equal(ask(here, "www.moved-lab.com"), "NOERROR", "the zone is served by its own servers")
		lab.wait_for(lambda: explained(here, "moved-lab.com", "delegation-change")[1]["zone"]["remembered"], "the zone to be known")
		world.moved = True
		# A running resolver has not lived through what its clock is put by.
		here.unbound.stop()
		launch_with_clock(here, "+8d")
		tap.equal(ask(here, "mail.moved-lab.com"), "NOERROR", "eight days later others answer for it")
		is_told(tap, here, "delegation-change", ["T1584.002", "T1583.002"], "moved-lab.com", "high", "www.moved-lab.com")
		here.policy([], raw=detectors + "approved-name-server:\n\tzone: moved-lab.com\n\tname-server: ns1.moved-lab.com\n"
			"\tnetwork: %s\n\taction: refuse\n" % GOOD)
		tap.equal(verdictctl(here, "reload")[0], 0, "the inventory comes")
		tap.equal(ask(here, "shop.moved-lab.com"), "REFUSED", "then the moved zone is refused")
		code, told = verdictctl(here, "explain", "shop.moved-lab.com", "--answer", "shop.moved-lab.com. A 203.0.113.66",
			"--name-server", "ns.crime-lab.com %s" % EVIL)
		told["inventory"].pop("action")
		tap.equal((code, told["verdict"], told["inventory"]), (1, "refuse", {"list": "(name-server)", "rule": "moved-lab.com",
			"trigger": "NSDNAME", "matched": "ns.crime-lab.com", "attack": ["T1584.002", "T1583.002"]}), "and explain says by what")


if __name__ == "__main__":
	lab.require()
	tap.run(exploration_is_told, a_burst_of_generated_names_is_told, popular_names_at_speed_alert_nobody, rebinding_is_told,
		a_look_alike_is_told, a_flood_of_random_names_is_refused_for_a_minute, a_signed_zone_that_is_so_no_more_is_told,
		a_moved_delegation_is_told_and_refused_by_the_inventory)
