#!/usr/bin/python3
"""`extra` as the library writes it, and the JSON Schemas that are published for it: each says what the other does. TAP.

SEED=N chooses other verdicts."""
import copy
import functools
import json
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
SRCDIR = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SRCDIR, "tests", "unit"))
import live  # noqa: E402
import schemas  # noqa: E402

PROGRAM = os.path.join(os.environ.get("builddir", "."), "tests", "unit", "extra_lines")
SEED = int(os.environ.get("SEED", "1"))
GREATEST = 2**53 - 1
OPTIONAL_AT_TIMES = {"clock"}   # asked of the kernel, which may not say


def written(count):
    done = subprocess.run([PROGRAM, str(SEED), str(count)], capture_output=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def every_frame_fits_its_schema(known, found):
    complaints = [text for text in map(known.complaint, found) if text is not None]
    assert len(found) >= 1000 and not complaints, "%d: %s" % (len(complaints), "\n".join(complaints[:3]))


def no_frame_fits_the_other_schema(known, found):
    other = {"extra-1": "heartbeat-1", "heartbeat-1": "extra-1"}
    assert not any(known.fits(one, other[known.name_for(one)]) for one in found)


def spots(value, path=()):
    """Paths of all objects in it."""
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from spots(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from spots(inner, path + (index,))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def a_key_too_many_or_of_another_type_is_refused(known, found):
    chance = random.Random(SEED)
    for one in chance.sample(found, 400):
        spot = chance.choice(list(spots(one)))
        broken = copy.deepcopy(one)
        at(broken, spot)["later"] = 1
        assert not known.fits(broken, known.name_for(one)), ("a key too many", broken)
        if not at(one, spot):
            continue
        key = chance.choice(sorted(at(one, spot)))
        for wrong in None, {}, -1, 1.5, "", [], [1], GREATEST * 2 if key in ("seq", "dropped", "worker") else None:
            broken = copy.deepcopy(one)
            at(broken, spot)[key] = wrong
            fits = known.fits(broken, known.name_for(one))
            counter = wrong == GREATEST * 2 and known.name_for(one) == "heartbeat-1" and key != "worker"
            empty = wrong == [] and key in ("workers", "targets", "servers")
            assert fits == (counter or empty), (key, wrong, broken)


def keys_that_must_be_there_are_missed(known, found):
    always = {"extra-1": "v boot worker seq path verdict".split(),
              "heartbeat-1": "v boot".split()}
    for one in found[:200]:
        name = known.name_for(one)
        more = ["incident"] if "incident" in one else []
        more += ["list", "rule", "trigger"] if "list" in one else []
        for key in always[name] + more + [key for key in ("workers", "spool", "targets") if key in one]:
            broken = {inner: value for inner, value in one.items() if inner != key}
            assert not known.fits(broken, name), (key, one)


def places(schema, root, name):
    """Pairs of a dotted key and its values (of an enum) that the schema allows."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    for choice in schema.get("oneOf", ()):
        yield from places(choice, root, name)
    for value in schema.get("enum", ()):
        yield name + "=" + value
    for key, inner in schema.get("properties", {}).items():
        yield name + "." + key
        yield from places(inner, root, name + "." + key)
    if "items" in schema:
        yield from places(schema["items"], root, name)


def used(value, name):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield name + "." + key
            yield from used(inner, name + "." + key)
    elif isinstance(value, list):
        for inner in value:
            yield from used(inner, name)
    elif isinstance(value, str):
        yield name + "=" + value


def nothing_in_the_schemas_is_never_written(known, found):
    allowed, seen = set(), set()
    for name, document in known.documents.items():
        allowed.update(places(document, document, name))
    for one in found:
        seen.update(used(one, known.name_for(one)))
    # What would be done is never nothing.
    unused = {one for one in allowed - seen if not OPTIONAL_AT_TIMES & set(one.split("."))}
    assert unused == {"extra-1.shadow.action=allow"}, unused


def what_version_1_once_was_still_fits(known, found):
    """Frames of releases: written down when a key came, and never changed."""
    with open(os.path.join(SRCDIR, "tests", "unit", "extra_v1.ndjson"), encoding="utf-8") as file:
        kept = [json.loads(line) for line in file]
    complaints = [text for text in map(known.complaint, kept) if text is not None]
    assert len(kept) >= 8 and not complaints, complaints[:3]


def the_manual_names_each_key(known, found):
    with open(os.path.join(SRCDIR, "doc", "frames.md"), encoding="utf-8") as file:
        manual = file.read()
    keys = {part for name, document in known.documents.items() for place in places(document, document, name)
            for part in place.split("=")[0].split(".")[1:]}
    assert len(keys) > 40
    missing = sorted(key for key in keys if "`%s`" % key not in manual)
    assert not missing, missing


CLAIMS = [
    every_frame_fits_its_schema, no_frame_fits_the_other_schema, a_key_too_many_or_of_another_type_is_refused,
    keys_that_must_be_there_are_missed, nothing_in_the_schemas_is_never_written, what_version_1_once_was_still_fits,
    the_manual_names_each_key,
]


def main():
    if not schemas.USABLE:
        print("1..0 # SKIP %s: install python3-jsonschema" % schemas.WANTED)
        return
    print("# SEED=%d" % SEED)
    known, found = schemas.Schemas(), written(2000)
    live.run([(claim.__name__.replace("_", " "), functools.partial(claim, known, found)) for claim in CLAIMS])


if __name__ == "__main__":
    main()
