#!/usr/bin/env python3
"""Writes docs/reference.md from config/schema/*.json, and docs/errors.md from src/diag/codes.rs.

    python3 docs/generate_reference.py           write them
    python3 docs/generate_reference.py --check   write nothing; end with 1 if one is out of date

The schema files themselves come from `martlet schema`. Standard library only.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "config" / "schema"
REFERENCE = ROOT / "docs" / "reference.md"
CODES = ROOT / "src" / "diag" / "codes.rs"
ERRORS = ROOT / "docs" / "errors.md"

# In the order a reader meets them.
FILES = [
    ("pipeline", "Pipelines", "`pipelines/<name>.yaml`"),
    ("tests", "Unit tests of SQL", "`tests/pipelines/<name>.yaml`"),
    ("warehouse", "Settings", "`config/warehouse.yaml` and `config/targets/<name>.yaml`"),
]

HEAD = """# Reference: every key of the YAML

Generated from `config/schema/*.json` by `python3 docs/generate_reference.py`. Do not edit it.
For teaching, read [pipelines.md](pipelines.md).

A key marked **required** must be there. An unknown key is an error.
"""

ERRORS_HEAD = """# Codes of errors and warnings

Generated from `src/diag/codes.rs` by `python3 docs/generate_reference.py`. Do not edit it.

Every finding names its code: `error[unknown-key]`, or `"code": "unknown-key"` with `--json`. Codes
are for programs, the words around them for people. The exit code is that of an error; a warning of the
same code does not change how martlet ends. When several errors are found, the gravest decides:
see [exit-codes.md](exit-codes.md).

| code | what it says | exit |
| --- | --- | --- |
"""


def one_line(text):
    """Text as it may stand in a cell of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def code(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return "`" + text.replace("|", "\\|") + "`"


class Book:
    """One schema file as Markdown."""

    def __init__(self, stem, title, where):
        self.stem = stem
        self.title = title
        self.where = where
        self.schema = json.loads((SCHEMAS / f"{stem}.json").read_text(encoding="utf-8"))
        self.defs = self.schema.get("$defs", {})

    def anchor(self, name):
        return f"{self.stem}-{name}".lower()

    def link(self, name):
        return f"[{name}](#{self.anchor(name)})"

    def kind(self, schema):
        """The type of a value, in words."""
        if "$ref" in schema:
            return self.link(schema["$ref"].rsplit("/", 1)[-1])
        if "anyOf" in schema:
            kinds = [self.kind(s) for s in schema["anyOf"] if s.get("type") != "null"]
            return " or ".join(kinds)
        if "const" in schema:
            return code(schema["const"])
        if "enum" in schema:
            return ", ".join(code(v) for v in schema["enum"])
        if "oneOf" in schema:
            return " or ".join(self.kind(s) for s in schema["oneOf"])
        types = schema.get("type", "any")
        types = [t for t in ([types] if isinstance(types, str) else types) if t != "null"]
        words = []
        for t in types:
            if t == "array":
                words.append("list of " + self.kind(schema.get("items", {})))
            elif t == "object" and "properties" in schema:
                words.append("mapping of " + ", ".join(code(k) for k in schema["properties"]))
            elif t == "object" and isinstance(schema.get("additionalProperties"), dict):
                inner = schema["additionalProperties"]
                words.append("mapping from names to " + self.kind(inner))
            elif t == "object":
                words.append("mapping")
            else:
                words.append({"integer": "whole number", "string": "text"}.get(t, t))
        text = " or ".join(words)
        limits = []
        if "minimum" in schema and ("maximum" in schema or schema["minimum"]):
            limits.append(f"from {schema['minimum']}")
        if "maximum" in schema:
            limits.append(f"to {schema['maximum']}")
        if "pattern" in schema:
            limits.append("matching " + code(schema["pattern"]))
        return text + (", " + " ".join(limits) if limits else "")

    def default(self, schema, required):
        if required:
            return "**required**"
        value = schema.get("default")
        if value in (None, [], {}):
            return ""
        return code(value)

    def keys(self, schema):
        """The table of an object's keys."""
        required = set(schema.get("required", []))
        lines = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        properties = schema.get("properties", {})
        # Required keys first; otherwise as the schema has them.
        for name in sorted(properties, key=lambda n: (n not in required, n)):
            value = properties[name]
            lines.append(
                f"| `{name}` | {self.kind(value)} | {self.default(value, name in required)} "
                f"| {one_line(value.get('description'))} |"
            )
        return lines

    def choices(self, schema):
        """The table of the spellings a value may have."""
        lines = ["| spelling | meaning |", "| --- | --- |"]
        for choice in schema["oneOf"]:
            if "const" in choice:
                spelling = code(choice["const"])
            elif "enum" in choice:
                spelling = ", ".join(code(v) for v in choice["enum"])
            else:
                inner = [f"`{k}:` {self.kind(v)}" for k, v in choice.get("properties", {}).items()]
                spelling = ", ".join(inner)
            lines.append(f"| {spelling} | {one_line(choice.get('description'))} |")
        return lines

    def body(self, schema):
        if "oneOf" in schema:
            return self.choices(schema)
        if schema.get("properties"):
            return self.keys(schema)
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            return ["A mapping."]
        if schema.get("type") == "object" and schema.get("additionalProperties") is False:
            return ["No keys."]
        return [f"Type: {self.kind(schema)}."]

    def description(self, schema):
        paragraphs = (schema.get("description") or "").split("\n\n")
        return [one_line(p) for p in paragraphs if p.strip()]

    def lines(self):
        out = [f"## {self.title}", "", f"In {self.where}.", ""]
        for paragraph in self.description(self.schema):
            out += [paragraph, ""]
        out += self.body(self.schema) + [""]
        for name in sorted(self.defs):
            schema = self.defs[name]
            # Anchors of our own: two files may define the same name.
            out += [f'<a id="{self.anchor(name)}"></a>', "", f"### {name}", ""]
            for paragraph in self.description(schema):
                out += [paragraph, ""]
            out += self.body(schema) + [""]
        return out


def reference():
    known = {f"{stem}.json" for stem, _, _ in FILES}
    strangers = sorted(p.name for p in SCHEMAS.glob("*.json") if p.name not in known)
    if strangers:
        sys.exit(f"docs/generate_reference.py does not know {', '.join(strangers)}")
    lines = [HEAD]
    for entry in FILES:
        lines += Book(*entry).lines()
    return "\n".join(lines).rstrip() + "\n"


def errors():
    text = CODES.read_text(encoding="utf-8")
    exits = dict(re.findall(r"Self::(\w+) => (\d+),", text[: text.index("fn rank")]))
    book = text[text.rindex("codes! {") :]
    rows = re.findall(r"((?:    /// .*\n)+)    \w+ = \"([\w-]+)\" => (\w+);", book)
    if len(rows) != book.count(" => "):
        sys.exit("docs/generate_reference.py cannot read src/diag/codes.rs")
    lines = [
        f"| `{name}` | {one_line(words.replace('///', ' '))} | {exits[exit]} |"
        for words, name, exit in rows
    ]
    return ERRORS_HEAD + "\n".join(lines) + "\n"


def main():
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    stale = []
    for path, text in ((REFERENCE, reference()), (ERRORS, errors())):
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old == text:
            continue
        if arguments:
            stale.append(str(path.relative_to(ROOT)))
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}; run `python3 docs/generate_reference.py`")


if __name__ == "__main__":
    main()
