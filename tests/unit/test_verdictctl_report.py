#!/usr/bin/python3
"""The page of `verdictctl report`: its numbers against the raw events, its form, and hostile names. TAP."""
import collections
import datetime
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import dnstap_bytes as d  # noqa: E402
import live  # noqa: E402
import office_week as office  # noqa: E402
from live import equal  # noqa: E402

COMMAND = os.environ.get("VERDICTCTL", os.path.join(os.environ.get("builddir", "."), "verdictctl"))
ENVIRONMENT = {**os.environ, "TZ": "UTC"}
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
VOID = {"meta", "br", "hr", "input", "link"}
CLASSES = ("Allowed", "Observed", "Denied", "Redirected")


def run(*words, **more):
    return subprocess.run([COMMAND, *words], capture_output=True, env=ENVIRONMENT, timeout=300, **more)


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


# --- the page -------------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Tables by caption as lists of rows of cells, tiles, ids and links; fails where an element is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tables, self.tiles, self.ids, self.links, self.names = [], {}, {}, set(), [], set()
        self.caption = self.cell = self.row = self.term = None
        self.texts = []
        self.feed(text)
        self.close()
        equal(self.open, [], "elements that are not closed")

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names.add(tag)
        if "id" in found:
            assert found["id"] not in self.ids, "twice: " + found["id"]
            self.ids.add(found["id"])
        assert not any(name.startswith("on") or name in ("src", "srcset", "data", "xlink:href") for name in found), found
        if "href" in found:
            self.links.append(found["href"])
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.row = []
        if tag in ("td", "th", "caption", "dt", "dd"):
            self.cell = ""

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        equal(self.open.pop(), tag, "the element that ends")
        if tag in ("td", "th"):
            self.row.append(self.cell.strip())
        elif tag == "caption":
            self.caption = self.cell
            assert self.caption not in self.tables, self.caption
            self.tables[self.caption] = []
        elif tag == "tr":
            self.tables[self.caption].append(self.row)
        elif tag == "dt":
            self.term = self.cell
            self.tiles[self.term] = []
        elif tag == "dd":
            self.tiles[self.term].append(self.cell.strip())

    def handle_data(self, text):
        self.texts.append(text)
        if self.cell is not None:
            self.cell += text

    def rows(self, caption):
        return self.tables[caption][1:]


def number(text):
    return int(text.replace(",", ""))


class Store:
    def __init__(self, *streams):
        self.folder = tempfile.TemporaryDirectory(prefix="verdict")
        self.path = self.folder.name
        self.days = os.path.join(self.path, "days")
        for octets in streams:
            with open(os.path.join(self.path, "frames.fs"), "wb") as file:
                file.write(octets)
            done = run("collect", "-D", self.days, os.path.join(self.path, "frames.fs"))
            equal(done.returncode, 0, done.stderr)

    def report(self, *words):
        done = run("report", "-D", self.days, *words)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def page(self, begin, end):
        """Of begin to end, without it, in seconds."""
        code, text, err = self.report("--from", moment(begin), "--to", moment(end - 60))
        equal((code, err), (0, ""))
        return Page(text)


KEPT = {}


def week():
    """Events that came, all events, their store."""
    if not os.path.isdir(os.path.join(office.DATA, "traffic")):
        raise live.Skip("no recordings: set VERDICT_DATA")
    if not KEPT:
        events = office.week()
        came = office.lose(events)
        KEPT["week"] = came, events, Store(*office.streams(events, came))
    return KEPT["week"]


WINDOWS = [
    (office.BEGIN, office.BEGIN + 7 * office.DAY, "the whole week"),
    (office.BEGIN + 2 * office.DAY, office.BEGIN + 5 * office.DAY, "whole days with days before them"),
    (office.BEGIN + office.DAY + 9 * 3600 + 7 * 60, office.BEGIN + 3 * office.DAY + 15 * 3600 + 22 * 60, "parts of days"),
    (office.BEGIN + office.DAY + 9 * 3600, office.BEGIN + office.DAY + 16 * 3600, "part of one day"),
]


def inside(events, begin, end):
    return [event for event in events if begin * 1000000 <= event["time_us"] < end * 1000000]


# --- what is right, without the code under test -----------------------------------------------------------------

