"""The published JSON Schemas of `extra` (doc/schema), and a validator for them; for unit and end-to-end tests."""
import json
import os

try:
    import jsonschema
except ImportError:
    jsonschema = None

FOLDER = os.path.join(os.environ.get("srcdir", "."), "doc", "schema")
WANTED = "no python3-jsonschema of 4.0 or later"
USABLE = jsonschema is not None and hasattr(jsonschema, "Draft202012Validator")


def load(name):
    with open(os.path.join(FOLDER, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


class Schemas:
    """One validator for each kind of frame."""

    def __init__(self):
        self.documents = {name: load(name) for name in ("extra-1", "heartbeat-1")}
        self.validators = {}
        for name, document in self.documents.items():
            jsonschema.Draft202012Validator.check_schema(document)
            self.validators[name] = jsonschema.Draft202012Validator(document)

    @staticmethod
    def name_for(extra):
        return "heartbeat-1" if "heartbeat" in extra or "former" in extra else "extra-1"

    def fits(self, extra, name=None):
        return self.validators[name or self.name_for(extra)].is_valid(extra)

    def complaint(self, extra):
        """What is wrong with it, or None."""
        error = jsonschema.exceptions.best_match(self.validators[self.name_for(extra)].iter_errors(extra))
        return None if error is None else "%s: %s in %s" % (error.json_path, error.message, json.dumps(extra)[:300])
