"""Writes reprise/generated from ../commands.json: typed methods, flags of commands, error classes.

Usage: generate.py [--check] [--commands FILE] [--out FOLDER]
       --check writes nothing and exits with 1 when a committed file is not what would be written.
"""

import argparse
import json
import keyword
import pathlib
import re
import sys
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
HEAD = '"""{what}\n\nGenerated from client/commands.json by generate.py; do not edit.\n"""\n\n'
WIDTH = 100
TYPES = {"text": "str", "key": "Key", "value": "Any", "integer": "int", "milliseconds": "int",
         "bool": "bool", "texts": "Sequence[str]", "float": "float", "number": "float"}
# Bounds of the numbers in protocol/base/error.h: who has to act.
FAMILIES = ((16, "CallerError"), (32, "TransientError"), (1 << 30, "ServerError"))
RESULTS = ("AnyR", "BoolR", "IntR", "MapR", "ListR")


def python_name(name):
    """CACHE.LOOKUP -> cache_lookup; a word of the language gets an underscore."""
    plain = name.lower().replace(".", "_")
    return plain + "_" if keyword.iskeyword(plain) else plain


def class_name(words):
    return "".join(word.capitalize() for word in re.split(r"[_.\W]+", words))


def hint(row):
    known = TYPES.get(row["kind"], "Any")
    return known if known == "Any" or not row.get("nullable") else f"{known} | None"


def bracketed(text):
    """Length of the bracket that opens the text; 0 when none does."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter in "{[") - (letter in "}]")
        if depth == 0:
            return index + 1 if index else 0
    return 0


def result_type(text):
    """The kind of a result, where its description leaves only one. Only type checkers read it."""
    size = bracketed(text)
    if re.search(r"\bnil\b", text[size:]):
        return "AnyR" if not text.startswith("an array") else "ListR"
    if size:
        return "MapR" if text[0] == "{" else "ListR"
    if re.match(r"true\b", text):
        return "BoolR"
    return "IntR" if re.match(r"(how many|the number|the new integer)\b", text) else "AnyR"


def positional(arguments):
    """(signature parts, lines that build `params`) of the positional arguments."""
    variadic = [row for row in arguments if row["variadic"]]
    plain = [row for row in arguments if not row["variadic"]]
    parts = [f"{python_name(row['name'])}: {hint(row)}" for row in plain if row["required"]]
    optional = [python_name(row["name"]) for row in plain if not row["required"]]
    parts += [f"{python_name(row['name'])}: {TYPES.get(row['kind'], 'Any')} | None = None"
              .replace("Any | None", "Any") for row in plain if not row["required"]]
    built = [python_name(row["name"]) for row in plain if row["required"]]
    built += [f"*given({', '.join(optional)})"] if optional else []
    if len(variadic) == 2:
        parts.append(f"pairs: Mapping[{hint(variadic[0])}, {hint(variadic[1])}]")
        built.append("*flat(pairs)")
    elif variadic:
        parts.append(f"*{python_name(variadic[0]['name'])}s: {hint(variadic[0])}")
        built.append(f"*{python_name(variadic[0]['name'])}s")
    return parts, f"[{', '.join(built)}]"


def options_of(rows):
    parts = [f"{python_name(row['name'])}: {TYPES.get(row['kind'], 'Any')} | None = None"
             .replace("Any | None", "Any") for row in rows]
    pairs = [f'"{row["name"]}": {python_name(row["name"])}' for row in rows] or [""]
    pairs[0] = "{" + pairs[0]
    pairs[-1] += "}"
    return parts, pairs


def filled(text, indent, opening=""):
    return textwrap.fill(text, WIDTH, initial_indent=indent + opening, subsequent_indent=indent)


def wrapped(opening, parts, closing):
    """A call or a signature, on one line where it fits, broken between its parts where not."""
    line = opening + ", ".join(parts) + closing
    if len(line) <= WIDTH:
        return line
    inner = " " * (len(opening) - len(opening.lstrip()) + 8)
    lines = [inner]
    for index, part in enumerate(parts):
        piece = part + (", " if index + 1 < len(parts) else closing)
        if len(lines[-1] + piece.rstrip()) > WIDTH:
            lines.append(inner)
        lines[-1] += piece
    return "\n".join([opening, *(each.rstrip() for each in lines)])


def documentation(row):
    lines = [filled(row["summary"].replace("\\", "\\\\"), " " * 8, '"""'), ""]
    for each in row["args"] + row["options"]:
        if each.get("doc"):
            doc = f"{python_name(each['name'])}: {each['doc']}"
            lines.append(textwrap.fill(doc, WIDTH, initial_indent=" " * 8,
                                       subsequent_indent=" " * 12))
    lines += [filled(f"Result: {row['result']}.", " " * 8), '        """']
    return lines


def method(row):
    places, params = positional(row["args"])
    named, options = options_of(row["options"])
    star = [] if any(part.startswith("*") for part in places) else ["*"]
    parts = ["self", *places, *star, *named, "call: CallOptions | None = None"]
    name = python_name(row["name"])
    lines = [wrapped(f"    def {name}(", parts, f") -> {result_type(row['result'])}:")]
    lines += documentation(row)
    lines.append(wrapped("        return self._call(",
                         [f'"{row["name"]}"', params, *options, "call"], ")"))
    return "\n".join(lines)


def has_method(row):
    """What is about one connection is done by the client itself when it connects or subscribes."""
    return "session" not in row["flags"] or "waits" in row["flags"]