def outcome(event):
    found = event["found"]
    if found["verdict"] in ("sinkhole", "local-data"):
        return 3
    if found["verdict"] in ("nxdomain", "nodata", "refuse", "drop", "truncate"):
        return 2
    return 1 if found["verdict"] == "observe" or "shadow" in found or "detections" in found else 0


def suffix_rules():
    with open(SUFFIXES, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return {line.encode("idna").decode() if not line.isascii() and "*" not in line else line
            for line in lines if line and not line.startswith("//")}


def domain(labels, rules):
    """Labels of the registrable domain, () if there is none: https://publicsuffix.org/list/."""
    texts = [label.decode("latin-1") for label in labels]
    for at in range(len(texts)):
        name, parent = ".".join(texts[at:]), ".".join(["*"] + texts[at + 1:])
        if "!" + name in rules:
            return tuple(labels[at:])
        if name in rules or parent in rules:
            return tuple(labels[at - 1:]) if at else ()
    return tuple(labels[-2:]) if len(labels) > 1 else ()


# --- claims ---------------------------------------------------------------------------------------------------

def counts_what_became_of_answers():
    came, _, store = week()
    for begin, end, why in WINDOWS:
        page, events = store.page(begin, end), inside(came, begin, end)
        wanted = collections.Counter(outcome(event) for event in events)
        equal(number(page.tiles["Answers"][0]), len(events), why)
        for i, name in enumerate(CLASSES):
            equal(number(page.tiles[name][0]), wanted[i], why + ": " + name)
            equal(sum(number(row[i + 1]) for row in page.rows("Answers over time")), wanted[i], why + ": over time")
        equal(number(page.tiles["Clients"][0]), len({event["client"] for event in events}), why)


def counts_each_step_of_the_time():
    came, _, store = week()
    begin, end, _ = WINDOWS[1]
    page = store.page(begin, end)
    wanted = collections.Counter()
    for event in inside(came, begin, end):
        wanted[event["time_us"] // 1000000 // 10800 * 10800, outcome(event)] += 1
    for row in page.rows("Answers over time"):
        at = int(datetime.datetime.strptime(row[0] + "+0000", "%Y-%m-%d %H:%M%z").timestamp())
        equal([number(cell) for cell in row[1:]], [wanted[at, i] for i in range(4)], row[0])


def counts_hits_and_clients_of_lists_and_detectors():
    came, _, store = week()
    for begin, end, why in WINDOWS:
        page = store.page(begin, end)
        hits, clients = collections.Counter(), collections.defaultdict(set)
        for event in inside(came, begin, end):
            found = event["found"]
            keys = [("list", found["list"])] if "list" in found else []
            keys += [("list", found["shadow"]["list"])] if "shadow" in found else []
            keys += [("detector", one["detector"]) for one in found.get("detections", ())]
            keys += [("technique", id) for id in set(found.get("attack", ())) | set(found.get("shadow", {}).get("attack", ()))
                     | {id for one in found.get("detections", ()) for id in one["attack"]}]
            for key in keys:
                hits[key] += 1
                clients[key].add(event["client"])
        for kind, caption in ("list", "Lists that matched"), ("detector", "Detectors that found something"):
            shown = {row[0]: (number(row[1]), number(row[2])) for row in page.rows(caption)}
            equal(shown, {name: (count, len(clients[kind, name])) for (of, name), count in hits.items() if of == kind}, why)
        text = " ".join(page.texts)
        for (of, name), count in hits.items():
            if of == "technique":
                cell = re.search(r"(?<!\d)%s(?![.\d])(?:(?!T\d{4}).)*?([\d,]+)\s+hits?,\s+([\d,]+)\s+client" % re.escape(name), text)
                equal((number(cell.group(1)), number(cell.group(2))), (count, len(clients[of, name])), why + ": " + name)


def ranks_clients():
    came, _, store = week()
    begin, end, why = WINDOWS[2]
    page = store.page(begin, end)
    told = collections.defaultdict(lambda: [0, 0, 0])
    for event in inside(came, begin, end):
        row = told[event["client"]]
        row[0] += 1
        row[1] += outcome(event) > 1
        row[2] += outcome(event) == 1
    for caption, by in ("With most answers", 0), ("With most refused", 1):
        rows = page.rows(caption)
        assert len(rows) == 15, caption
        for row in rows:
            equal([number(cell) for cell in row[1:]], told[row[0]], row[0])
        equal([number(row[1 + by]) for row in rows], sorted((row[by] for row in told.values()), reverse=True)[:15], caption)


def finds_domains_that_are_new():
    if not os.path.exists(SUFFIXES):
        raise live.Skip("no public suffix list at " + SUFFIXES)
    came, _, store = week()
    rules = suffix_rules()
    for begin, end, why in WINDOWS:
        page = store.page(begin, end)
        known, asked = set(), collections.defaultdict(list)
        today = begin // office.DAY * office.DAY
        for event in came:
            second = event["time_us"] // 1000000
            if second < begin:
                known.add(domain(event["labels"], rules))
            # Records tell of domains, too, but the day of the window itself keeps no times of theirs.
            if second < today:
                known |= {domain(owner, rules) for owner, _, _, _ in event["answers"]}
                known |= {tuple(owner) for owner, _, _, _ in event["answers"]} | {tuple(event["labels"])}
            if begin <= second < end and domain(event["labels"], rules):
                asked[domain(event["labels"], rules)].append(event)
        wanted = {name: events for name, events in asked.items() if name not in known}
        equal([number(page.tiles["New domains"][0]), page.tiles["New domains"][1]],
              [len(wanted), "of {:,}".format(len(asked))], why)
        for row in page.rows("New domains") if wanted else ():
            events = wanted[tuple(label.encode() for label in row[0].split("."))]
            equal([number(row[2]), number(row[3])], [len({event["client"] for event in events}), len(events)], row[0])


def says_what_is_missing():
    came, events, store = week()
    page = store.page(office.BEGIN, office.BEGIN + 7 * office.DAY)
    wanted = collections.Counter(event["resolver"] for event in events)
    got = collections.Counter(event["resolver"] for event in came)
    equal([(row[0], number(row[1]), number(row[2])) for row in page.rows("By resolver")],
          [(name, got[name], wanted[name] - got[name]) for name in sorted(wanted)])
    equal(sum(number(row[2]) for row in page.rows("Gaps, the largest first")), len(events) - len(came))
    first = page.rows("Gaps, the largest first")[0]
    of = [event for event in events if (event["resolver"], "%s.%d" % (event["boot"], event["worker"])) == tuple(first[:2])]
    at = {event["seq"]: event["time_us"] // 1000000 for event in of}
    lost = sorted(set(at) - {event["seq"] for event in came if event in of})
    begin, end = (int(cell) for cell in first[3].split(" to "))
    equal(lost, list(range(begin, end + 1)), "the largest gap, and the only one of its worker")
    equal(first[4:], [moment(at[seq]).replace("T", " ")[:-1] for seq in (begin - 1, end + 1)])


def expects_what_earlier_days_lead_to():
    came, events, store = week()
    begin, end = office.BEGIN + office.DAY, office.BEGIN + 2 * office.DAY
    page = store.page(begin, end)
    equal(number(page.tiles["Complete"][1].split()[0]), len(inside(events, begin, end)) - len(inside(came, begin, end)))


def names_rules_that_many_clients_meet():
    came, _, store = week()
    page = store.page(office.BEGIN, office.BEGIN + 7 * office.DAY)
    clients = collections.defaultdict(set)
    for event in came:
        if outcome(event) > 1:
            clients["%(list)s:%(rule)s" % event["found"]].add(event["client"])
    rows = page.rows("Rules to look at")
    equal({row[1]: number(row[2]) for row in rows}, {rule: len(found) for rule, found in clients.items() if len(found) > 2})
    equal([number(row[2]) for row in rows], sorted((number(row[2]) for row in rows), reverse=True))


def text_of(labels):
    return labels if isinstance(labels, str) else ".".join(one if isinstance(one, str) else one.decode() for one in labels)


def popular_names_come_first_however_few_ask():
    came, _, store = week()
    found = collections.defaultdict(set)
    for event in came:
        if outcome(event) > 1:
            found["%(list)s:%(rule)s" % event["found"]].add((event["client"], text_of(event["labels"])))
    rule, asked = min(found.items(), key=lambda one: (len({client for client, _ in one[1]}), one[0]))
    name = sorted(name for _, name in asked)[0]
    path = os.path.join(store.path, "popular.csv")
    words = "--from", "2025-11-10", "--to", "2025-11-16", "--popular", path
    with open(path, "w") as file:
        file.write("rank,name\n" + "".join("%d,unasked%d.example.net\n" % (n, n) for n in range(1, 40)) + "40,%s\n" % name.upper())
    code, text, err = store.report(*words)
    equal((code, err), (0, ""))
    first = Page(text).rows("Rules to look at")[0]
    equal(first[1], rule)
    assert "popular: number 40" in first[5], first
    assert "one of the 40 popular names" in text
    with open(path, "w") as file:
        file.write("\x1b[31m\n'\n<b>\n")
    code, text, err = store.report(*words)
    equal((code, text), (3, ""))
    assert "popular.csv: has no names" in err, err


def makes_a_layer_for_the_navigator():
    _, _, store = week()
    path = os.path.join(store.path, "layer.json")
    equal(store.report("--from", "2025-11-10", "--to", "2025-11-16", "--navigator", path)[0], 0)
    with open(path) as file:
        layer = json.load(file)
    equal((layer["domain"], layer["versions"]["layer"]), ("enterprise-attack", "4.5"))
    came = week()[0]
    equal({one["techniqueID"]: one["score"] for one in layer["techniques"]}["T1566"],
          sum("T1566" in event["found"].get("attack", ()) for event in came))


def is_the_same_twice():
    _, _, store = week()
    words = "--from", "2025-11-11T08:30Z", "--to", "2025-11-13"
    equal(store.report(*words), store.report(*words))


def loads_nothing_and_stands_alone():
    _, _, store = week()
    text = store.report("--from", "2025-11-10", "--to", "2025-11-16")[1]
    page = Page(text)
    assert not page.names & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}, page.names
    equal([link for link in page.links if not link.startswith("#") or link[1:] not in page.ids], [])
    assert "default-src 'none'" in text and "url(" not in text and "@import" not in text
    equal(re.findall(r"https?://[^\s\"<]*", text), [])


HOSTILE = [b"<script>alert(1)</script>", b"\"onload=alert(1)", b"'><b>", b"a\0b", b"\x1b[31mred", b"&lt;&amp;", b"\xe2\x80\xaeb",
           b"\xff\xfe", b"</style>", b"--><!--", b"{{7*7}}", b"%3Cb%3E"]
TEXTS = ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "\u202eevil\u2066", "\x1b[31mred\x07", "a\x00b",
         "&amp;<", "Schadsoftware-B\u00fcro", "\u200bzero", "]]>", "\U000e0041tag"]


def hostile_store():
    frames = []
    for number_, label in enumerate(HOSTILE * 3, 1):
        text = TEXTS[number_ % len(TEXTS)]
        extra = d.extra("nxdomain" if number_ % 2 else "allow", seq=number_, list=text, rule=text + "r", trigger="QNAME",
                        category=text[:20], attack=[text[:12], "T1071.004"],
                        detections=[{"detector": text, "tier": text[:5], "action": "observe", "value": 1, "threshold": 1,
                                     "attack": [text[:9]]}])
        frames.append(d.frame(response=d.dns([label, label[:20], b"example"], rcode=3), extra=extra, policy=d.policy(),
                              identity="<i>\"&'\x1b" + chr(0x202e), client="10.0.0.%d" % number_, query_time=office.BEGIN + number_,
                              response_time=office.BEGIN + number_))
    return Store(d.stream(*frames))


def hostile_texts_stay_texts():
    store = hostile_store()
    code, text, err = store.report("--from", "2025-11-10", "--to", "2025-11-10")
    equal((code, err), (0, ""))
    page = Page(text)
    assert not page.names & {"script", "img", "i"}, page.names
    body = text[text.index("<body>"):]
    bad = [c for c in body if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or
           0x200b <= ord(c) <= 0x200f or 0x2028 <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069 or ord(c) >= 0xe0000]
    equal(bad, [])
    names = [row[0] for row in page.rows("New domains")]
    assert any("script" in name and "\\060" in name for name in names), names
    lists = [row[0] for row in page.rows("Lists that matched")]
    assert "<script>alert(1)</script>" in lists and any("B\u00fcro" in name for name in lists), lists
    equal(number(page.tiles["Answers"][0]), 3 * len(HOSTILE))


def leaves_a_damaged_day_out_and_says_so():
    came, events, _ = week()
    store = Store(*office.streams(events, came))
    path = os.path.join(store.days, "2025-11-12-verdicts.sqlite")
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (os.path.getsize(path) - 4096))
    code, text, err = store.report("--from", "2025-11-10", "--to", "2025-11-16")
    equal(code, 3)
    assert "2025-11-12-verdicts.sqlite" in err, err
    page = Page(text)
    assert "2025-11-12-verdicts.sqlite" in "".join(page.texts)
    left = [event for event in came if outcome(event) == 0 or
            event["time_us"] // 1000000 // office.DAY != (office.BEGIN + 2 * office.DAY) // office.DAY]
    equal(number(page.tiles["Answers"][0]), len(left))
    os.rename(path, path + ".damaged")
    code, text, err = store.report("--from", "2025-11-10", "--to", "2025-11-16")
    equal((code, err.count("was set aside")), (3, 1))
    assert "2025-11-12-verdicts.sqlite.damaged" in "".join(Page(text).texts)
    equal(store.report("--from", "2025-11-13", "--to", "2025-11-16")[0], 0, "another day's")


def an_empty_window_is_a_page():
    _, _, store = week()
    code, text, err = store.report("--from", "2020-01-01", "--to", "2020-01-02")
    equal((code, err), (0, ""))
    equal(Page(text).tiles["Answers"][0], "0")


def says_what_is_wrong_with_options():
    with tempfile.TemporaryDirectory() as folder:
        for words, code, wanted in (["--from", "nonsense"], 2, "no time"), (["surplus"], 2, "options only"), \
                (["--from", "2025-11-12", "--to", "2025-11-10"], 2, "behind"), (["-D", folder + "/none"], 3, "none"), \
                (["-D", folder, "-o", folder + "/a/b"], 3, "cannot be written"):
            done = run("report", *words)
            equal(done.returncode, code, words)
            assert wanted in done.stderr.decode(), done.stderr


def a_browser_shows_it():
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        raise live.Skip("no chromium: set CHROMIUM to one")
    _, _, store = week()
    page, shot = os.path.join(store.path, "page.html"), os.path.join(store.path, "page.png")
    equal(store.report("--from", "2025-11-10", "--to", "2025-11-16", "-o", page)[0], 0)
    done = subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
                           "--user-data-dir=" + os.path.join(store.path, "profile"), "--window-size=1200,900",
                           "--screenshot=" + shot, "file://" + page], capture_output=True, timeout=300, text=True)
    assert os.path.exists(shot), done.stderr
    equal([line for line in done.stderr.splitlines() if "CONSOLE" in line], [])


