#!/usr/bin/python3
"""What `verdictctl learn` proposes of recorded traffic, and what an attacker who knows of it cannot teach it. TAP."""
import base64
import hashlib
import json
import lzma
import os
import subprocess
import sys
import tempfile

import live
from live import COMMAND, equal

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("VERDICT_DATA", os.path.join(os.environ.get("srcdir", "."), "../shared/data"))
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
DETECTION = 'detection:\n public-suffix-list: "%s"\n zones: 4096\n clients: 4096\n pairs: 4096\n' % SUFFIXES + \
    "".join(" %s-size: 1m\n" % name for name in ("names", "known", "answers"))
START, DAY = 1700000000, 86400
CLIENTS = ["192.0.2.%d" % number for number in range(1, 7)]
LOCAL = ["fe80::%d" % number for number in range(1, 7)]
PSEUDONYMS = ["100::%d" % number for number in range(1, 7)]


def chunk(*seed):
    return base64.b32encode(hashlib.sha256(repr(seed).encode()).digest()[:20]).decode().lower()


def row(at, client, name, kind="A", rcode=0, answers="A 300 198.51.100.1"):
    return (at, "%.3f\t%s\t%s\t%s\t%d\t%s\n" % (at, client, name, kind, rcode, answers))


def usual(days=7, clients=CLIENTS):
    """People at work: a dozen sites each."""
    return [row(START + day * DAY + 10 * site + number, client, "www.site%d-lab.com" % site)
            for day in range(days) for site in range(12) for number, client in enumerate(clients)]


def chatter(zone, clients=CLIENTS, days=range(7), names=24, gap=2):
    """Data in names, as anti-virus look-ups have it, from each client."""
    return [row(START + day * DAY + 3600 + gap * (at * len(clients) + number), client, chunk(zone, day, at, client) + "." + zone)
            for day in days for at in range(names) for number, client in enumerate(clients)]


def in_folder(test):
    def run():
        if not os.path.exists(SUFFIXES):
            raise live.Skip("no %s: install publicsuffix" % SUFFIXES)
        with tempfile.TemporaryDirectory(prefix="verdict") as folder:
            write(folder, "v.conf", DETECTION)
            test(folder)
    run.__name__ = test.__name__
    return run


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def recording(folder, *parts, name="t.tsv"):
    return write(folder, name, "time\tclient\tqname\tqtype\trcode\tanswers\n" + "".join(
        line for _, line in sorted(one for part in parts for one in part)))


def learn(folder, *arguments, code=0, **more):
    done = subprocess.run([COMMAND, "learn", "--policy", os.path.join(folder, "v.conf"), *arguments], capture_output=True,
                          text=True, timeout=300, **more)
    equal((done.returncode, done.stderr if code == 0 else ""), (code, ""))
    return done.stdout


def report_of(folder, *arguments, **more):
    return json.loads(learn(folder, "--json", *arguments, **more))


def zones(report):
    return {one["zone"]: one.get("why_not", "proposed") for one in report["zones"]}


def threshold(report, detector, option):
    return next(one for one in report["thresholds"] if (one["detector"], one["option"]) == (detector, option))


def told(folder, config, path):
    """Zones that detectors speak of by a configuration."""
    done = subprocess.run([COMMAND, "replay", "--json", "--policy", config, path], capture_output=True, text=True, timeout=300)
    equal(done.returncode, 0)
    return {one["zone"] for one in json.loads(done.stdout)["detection"]["zones"]}


@in_folder
def what_everybody_uses_is_approved_and_a_tunnel_is_not(folder):
    path = recording(folder, usual(), chatter("av-lab.com"), chatter("tunnel-lab.com", CLIENTS[:1], names=100))
    listed = os.path.join(folder, "approved.txt")
    text = learn(folder, "--list", listed, path)
    config = write(folder, "learned.conf", text)
    with open(listed) as file:
        made = file.read()
    equal([line for line in made.splitlines() if line and line[0] != "#"], ["av-lab.com"])
    equal("# av-lab.com: 6 clients (6 that ask for much else) on 7 days\n#   tunnel low: " in made, True)
    equal("# tunnel-lab.com: 1 clients (1 that ask for much else) on 7 days; not proposed: 1 of 3 clients ask for it" in text, True)
    checked = subprocess.run([COMMAND, "check", "--config", config], capture_output=True, text=True, timeout=60)
    equal((checked.returncode, checked.stderr), (0, ""))
    equal(told(folder, os.path.join(folder, "v.conf"), path), {"av-lab.com", "tunnel-lab.com"})
    equal(told(folder, write(folder, "w.conf", DETECTION + "include: learned.conf\n"), path), {"tunnel-lab.com"})


