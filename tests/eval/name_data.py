"""Labels to learn from and to be measured by, out of the files below VERDICT_DATA."""
import csv
import gzip
import hashlib
import itertools
import lzma
import os
import re
import sys

LABEL = re.compile(r"[a-z0-9-]{1,63}\Z")
SOURCES = ("benign/cloudflare1m_resolved.tsv.xz", "benign/umbrella_hostnames.csv.xz", "benign/domains_older_toplists.csv.xz")
ENDINGS = tuple(".tsv" + packed for packed in ("", ".xz", ".gz"))
RANDOM = ("random", "alnum", "hex", "hex-like", "DDNS")
# Random-like families of the data that the model was chosen by: those that is_test_family does not keep back.
CHOSEN_BY = frozenset("""bazarbackdoor bumblebee conficker cryptolocker dnschanger fobber gameover locky murofet mydoom nymaim
    orchard ramdo reconyc shiotob tinba""".split())
# Which part a benign label is of, by its hash: fitting of the language, of the sums, of the thresholds; measuring.
PARTS = (("language", 50), ("sums", 75), ("thresholds", 87), ("test", 100))


def data_directory():
    return os.environ.get("VERDICT_DATA", os.path.join(os.path.dirname(__file__), "../../../shared/data"))


SYSTEM = {"lists/public_suffix_list.dat": "/usr/share/publicsuffix/public_suffix_list.dat"}


def file_of(data, path):
    """What another directory lacks is taken from the default one, or from the system: a list of suffixes is good anywhere."""
    places = [os.path.join(data, path), os.path.join(data_directory(), path), SYSTEM.get(path, "")]
    return next((place for place in places if os.path.exists(place)), places[0])


def lines(path, errors="replace"):
    opened = {".xz": lzma.open, ".gz": gzip.open}.get(os.path.splitext(path)[1], open)
    with opened(path, "rt", encoding="utf-8", errors=errors) as file:
        for line in file:
            yield line.rstrip("\n")


def optional(data, path):
    """Its lines; where there is no such list that is said, and the others have to do."""
    path = file_of(data, path)
    if os.path.exists(path):
        yield from lines(path)
    else:
        sys.stderr.write("benign labels: there is no %s\n" % path)


class Wrong(Exception):
    """A file that is not laid out as it should be: which, and why."""


def files(data, folder):
    """A folder may hold a text about its files, and what is known of their clients."""
    folder = os.path.join(data, folder)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder) if os.path.isdir(folder) else ())
            if name.endswith(ENDINGS) and "client_facts" not in name]


def table(path, columns, errors="replace"):
    """Its rows by the names in its first line; what a row lacks is empty."""
    try:
        reader = csv.DictReader(lines(path, errors), delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        if reader.fieldnames:
            reader.fieldnames[0] = reader.fieldnames[0].removeprefix("\ufeff")
        for column in columns:
            if reader.fieldnames is not None and column not in reader.fieldnames:
                raise Wrong("%s:1: no column is called `%s`; wanted are %s" % (path, column, ", ".join(columns)))
        yield from reader
    except (EOFError, OSError, csv.Error, lzma.LZMAError) as wrong:
        raise Wrong("%s: %s" % (path, wrong)) from wrong


def number(text):
    return int(hashlib.md5(text.encode()).hexdigest()[:8], 16)


def part_of(label):
    at = number(label) % 100
    return next(name for name, end in PARTS if at < end)


def is_test_family(family):
    """A third of the families is never learned from."""
    return number("family " + family) % 3 == 0


def is_chosen_by(family):
    """Did the model in the tree turn out as it is because of this one? Families of other data did not."""
    return family in CHOSEN_BY


class Suffixes:
    """The ICANN section of the Public Suffix List."""

    def __init__(self, data):
        self.rules = set()
        inside = False
        for line in lines(file_of(data, "lists/public_suffix_list.dat")):
            inside = inside and "===END ICANN" not in line or "===BEGIN ICANN" in line
            if inside and line and not line.startswith("//"):
                try:
                    self.rules.add(line.encode("idna").decode() if line[0] not in "*!" else line)
                except UnicodeError:
                    self.rules.add(line)

    def zone(self, name):
        """The registrable domain, or None."""
        labels = name.rstrip(".").lower().split(".")
        for at in range(len(labels)):
            if "!" + ".".join(labels[at:]) in self.rules:
                return ".".join(labels[at:])
            if ".".join(labels[at:]) in self.rules or "*." + ".".join(labels[at + 1:]) in self.rules:
                return ".".join(labels[at - 1:]) if at > 0 else None
        return None


def is_scored(label):
    return LABEL.match(label) is not None and not label.startswith("xn--")


def blocked(data, suffixes):
    """Zones of names that a block list has: what is popular is not always good."""
    return {suffixes.zone(name) for name in optional(data, "lists/block_malware_big.txt.xz")}


def addresses(answers):
    """Of records `TYPE ttl rdata; ...`, what stands in the answer itself."""
    records = [record.split(" ") for record in answers.split("auth:")[0].split("; ")]
    return {record[2] for record in records if len(record) > 2 and record[0] == "A"}


def crawled(data, suffixes):
    """Zones of the crawl: those that lead to an address, to none, and to a sinkhole."""
    sinkholes = {line.split("\t")[0] for line in optional(data, "lists/sinkhole_addresses.tsv")}
    living, seen, sunk = set(), set(), set()
    for line in optional(data, SOURCES[0]):
        fields = line.split("\t")
        if len(fields) < 2:
            continue
        zone = suffixes.zone(fields[1])
        found = addresses(fields[5]) if len(fields) > 5 else set()
        seen.add(zone)
        if found & sinkholes:
            sunk.add(zone)
        elif found:
            living.add(zone)
    return living, seen - living, sunk


def listed(data, suffixes):
    """Zones of the lists that say only what is popular."""
    popular, older = (list(optional(data, source))[1:] for source in SOURCES[1:])
    names = [line.partition(",")[2] for line in popular] + [line.split(",", 1)[0] for line in older]
    return {suffixes.zone(name) for name in names}


def first_labels(zones):
    return sorted({zone.split(".")[0] for zone in zones - {None} if is_scored(zone.split(".")[0])})


def benign(data, suffixes):
    """Labels of popular zones, each once, sorted; and those of zones that are in the crawl alone and lead nowhere. What is on
    a block list or leads to a sinkhole is in neither: a list of what is asked for has what malware asks for, too."""
    living, dead, sunk = crawled(data, suffixes)
    bad = blocked(data, suffixes) | sunk
    good = (living | listed(data, suffixes)) - bad
    labels = first_labels(good)
    return labels, sorted(set(first_labels(dead - good - bad)) - set(labels))


def generated(data, suffixes):
    """{family: (type, [label], how many rows have none that is scored)}, sorted; below dynamic DNS the first label is the
    one that was made."""
    families = {}
    for row in itertools.chain.from_iterable(table(path, ("family", "type", "domain")) for path in files(data, "dga")):
        domain = row["domain"].lower().rstrip(".")
        zone = suffixes.zone(domain) or ".".join(domain.split(".")[-2:])
        label = (domain if row["type"] == "DDNS" else zone).split(".")[0]
        _, labels, unscored = families.setdefault(row["family"], (row["type"], set(), []))
        if is_scored(label):
            labels.add(label)
        else:
            unscored.append(label)
    return {family: (kind, sorted(labels), len(unscored)) for family, (kind, labels, unscored) in sorted(families.items())}