FRAME = """<!DOCTYPE html><pre id=told></pre>%s<script>
onload = () => { told.textContent = [...document.querySelectorAll("iframe")].map(frame => { const page =
frame.contentDocument.documentElement; return frame.width + " " + (page.scrollWidth - page.clientWidth) + ";"; }).join(""); };
</script>"""


def nothing_is_wider_than_the_screen():
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        raise live.Skip("no chromium: set CHROMIUM to one")
    widths = 320, 360, 412, 681, 900, 1280
    for store, end in (week()[2], "2025-11-16"), (hostile_store(), "2025-11-10"):
        page, frame = os.path.join(store.path, "wide.html"), os.path.join(store.path, "frame.html")
        equal(store.report("--from", "2025-11-10", "--to", end, "-o", page)[0], 0)
        with open(frame, "w") as file:
            file.write(FRAME % "".join('<iframe src="wide.html" width=%d height=900></iframe>' % one for one in widths))
        done = subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                               "--user-data-dir=" + os.path.join(store.path, "wide"), "--dump-dom", "file://" + frame],
                              capture_output=True, timeout=300, text=True)
        equal(re.search("told\">([^<]*)", done.stdout).group(1), "".join("%d 0;" % one for one in widths))


CLAIMS = [
    counts_what_became_of_answers, counts_each_step_of_the_time, counts_hits_and_clients_of_lists_and_detectors, ranks_clients,
    finds_domains_that_are_new, says_what_is_missing, expects_what_earlier_days_lead_to, names_rules_that_many_clients_meet,
    popular_names_come_first_however_few_ask, makes_a_layer_for_the_navigator, is_the_same_twice, loads_nothing_and_stands_alone, hostile_texts_stay_texts,
    leaves_a_damaged_day_out_and_says_so, an_empty_window_is_a_page, says_what_is_wrong_with_options, a_browser_shows_it,
    nothing_is_wider_than_the_screen,
]

if __name__ == "__main__":
    live.run(CLAIMS)