@in_folder
def says_what_would_have_been_flagged_and_what_is_left(folder):
    path = recording(folder, usual(), chatter("av-lab.com"))
    report = report_of(folder, path)
    equal([(one["zone"], one["detector"]) for one in report["alarms"]], [("av-lab.com", "tunnel")])
    equal(report["alarms_left"], [])
    with open(path) as file:
        piped = report_of(folder, "-", stdin=file)
    equal(("alarms_left" in piped, piped["zones"]), (False, report["zones"]))
    equal("1 zones and clients would have been flagged,\n# and with this configuration 0.\n" in learn(folder, path), True)


@in_folder
def names_that_end_in_no_top_level_domain_are_flagged_as_one(folder):
    """As in a resolver: what a client asks for below `local` has one record there, and one flag."""
    path = recording(folder, usual(), chatter("svc.cluster.local", CLIENTS[:1], days=[0], names=100))
    report = report_of(folder, path)
    equal({one["zone"] for one in report["alarms"]}, {"local"})
    equal(zones(report), {"local": "it is no registrable domain"})


@in_folder
def prints_the_same_each_time(folder):
    path = recording(folder, usual(), chatter("av-lab.com"), chatter("tunnel-lab.com", CLIENTS[:1]))
    equal(learn(folder, path), learn(folder, path))


SPOOFED = ["203.0.113.%d" % number for number in range(1, 10)]
# why, records besides the usual ones, more arguments, what is said of attack-lab.com, and more of a configuration
LESSONS = (
    ("one client, all week", chatter("attack-lab.com", CLIENTS[:1], names=60), (), "1 of 3 clients ask for it", ""),
    ("two, where three are wanted", chatter("attack-lab.com", CLIENTS[:2], names=80), (), "2 of 3 clients ask for it", ""),
    ("two, where two are", chatter("attack-lab.com", CLIENTS[:2], names=80), ("--clients", "2"), "proposed", ""),
    ("spoofed clients that ask for nothing else", chatter("attack-lab.com", SPOOFED, names=18), (), "0 of 3 clients ask for it", ""),
    ("spoofed clients that ask for names in no zone", chatter("attack-lab.com", SPOOFED, names=18) +
     [row(START + at, client, "n%d.lan" % at) for at in range(12) for client in SPOOFED], (), "0 of 3 clients ask for it", ""),
    ("many clients on one day", chatter("attack-lab.com", days=[6]), (), "seen on 1 of 4 days", ""),
    ("so much that it would be denied", chatter("attack-lab.com", names=120), (), "tunnel reached the tier block", ""),
    ("a list of the policy has a name of it", chatter("attack-lab.com") + [row(START, CLIENTS[0], "c2.attack-lab.com")], (),
     "a list of the policy knows it", "policy-list:\n name: bad\n file: bad.txt\n action: observe\n"),
    ("or would have it, in shadow", chatter("attack-lab.com") + [row(START, CLIENTS[0], "c2.attack-lab.com")], (),
     "a list of the policy knows it", "policy-list:\n name: bad\n file: bad.txt\n shadow: yes\n"),
    ("it was registered of late", chatter("attack-lab.com") + [row(START, CLIENTS[0], "c2.attack-lab.com")], (),
     "a list of the policy knows it", "policy-list:\n name: bad\n file: bad.txt\n enrich: registered\n"),
    ("it leads inside, too", chatter("attack-lab.com") + [row(START + DAY, CLIENTS[0], "r.attack-lab.com", answers="A 1 10.1.2.3")], (),
     "ordinary use does not wake rebinding", ""),
    ("and asks for odd types", chatter("attack-lab.com") + [row(START + DAY, CLIENTS[0], "r.attack-lab.com", "NULL", answers="")], (),
     "ordinary use does not wake odd-type", ""),
)


@in_folder
def an_attacker_teaches_it_nothing(folder):
    write(folder, "bad.txt", "c2.attack-lab.com\n")
    for why, attack, arguments, wanted, lists in LESSONS:
        write(folder, "v.conf", DETECTION + lists)
        report = report_of(folder, *arguments, recording(folder, usual(), attack))
        equal((why, zones(report).get("attack-lab.com")), (why, wanted))


@in_folder
def what_no_list_can_hold_is_not_approved(folder):
    strange = ("*.com", "a\\010b.com", "\\035lab.com", "x\\046com.net")
    list_file = os.path.join(folder, "approved.txt")
    text = learn(folder, "--list", list_file, recording(folder, usual(), chatter("_av-lab.com"), *map(chatter, strange)))
    with open(list_file) as file:
        equal([line for line in file if line[0] != "#"], ["_av-lab.com\n"])
    equal(text.count("a list cannot hold such a name"), 4)