def family_file(family, rows):
    name = f"{class_name(family)}Commands"
    body = "\n\n".join(method(row) for row in rows)
    imports = ["from __future__ import annotations\n"]
    names = [each for each in ("Mapping", "Sequence") if f"{each}[" in body]
    imports += [f"from collections.abc import {', '.join(names)}"] if names else []
    imports += ["from typing import Any"] if "Any" in re.sub(r"AnyR", "", body) else []
    used = [name for name, sign in (("Key", ": Key"), ("flat", "*flat("), ("given", "*given("))
            if sign in body or name == "Key" and "Mapping[Key" in body]
    imports += ["", f"from ..calls import {', '.join(sorted(['Calls', *used, *RESULTS]))}",
                "from ..options import CallOptions"]
    text = "\n".join(imports).replace("\n\n\n", "\n\n")
    return (HEAD.format(what=f"Typed methods of the {family} commands.") + text +
            f"\n\n\nclass {name}(Calls[{', '.join(RESULTS)}]):\n"
            f'    """The {family} commands."""\n\n{body}\n')


def combined_file(families):
    arguments = ", ".join(RESULTS)
    names = {family: f"{class_name(family)}Commands" for family in families}
    imports = "".join(f"from .{family} import {name}\n" for family, name in names.items())
    bases = ",\n               ".join(f"{name}[{arguments}]" for name in names.values())
    return (HEAD.format(what="Commands: the typed methods of all families.") +
            f"from ..calls import {', '.join(RESULTS)}\n{imports}\n\n"
            f"class Commands({bases}):\n"
            '    """Every typed method. What a call gives back is decided by the subclass."""\n')


def table(name, rows):
    """{command: set of names}, a line for each command."""
    def line(command, names):
        return wrapped(f'    "{command}": frozenset([', [f'"{each}"' for each in names], "]),")

    lines = "\n".join(line(command, sorted(names)) for command, names in rows if names)
    return f"{name}: dict[str, frozenset[str]] = {{\n{lines}\n}}\n"


def flags_file(commands):
    options = [(row["name"], [each["name"] for each in row["options"]]) for row in commands]
    return (HEAD.format(what="Flags and names of options of each command.") +
            table("FLAGS", [(row["name"], row["flags"]) for row in commands]) + "\n" +
            table("OPTIONS", options))


def fetch_options_file(commands):
    """What fetch_or_compute passes on to CACHE.FETCH; the rest it gives itself."""
    fetch = next(row for row in commands if row["name"] == "CACHE.FETCH")
    rows = [row for row in fetch["options"] if row["name"] not in ("request", "stream")]
    fields = "\n".join(f"    {row['name']}: {TYPES.get(row['kind'], 'Any')}\n"
                       f"{filled(row['doc'], '    # ')}" for row in rows)
    sequence = ["from collections.abc import Sequence\n"] if "Sequence[" in fields else []
    return (HEAD.format(what="The options of CACHE.FETCH that fetch_or_compute takes.") +
            "".join(sequence) + "from typing import Any, TypedDict\n\n\n"
            "class FetchOptions(TypedDict, total=False):\n"
            '    """Each may be left out. What is said of one stands below it."""\n\n'
            f"{fields}\n")


def codes_file(errors):
    def family(number):
        return next(name for bound, name in FAMILIES if number < bound)

    classes = "\n\n".join(
        f"\nclass {class_name(row['name'])}({family(row['number'])}):\n"
        f"{filled(row['meaning'], '    ', DOC)}{DOC}\n\n    code = \"{row['name']}\""
        for row in errors)
    table = "\n".join(f'    "{row["name"]}": {class_name(row["name"])},' for row in errors)
    return (HEAD.format(what="One class for each error code.") +
            "from ..errors import CallerError, Error, ServerError, TransientError\n\n" + classes +
            f"\n\n\nBY_CODE: dict[str, type[Error]] = {{\n{table}\n}}\n")


DOC = '"""'


def files_for(document):
    """File name -> text."""
    families = {}
    for row in document["commands"]:
        if has_method(row):
            families.setdefault(row["family"], []).append(row)
    families = dict(sorted(families.items()))
    texts = {f"{family}.py": family_file(family, rows) for family, rows in families.items()}
    texts["__init__.py"] = HEAD.format(what="What follows from the server's rows.").rstrip() + "\n"
    texts["commands.py"] = combined_file(families)
    texts["flags.py"] = flags_file(document["commands"])
    texts["fetch_options.py"] = fetch_options_file(document["commands"])
    texts["codes.py"] = codes_file(document["errors"])
    return texts


def stale_files(texts, folder):
    """Names of files that differ, are missing, or are left over."""
    present = {path.name: path.read_text() for path in folder.glob("*.py")}
    return sorted(name for name in texts.keys() | present.keys()
                  if texts.get(name) != present.get(name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--commands", type=pathlib.Path, default=HERE.parent / "commands.json")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "reprise" / "generated")
    arguments = parser.parse_args()
    texts = files_for(json.loads(arguments.commands.read_text()))
    stale = stale_files(texts, arguments.out)
    if arguments.check:
        for name in stale:
            print(f"reprise/generated/{name} is stale; run: python3 client/python/generate.py")
        return 1 if stale else 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (arguments.out / name).write_text(texts[name]) if name in texts else (
            arguments.out / name).unlink()
    print(f"{len(texts)} files, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
