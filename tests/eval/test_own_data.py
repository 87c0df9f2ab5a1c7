#!/usr/bin/python3
"""`make eval` with directories as others have them: parts of the layout, odd but valid files, and wrong ones. TAP."""
import contextlib
import gzip
import io
import os
import subprocess
import sys
import tempfile

SRCDIR = os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "../.."))
sys.path[:0] = [os.path.join(SRCDIR, "tests/eval"), os.path.join(SRCDIR, "tests/e2e")]
import evaluate
import name_data
import recorded_data
import tap

TUNNEL = "tool\tsource\tts\tclient\tserver\tproto\tqname\tqtype\trcode\tresp_len\tquery_len\tanswers"
TRAFFIC = "ts\tclient\tclient_port\tserver\tserver_port\tproto\tqname\tqtype\trcode\tanswers(ttl value)"
FAMILIES = "family\ttype\tdomain\tsource"
OCTETS = 30                             # of each label


def label(number, form="\\%03d"):
    return "".join(form % (128 + (number * 37 + at * 11) % 127) for at in range(OCTETS))


def capture(names=None, times=None, tool="mine", count=60, zone=".evil.com"):
    lines = [TUNNEL]
    for at in range(count):
        lines.append("\t".join((tool, "my.pcap", times[at] if times else str(1700000000 + at), "192.0.2.1", "", "udp",
                                names[at] if names else label(at) + zone, "TXT", "0", "", "", "TXT 0 #100")))
    return lines


def measured(files, *options):
    """(exit code, {name: value}, what was complained of), of a directory that has these files."""
    with tempfile.TemporaryDirectory(prefix="verdict") as folder:
        for path, lines in files.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            text = lines if isinstance(lines, bytes) else ("\n".join(lines) + "\n").encode()
            with open(os.path.join(folder, path), "wb") as file:
                file.write(gzip.compress(text) if path.endswith(".gz") else text)
        # Nothing beside it: VERDICT_DATA would lend what is missing.
        before = os.environ.get("VERDICT_DATA")
        os.environ["VERDICT_DATA"] = os.path.join(folder, "none")
        out, complaints = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
                code = evaluate.main([*options, folder])
        finally:
            os.environ.pop("VERDICT_DATA")
            os.environ.update({} if before is None else {"VERDICT_DATA": before})
    said = dict(line.split(" ", 2)[1:] for line in out.getvalue().splitlines())
    return code, said, complaints.getvalue().replace(folder, "DIRECTORY")


def finds(check, what, files, tool="mine.1", **wanted):
    code, said, complaints = measured(files)
    check.equal((code, said.get("confusion.tunnel.true"), said.get("confusion.tunnel.missed")), (0, "1", "0"),
                what + ": measured, and found")
    for name, value in wanted.items():
        check.equal(said.get("tunnel.%s.%s" % (tool, name)), value, "%s: %s" % (what, name))
    return said, complaints


def captures(check):
    whole = str(60 * (OCTETS + 1))
    finds(check, "escapes are an octet each", {"tunnel/a.tsv": capture()}, octets=whole, left_out=None)
    finds(check, "escapes of another kind, too", {"tunnel/a.tsv": capture([label(at, "\\x%02x") + ".evil.com" for at in range(60)])},
          octets=whole, left_out=None)
    raw = "\n".join(capture(["@%d@.evil.com" % at for at in range(60)])).encode()
    for at in range(60):
        raw = raw.replace(b"@%d@" % at, bytes(int(octet) for octet in label(at).split("\\")[1:]))
    finds(check, "octets as they are", {"tunnel/a.tsv": raw}, octets=whole, left_out=None)
    finds(check, "CRLF", {"tunnel/a.tsv": "\r\n".join(capture()).encode()}, octets=whole)
    finds(check, "gzip, beside a text about it", {"tunnel/a.tsv.gz": capture(), "tunnel/README.md": ["mine"]}, octets=whole)
    for times in ("-", "", "2024-05-01T00:00:00Z", "nan", "-1"):
        finds(check, "time `%s`" % times, {"tunnel/a.tsv": capture(times=[times] * 60)}, octets=whole)
    for time, told in (("1700000000123", True), ("2024-05-01T00:00:00Z", True), ("", False), ("1700000000.5", False)):
        _, complaints = finds(check, "time `%s`" % time, {"tunnel/a.tsv": capture(times=[time] * 60)})
        check.equal("tunnel/a.tsv: the times of 60 rows cannot be read" in complaints, told, "is told of, if it is one")
    finds(check, "fractions", {"tunnel/a.tsv": capture(times=["%.9f" % (1700000000 + at / 7) for at in range(60)])}, octets=whole)
    finds(check, "no top-level domain", {"tunnel/a.tsv": capture(zone=".t")}, octets=str(60 * (OCTETS + 2)))
    finds(check, "a row that breaks off", {"tunnel/a.tsv": capture() + ["mine\tmy.pcap\t1700000100"]}, queries="61", left_out="1")
    finds(check, "a mark of the order of octets", {"tunnel/a.tsv": "\ufeff".encode() + "\n".join(capture()).encode()}, octets=whole)
    finds(check, "a label that is too long", {"tunnel/a.tsv": capture() + capture(["a" * 64 + ".evil.com"], count=1)[1:]},
          octets=whole, left_out="1")
    said, _ = finds(check, "of several files all", {"tunnel/a.tsv": capture(tool="one", count=5), "tunnel/b.tsv": capture()})
    check.equal(said.get("tunnel.one.1.queries"), "5", "also the other one")