@in_folder
def clients_are_told_apart_as_detectors_do(folder):
    mapped = ["::ffff:" + client for client in CLIENTS]
    one = ["2001:db8::%d" % number for number in range(1, 7)]
    for seen, asking, clients, wanted in (
            (mapped[:3] + CLIENTS[3:], mapped, 6, "proposed"), (one, one, 1, "1 of 3 clients ask for it"),
            (LOCAL, LOCAL, 6, "proposed"), (PSEUDONYMS, PSEUDONYMS, 6, "proposed")):
        report = report_of(folder, recording(folder, usual(clients=seen), chatter("av-lab.com", asking)))
        equal((seen[0], zones(report), report["clients"]), (seen[0], {"av-lab.com": wanted}, clients))


@in_folder
def where_anybody_rents_names_nothing_is_approved(folder):
    report = report_of(folder, recording(folder, usual(), chatter("amazonaws.com")))
    equal(zones(report), {"amazonaws.com": "others rent names below it (Public Suffix List)"})


@in_folder
def too_few_days_propose_nothing(folder):
    path = recording(folder, usual(6), chatter("av-lab.com", days=range(6)))
    listed = os.path.join(folder, "approved.txt")
    text = learn(folder, "--list", listed, path)
    equal([line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")], [])
    equal("# TOO SHORT: 7 days are wanted" in text, True)
    with open(listed) as file:
        equal([line for line in file if line[0] != "#"], [])
    equal(zones(report_of(folder, path)), {"av-lab.com": "too few days of observation"})
    equal(zones(report_of(folder, "--days", "6", path)), {"av-lab.com": "proposed"})


def measured(octets_of, client, count=1100, first=0):
    """That many zones with some new names of 32 characters each: about 20 octets of information a name."""
    return [row(START + zone * 60 + at, one, chunk(zone, at) + ".m%d-lab.com" % zone) for zone in range(first, first + count)
            for at, one in [(at, one) for at in range(octets_of(zone)) for one in client(at)]]


@in_folder
def thresholds_go_down_to_what_nothing_crosses_but_not_under_half(folder):
    calm = report_of(folder, "--days", "0", recording(folder, usual(), measured(lambda zone: 3, lambda at: CLIENTS[:3])))
    low = threshold(calm, "tunnel", "low-octets-12h")
    equal((low["proposed"], low["was"], low["value"], low["common"] >= 1100), (True, 1024, 512, True))
    path = recording(folder, usual(), measured(lambda zone: 3, lambda at: CLIENTS[:3]))
    write(folder, "learned.conf", learn(folder, "--days", "0", path))
    write(folder, "v.conf", DETECTION + "include: learned.conf\n")
    again = report_of(folder, "--days", "0", path)
    equal([(one["detector"], one["option"], one["was"]) for one in again["thresholds"]],
          [(one["detector"], one["option"], one["value"] if one["proposed"] else one["was"]) for one in calm["thresholds"]])
    write(folder, "v.conf", DETECTION)
    busy = report_of(folder, "--days", "0", recording(folder, usual(), measured(lambda zone: 3, lambda at: CLIENTS[:3]),
        measured(lambda zone: 35, lambda at: CLIENTS[:1], 1, 2000)))
    low = threshold(busy, "tunnel", "low-octets-12h")
    equal((low["proposed"], 512 < low["highest"] < low["value"] < 1024), (True, True))
    few = report_of(folder, "--days", "0", recording(folder, usual(), measured(lambda zone: 3, lambda at: CLIENTS[:3], count=50)))
    equal(threshold(few, "tunnel", "low-octets-12h")["why_not"], "too little was measured")


def curious(owners_of, count=1100):
    """That many clients, each at a dozen sites, that ask for the mail servers of some zones."""
    rows = []
    for number in range(count):
        client, at = "10.1.%d.%d" % divmod(number, 200), START + number * 20
        rows += [row(at, client, "www.site%d-lab.com" % site) for site in range(12)]
        rows += [row(at, client, "mail%d-lab.com" % owner, "MX", answers="") for owner in range(owners_of(number))]
    return rows


@in_folder
def thresholds_go_up_by_what_many_clients_do_and_not_over_the_cap(folder):
    write(folder, "v.conf", DETECTION + "detector:\n name: recon\n owners: 10\n")
    for why, owners, wanted in (
            ("one client in a thousand moves nothing", lambda number: 18 if number == 7 else 4, "it fits what is in common use"),
            ("ten do", lambda number: 14 if number % 100 == 7 else 4, None),
            ("not over the cap", lambda number: 24 if number % 100 == 7 else 4, "what is in common use is over the cap: look at those clients")):
        found = threshold(report_of(folder, "--days", "0", recording(folder, curious(owners))), "recon", "owners")
        equal((why, found.get("why_not"), found["value"] == 10 if wanted else 10 < found["value"] <= 20), (why, wanted, True))
    few = recording(folder, curious(lambda number: 14 if number % 10 == 7 else 4, 500))
    equal(threshold(report_of(folder, "--days", "0", few), "recon", "owners")["why_not"],
          "too little in common use was measured to go up")


@in_folder
def thresholds_about_zones_never_go_up(folder):
    report = report_of(folder, "--days", "0", recording(folder, usual(), measured(lambda zone: 3, lambda at: CLIENTS[:3]),
        measured(lambda zone: 200, lambda at: CLIENTS[:1], 3, 2000)))
    low = threshold(report, "tunnel", "low-octets-12h")
    equal((low["value"], low["why_not"][:27]), (1024, "for zones it never goes up:"))


@in_folder
def refuses_what_makes_no_sense(folder):
    path = recording(folder, usual(1))
    learn(folder, "--clients", "1", path, code=2)
    learn(folder, "--days", "x", path, code=2)
    learn(folder, code=2)
    learn(folder, "--list", "a\"b", path, code=2)
    learn(folder, "--list", path, path, code=3)
    learn(folder, os.path.join(folder, "nowhere"), code=3)
    write(folder, "v.conf", "nonsense: 1\n")
    learn(folder, path, code=1)


@in_folder
def real_desktops_raise_no_alarm_before_and_after(folder):
    if not os.path.exists(os.path.join(DATA, "traffic")):
        raise live.Skip("no %s: set VERDICT_DATA" % DATA)
    sys.path.insert(0, os.path.join(HERE, "..", "eval"))
    import recorded_data
    rows = dict(recorded_data.recordings(DATA))["rita_desktop_2024-04"]
    path = write(folder, "rita.tsv", "time\tclient\tqname\tqtype\trcode\tanswers\n" + "".join(
        one if isinstance(one, str) else "\t".join(one) + "\n" for one in rows))
    report = report_of(folder, "--days", "1", path)
    equal((report["alarms"], report["alarms_left"], report["records"] > 3000), ([], [], True))


@in_folder
def what_real_host_names_raise_is_approved_and_then_nothing_is_left(folder):
    """Every second popular host name, a seventh of them each day, by five desktops."""
    if not os.path.exists(os.path.join(DATA, "benign")):
        raise live.Skip("no %s: set VERDICT_DATA" % DATA)
    with lzma.open(os.path.join(DATA, "benign", "umbrella_hostnames.csv.xz"), "rt") as file:
        names = [line.strip().split(",", 1)[1] for line in file][1::2]
    rows = [row(START + at % 7 * DAY + at // 7 * 600000 / len(names), CLIENTS[(3 * at + at // 7) % 5], name)
            for at, name in enumerate(names)]
    path = recording(folder, rows)
    report = report_of(folder, path)
    equal(([one["zone"] for one in report["alarms"]], zones(report)), (["outlook.com"], {"outlook.com": "proposed"}))
    equal(report["alarms_left"], [])
    listed = os.path.join(folder, "approved.txt")
    write(folder, "learned.conf", learn(folder, "--list", listed, path))
    equal(told(folder, write(folder, "w.conf", DETECTION + "include: learned.conf\n"), path), set())


if __name__ == "__main__":
    live.run([what_everybody_uses_is_approved_and_a_tunnel_is_not, says_what_would_have_been_flagged_and_what_is_left,
              names_that_end_in_no_top_level_domain_are_flagged_as_one, prints_the_same_each_time,
              an_attacker_teaches_it_nothing, where_anybody_rents_names_nothing_is_approved,
              what_no_list_can_hold_is_not_approved, clients_are_told_apart_as_detectors_do,
              too_few_days_propose_nothing, thresholds_go_down_to_what_nothing_crosses_but_not_under_half,
              thresholds_go_up_by_what_many_clients_do_and_not_over_the_cap,
              thresholds_about_zones_never_go_up, refuses_what_makes_no_sense,
              real_desktops_raise_no_alarm_before_and_after,
              what_real_host_names_raise_is_approved_and_then_nothing_is_left])
