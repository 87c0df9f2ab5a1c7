#!/usr/bin/python3
"""The table of what `verdictctl tap` writes for ECS and OCSF, and its output, against the schemas themselves. TAP.

ECS_CHECKOUT and OCSF_CHECKOUT name checkouts of github.com/elastic/ecs (9.x) and github.com/ocsf/ocsf-schema (1.8 or
later). Nothing of these is part of the project: without them the comparison is skipped. FRAMES=FILE adds the frames of a
file to those that are made here."""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import live  # noqa: E402
import siem_fields  # noqa: E402
import test_verdictctl_formats as formats  # noqa: E402


def checkout(variable, file):
    folder = os.environ.get(variable)
    if not folder:
        raise live.Skip("set %s to a checkout to compare with" % variable)
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        raise AssertionError("%s: there is no %s" % (variable, path))
    return folder


def events(name):
    """What is written in this format: of frames made here, and of a file."""
    found = formats.objects(formats.d.stream(*formats.every_frame()), "-f", name)
    found += formats.objects(formats.d.stream(*formats.hostile_frames()), "-f", name)
    found += formats.exported(formats.d.stream(*formats.every_frame(), *formats.hostile_frames()), name)
    if "FRAMES" in os.environ:
        found += formats.objects(b"", "-f", name, os.environ["FRAMES"])
    return found


def none(problems):
    problems = sorted(set(problems))
    if problems:
        raise AssertionError("%d: %s" % (len(problems), "; ".join(problems[:12])))


# --- ECS ----------------------------------------------------------------------------------------------------

def ecs_fields():
    folder = checkout("ECS_CHECKOUT", "generated/ecs/ecs_flat.yml")
    try:
        import yaml
    except ImportError:
        raise live.Skip("no python3-yaml")
    with open(os.path.join(folder, "version"), encoding="ascii") as file:
        print("# ECS %s" % file.read().strip())
    with open(os.path.join(folder, "generated", "ecs", "ecs_flat.yml"), encoding="utf-8") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def ecs_name(field):
    """Of an array's element, the array: ECS names no elements."""
    return re.sub(r"\.\[\]", "", field)


def the_table_is_that_of_ecs():
    known = ecs_fields()
    problems = []
    for field, kind in siem_fields.ECS.items():
        one = known.get(ecs_name(field))
        # Fields of an object that comes in an array have no array of their own.
        array = field.endswith(".[]")
        if one is None:
            problems.append("%s: not in ECS" % field)
        elif one["type"] != kind:
            problems.append("%s: %s in ECS, %s here" % (field, one["type"], kind))
        elif array != ("array" in one["normalize"]):
            problems.append("%s: %s in ECS" % (field, one["normalize"] or "no array"))
    none(problems)


def allowed_in_ecs(known, name, value, types):
    """Words of a field that has a list of them; event.type's depend on the category."""
    field = known[ecs_name(name)]
    words = [word["name"] for word in field.get("allowed_values", ())] or field.get("expected_values", ())
    if words and value not in words:
        yield "%s: %r is not one of %s" % (name, value, " ".join(words))
    for word in field.get("allowed_values", ()):
        if word["name"] == value and "expected_event_types" in word and not set(types) & set(word["expected_event_types"]):
            yield "%s: %s with event.type %s" % (name, value, " ".join(types))


def what_is_written_fits_ecs():
    known = ecs_fields()
    problems = []
    for one in events("ecs"):
        types = one["event"]["type"]
        for name, value in siem_fields.leaves({key: value for key, value in one.items() if key != "unbound_verdict"}):
            if ecs_name(name) not in known:
                problems.append("%s: not in ECS" % name)
            elif "pattern" in known[ecs_name(name)] and not re.fullmatch(known[ecs_name(name)]["pattern"], value):
                problems.append("%s: %r does not match" % (name, value))
            else:
                problems.extend(allowed_in_ecs(known, name, value, types))
    required = [name for name, field in known.items() if field.get("required") is True and "." not in name]
    problems += ["%s is required" % name for name in required for one in events("ecs") if name not in one]
    none(problems)