def nothing_to_measure(check):
    for what, files in (("no row", {"tunnel/a.tsv": [TUNNEL], "traffic/a.tsv": [TRAFFIC], "dga/a.tsv": [FAMILIES]}),
                        ("no octet", {"tunnel/a.tsv": b"", "traffic/a.tsv": b"", "dga/a.tsv": b""}),
                        ("no file", {"tunnel/README.md": ["soon"], "dga/README.md": ["soon"], "benign/README.md": ["soon"]})):
        code, said, complaints = measured(files)
        check.equal((code, said.get("tunnel.captures_detected"), said.get("names.families")), (0, "0", "0"),
                    "%s: zeros of nothing (%s)" % (what, complaints.replace("\n", "; ")))
    code, said, _ = measured({"tunnel/a.tsv": capture(["a" * 64] * 60)})
    check.equal((code, said.get("tunnel.mine.1.left_out"), said.get("confusion.tunnel.missed")), (0, "60", "0"),
                "what cannot be read at all is left out, and not missed")


def wrong_files(check):
    code, said, complaints = measured({"tunnel/a.tsv": ["tool\tts\tclient\tqname\tqtype\trcode\tanswers"]})
    check.equal((code, said), (1, {}), "a column that is missing is an error")
    check.ok("tunnel/a.tsv:1: no column is called `source`; wanted are tool, " in complaints, "with file and column", complaints)
    code, _, complaints = measured({"tunnel/a.tsv.xz": capture()})
    check.ok(code == 1 and "tunnel/a.tsv.xz: " in complaints, "and so is what is packed otherwise than it says", complaints)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            code = evaluate.main(["--bounds"])
    except SystemExit as end:
        code = end.code
    check.equal(code, 2, "and an option that there is not")


def families(check):
    lines = [FAMILIES] + ["family%d\t%s\tq%dx%dk%dv.ru\tmine" % (family, "alnum" if family < 9 else "dictionary", 7919 * at * at,
                          family, 104729 * at) for family in range(10) for at in range(60)] + ["few\tnone\ta.ru\tmine"]
    code, said, complaints = measured({"dga/a.tsv": lines})
    check.equal((code, said.get("names.families"), said.get("burst.random_like_families")), (0, "9", "9"),
                "all families of data that nothing was chosen by are measured")
    check.equal(said.get("burst.family9.names"), "60", "with how many names a client asks for")
    check.ok("few: not measured: 1 labels are fewer than 20" in complaints, "one with a few names is named", complaints)
    check.ok("names.curve.990.false" not in said and "names.curve.990.found" in said,
             "where nothing is benign nothing is called wrong at no price", said)
    check.equal([family for family in name_data.CHOSEN_BY if name_data.is_test_family(family)], [],
                "what the model was chosen by is none of what was kept back")
    odd = [FAMILIES] + ["%s\trandom\t%s\tmine" % (family, form % (7919 * at * at, 104729 * at)) for at in range(30)
                        for family, form in (("puny", "xn--q%dv%d.com"), ("mixed", "a%dv%d.bazar."), ("mixed", "_a%dv%d.com"))]
    code, said, complaints = measured({"dga/a.tsv": odd})
    check.ok((code, said.get("names.puny.left_out")) == (0, "30") and "puny: not measured: 0 labels" in complaints,
             "what has no score is counted, and a family of nothing else is named", (said, complaints))
    check.equal((said.get("names.mixed.left_out"), said.get("burst.mixed.names")), ("30", "30"),
                "of others what has one is measured, also below no top-level domain that there is")
    code, said, _ = measured({"dga/a.tsv": [one.replace("family3", "tinba") for one in lines]})
    check.equal(said.get("names.families"), "8", "and is not measured")