# --- OCSF ---------------------------------------------------------------------------------------------------

CLASS, PROFILES = "dns_activity", ["security_control"]


class Ocsf:
    """Classes and objects of a checkout, with what they inherit and include."""

    def __init__(self, folder):
        self.folder = folder
        self.release = self.load("version.json")["version"]
        self.dictionary = self.load("dictionary.json")
        self.files = {}
        for folder_name in "objects", "events":
            for place, _, names in os.walk(os.path.join(folder, folder_name)):
                for name in names:
                    if name.endswith(".json"):
                        one = self.load(os.path.join(place, name))
                        self.files[folder_name, one.get("name", name[:-5])] = one
        self.complete()

    def load(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return json.load(file)

    def complete(self):
        """What the schema's own server adds: the numbers of the class and its types, and those of observables."""
        one = self.files["events", CLASS]
        category = self.load("categories.json")["attributes"][self.files["events", "network"]["category"]]["uid"]
        uid = category * 1000 + one["uid"]
        for key, number in ("category_uid", category), ("class_uid", uid):
            one["attributes"][key] = {"enum": {str(number): {}}, "requirement": "required"}
        self.uid = uid
        known = self.dictionary["types"]["attributes"], self.dictionary["attributes"], \
            {name: one for (kind, name), one in self.files.items() if kind == "objects"}
        for one in (one for group in known for one in group.values() if "observable" in one):
            self.files["objects", "observable"]["attributes"]["type_id"].setdefault("enum", {})[str(one["observable"])] = \
                {"caption": one["caption"]}

    def definition(self, kind, name):
        """Attributes by name, and constraints. A dictionary's attribute is the last that says something of it."""
        one = self.files[kind, name]
        attributes, constraints = self.definition(kind, one["extends"]) if one.get("extends") else ({}, {})
        attributes, constraints = dict(attributes), {**constraints, **one.get("constraints", {})}
        for key, inner in one["attributes"].items():
            if key == "$include":
                for included in map(self.load, inner):
                    if included.get("meta") != "profile" or included["name"] in PROFILES:
                        self.add(attributes, included["attributes"])
            else:
                self.add(attributes, {key: inner})
        return attributes, constraints

    def add(self, attributes, more):
        for key, inner in more.items():
            before = attributes.get(key) or self.dictionary["attributes"].get(key, {})
            enum = inner["enum"] if key in ("class_uid", "category_uid") else {**before.get("enum", {}), **inner.get("enum", {})}
            attributes[key] = {**before, **inner, **({"enum": enum} if enum else {})}

    def base_type(self, name):
        kind = self.dictionary["types"]["attributes"].get(name)
        return None if kind is None else (self.base_type(kind["type"]) if "type" in kind else name)

    def scalar(self, name, attribute, value):
        kind = self.dictionary["types"]["attributes"][attribute["type"]]
        base = self.base_type(attribute["type"])
        is_number = isinstance(value, int) and not isinstance(value, bool)
        right = {"string_t": isinstance(value, str), "boolean_t": isinstance(value, bool), "integer_t": is_number,
                 "long_t": is_number, "float_t": is_number, "json_t": True}[base]
        if not right:
            yield "%s: %r is no %s" % (name, value, attribute["type"])
            return
        if "regex" in kind and not re.search(kind["regex"], value):
            yield "%s: %r is no %s" % (name, value, attribute["type"])
        if "range" in kind and not kind["range"][0] <= value <= kind["range"][1]:
            yield "%s: %r is out of range" % (name, value)
        if "enum" in attribute and str(value) not in attribute["enum"]:
            yield "%s: %r is not one of %s" % (name, value, " ".join(attribute["enum"]))

    def caption(self, name, attributes, key, siblings):
        """The text beside an id is its caption, unless that is Other."""
        sibling, value = attributes[key].get("sibling"), siblings[key]
        if sibling not in siblings or not isinstance(value, int) or value == 99:
            return
        wanted = attributes[key].get("enum", {}).get(str(value), {}).get("caption")
        if wanted is not None and siblings[sibling] != wanted:
            yield "%s: %r beside %d, whose caption is %r" % (name + sibling, siblings[sibling], value, wanted)

    def value(self, name, attribute, value):
        if attribute.get("is_array") and not isinstance(value, list):
            yield "%s: no array" % name
            return
        for one in value if attribute.get("is_array") else [value]:
            if ("objects", attribute["type"]) not in self.files:
                yield from self.scalar(name, attribute, one)
            elif attribute["type"] == "object" and "objects" not in attribute:   # of any keys
                return
            else:
                yield from self.check("objects", attribute["type"], one, name + ".")

    def check(self, kind, type_name, value, prefix=""):
        """What is wrong with an event or an object."""
        attributes, constraints = self.definition(kind, type_name)
        for key, inner in value.items():
            if key not in attributes:
                yield "%s%s: not in OCSF %s" % (prefix, key, self.release)
                continue
            yield from self.value(prefix + key, attributes[key], inner)
            yield from self.caption(prefix, attributes, key, value)
        for key, attribute in attributes.items():
            if attribute.get("requirement") == "required" and key not in value:
                yield "%s%s is required" % (prefix, key)
        for rule, keys in constraints.items():
            count = sum(key in value for key in keys)
            if (rule == "at_least_one" and count == 0) or (rule == "just_one" and count != 1):
                yield "%s: %s of %s" % (prefix, rule, " ".join(keys))


def ocsf():
    schema = Ocsf(checkout("OCSF_CHECKOUT", "events/network/dns_activity.json"))
    print("# OCSF %s" % schema.release)
    return schema


def is_before_1_9(schema):
    return tuple(map(int, schema.release.split("-")[0].split(".")[:2])) < (1, 9)


def attribute_of(schema, field):
    """The attribute behind a dotted name, or None."""
    attributes, attribute = schema.definition("events", CLASS)[0], None
    for step in (step for step in field.split(".") if step != "[]"):
        if attribute is not None:
            attributes = schema.definition("objects", attribute["type"])[0]
        attribute = attributes.get(step)
        if attribute is None:
            return None
    return attribute


def the_table_is_that_of_ocsf():
    schema = ocsf()
    problems = []
    for field, kind in siem_fields.OCSF.items():
        attribute = attribute_of(schema, field)
        if attribute is None:
            if field not in siem_fields.OCSF_SINCE_1_9 or not is_before_1_9(schema):
                problems.append("%s: not in OCSF" % field)
            continue
        if attribute["type"] != kind or bool(attribute.get("is_array")) != field.endswith("[]"):
            problems.append("%s: %s%s in OCSF" % (field, attribute["type"], "[]" if attribute.get("is_array") else ""))
        if ("@deprecated" in attribute) != (field in siem_fields.OCSF_DEPRECATED_IN_1_9 and not is_before_1_9(schema)):
            problems.append("%s: %s" % (field, attribute.get("@deprecated", "not deprecated")))
    required = [key for key, one in schema.definition("events", CLASS)[0].items() if one.get("requirement") == "required"]
    problems += ["%s is required" % key for key in set(required) - set(siem_fields.OCSF_REQUIRED)]
    none(problems)


def what_is_written_fits_ocsf():
    schema = ocsf()
    later = {name.split(".")[0] for name in siem_fields.OCSF_SINCE_1_9} if is_before_1_9(schema) else set()
    problems = []
    for one in events("ocsf"):
        assert later <= set(one) or "query" not in one, one
        formats.equal(one["metadata"]["profiles"], PROFILES)
        formats.equal(one["type_uid"], schema.uid * 100 + one["activity_id"])
        problems.extend(schema.check("events", CLASS, {key: value for key, value in one.items() if key not in later}))
    none(problems)


if __name__ == "__main__":
    live.run([the_table_is_that_of_ecs, what_is_written_fits_ecs, the_table_is_that_of_ocsf, what_is_written_fits_ocsf])