def traffic(check):
    rows = [TRAFFIC] + ["%d\t192.0.2.%d\t\t\t\tudp\thost%d\tA\t3\t" % (1700000000 + at, at % 3, at) for at in range(30)]
    code, said, _ = measured({"traffic/a.tsv": rows, "traffic/README.md": ["mine"]})
    check.equal((code, said.get("traffic.a.clients"), said.get("traffic.a.zones")), (0, "3", "1"), "a recording of clients")
    check.ok(all(int(said[name]) >= 0 for name in said if name.startswith("confusion")), "no count is below zero", said)
    for answers in ("300 10.1.1.1", "A 300 10.1.1.1", "a 300 10.1.1.1", "CNAME 300 b.a.com; A 300 10.1.1.1",
                    "300 b.a.com; 300 10.1.1.1", "A 300 10.1.1.1; auth:SOA 1 a. b. 1 1 1 1 1"):
        code, said, _ = measured({"traffic/a.tsv": [TRAFFIC, "1700000000\t192.0.2.1\t\t\t\tudp\tw.a.com\tA\t0\t" + answers]})
        check.equal((code, said.get("traffic.a.rebinding.zones")), (0, "1"), "answers `%s`" % answers)
    code, said, _ = measured({"traffic/a.tsv": [TRAFFIC, "1700000000\t192.0.2.1\t\t\t\tudp\t\tA\t0\t"] + rows[1:]})
    check.equal((code, said.get("traffic.a.left_out")), (0, "1"), "a row without a name is counted")


def words_and_numbers(check):
    for kind, rcode, wanted in (("A", "3", ("A", "3")), ("A", "NXDOMAIN", ("A", "NXDOMAIN")), ("65399", "-", ("TYPE65399", "0")),
                                ("query-65", "", ("TYPE65", "0")), ("", "4096", ("A", "0")), ("HTTPS", None, ("HTTPS", "0"))):
        check.equal(recorded_data.row(1.0, "fe80::1%eth0", "a.com", kind, rcode)[1:5], ("fe80::1", "a.com", *wanted),
                    "type `%s` and rcode `%s`" % (kind, rcode))
    rows = [TRAFFIC] + ["%d\t192.0.2.1\t\t\t\tudp\tn%d.site%d.com\tA\tNXDOMAIN\t" % (1700000000 + at, at, at) for at in range(60)]
    _, said, _ = measured({"traffic/a.tsv": rows})
    check.equal(said.get("traffic.a.nxdomain-burst.clients"), "1", "missing names are missing when a word says so")


def pictures_of_a_part(check):
    with tempfile.TemporaryDirectory(prefix="verdict") as folder:
        paths = [os.path.join(folder, name) for name in ("roc.svg", "delay.svg")]
        done = subprocess.run([sys.executable, "-B", os.path.join(SRCDIR, "tests/eval/pictures.py"), *paths], check=False,
                              input="eval tunnel.mine.1.curve.512.octets_until 60\n", capture_output=True, text=True)
        check.equal((done.returncode, [os.path.exists(path) for path in paths], "roc.svg: not drawn: " in done.stderr),
                    (0, [False, True], True), "what was measured is drawn, and what was not is said")


def popular_names(check):
    hosts = ["rank,host"] + ["%d,www.site%d.com" % (at, at) for at in range(1, 50)]
    packed = name_data.lzma.compress(("\n".join(hosts) + "\n").encode())
    code, said, _ = measured({"benign/umbrella_hostnames.csv.xz": packed})
    check.equal((code, said.get("stress.zones")), (0, "49"), "host names without a crawl")


if __name__ == "__main__":
    if not os.path.exists(name_data.SYSTEM["lists/public_suffix_list.dat"]):
        print("1..0 # SKIP no Public Suffix List: install publicsuffix")
        sys.exit(0)
    tap.run(captures, nothing_to_measure, wrong_files, families, traffic, words_and_numbers, pictures_of_a_part,
            popular_names)
