"""House rules that a compiler cannot see. Prints each breach as file:line; exits 1 when there is one.

Usage: tidy.py REPOSITORY_ROOT
"""
import pathlib
import re
import subprocess
import sys

import rules

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STRING_OR_COMMENT = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|//.*|/\*.*?\*/')
MODULE_CALL = re.compile(r"reprise_module\(\s*(\w+)([^)]*)\)")


def files_of(root):
    """What git would commit; without git, all but the build folder."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.rstrip("\0").split("\0")
    else:
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    return sorted(name for name in set(names)
                  if (root / name).is_file() and not name.startswith(("build/", ".git/")))


def module_of(name):
    return "/".join(name.split("/")[:2])


def is_test(name):
    """Tests, and what stands beside them for their use alone."""
    base = name.rpartition("/")[2]
    return name.startswith("tests/") or base.endswith("_test.cc") or base.startswith(("test_", "fake_"))


def within(name, places):
    return any(name == place or name.startswith(place.rstrip("/") + "/") for place in places)


def edge_problem(module, other):
    """Why `module` must not use `other`; None when it may."""
    allowed = rules.MAY_USE.get(module)
    if other == module or other not in rules.MAY_USE or module not in rules.MAY_USE:
        return None
    if other == "server/app":
        return f"nobody includes {other}"
    if allowed is rules.ANY and not other.startswith("client/"):
        return None
    if allowed is rules.ANY or other not in allowed:
        return f"{module} must not use {other}"
    return None


def foreign_problem(name, target):
    for prefix, homes in rules.HOME_OF.items():
        if target.startswith(prefix):
            fine = within(name, homes) or ("tests" in homes and is_test(name))
            return None if fine else f"{target} belongs only in {', '.join(homes)}"
    if re.search(r"[./]", target) and not rules.SYSTEM_HEADER.match(target):
        return f"{target} has no row in HOME_OF of tests/tidy/rules.py; add one on purpose"
    return None


def include_problem(name, quote, target):
    if quote == "<":
        return foreign_problem(name, target)
    if target.split("/")[0] not in rules.TOPS:
        return f'"{target}" must be named from the root of the repository'
    if target.endswith(".cc"):
        return f"{target} is no header"
    module = module_of(name)
    if target.startswith(rules.ONLY_FROM_TESTS) and not is_test(name) and not name.startswith("bench/"):
        return f"only tests and bench may include {target}"
    return edge_problem(module, module_of(target))


def check_includes(name, lines):
    seen = set()
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        problem = include_problem(name, quote, target)
        if problem:
            yield number, problem
        if target in seen:
            yield number, f"{target} is included twice"
        seen.add(target)


def check_code(name, lines):
    """C++ alone: banned calls, NOLINT, file head."""
    if name.endswith(".h"):
        if not lines or not lines[0].startswith("//"):
            yield 1, "a header begins with a comment: what it owns and what it does not"
        if "#pragma once" not in lines:
            yield 1, "a header needs #pragma once"
    granted = ""  # The check that this block of lines has switched off with a reason.
    for number, line in enumerate(lines, 1):
        code = STRING_OR_COMMENT.sub('""', line)
        for pattern, instead, homes in rules.BANNED:
            if pattern.search(code) and not name.startswith(homes):
                yield number, f"banned here; use {instead}"
        if not is_test(name) and not name.startswith("bench/") and rules.TEMP_PATH.search(line):
            yield number, "banned here; use the data directory or a path from outside"
        problem, granted = nolint_problem(line, granted)
        if problem:
            yield number, problem


def nolint_problem(line, granted):
    if not rules.NOLINT.search(line):
        return None, granted if line.strip() else ""
    match = rules.NOLINT_SCOPED.search(line)
    if not match:
        return "NOLINT names its check: NOLINT(check-name): reason", ""
    checks, reason = match.groups()
    if reason or checks == granted or "NOLINTEND" in line:
        return None, checks
    return "NOLINT gives its reason: NOLINT(check-name): reason", ""


def check_text(name, lines):
    if name.startswith("tests/tidy/"):  # It spells out what it forbids.
        return
    for number, line in enumerate(lines, 1):
        for pattern, instead, homes in rules.BANNED_TEXT:
            if pattern.search(line) and not name.startswith(homes):
                yield number, f"banned; instead: {instead}"
    if name.endswith(rules.LINE_LIMITED) and len(lines) > rules.LINES_MAX:
        yield rules.LINES_MAX + 1, f"{len(lines)} lines, the most is {rules.LINES_MAX}"


def check_build_file(name, text):
    """DEPENDS of reprise_module follows the same arrows as #include."""
    if name == "CMakeLists.txt":  # Where the function itself stands.
        return
    for call in MODULE_CALL.finditer(text):
        module = call.group(1).replace("_", "/", 1)
        depends = re.search(r"DEPENDS\s+([\w\s]+?)(?=\s+[A-Z_]+\s|\s*$)", call.group(2) + " ")
        number = text.count("\n", 0, call.start()) + 1
        if module != module_of(name):
            yield number, f"{call.group(1)} is not the module of this folder"
        for target in depends.group(1).split() if depends else []:
            problem = edge_problem(module, target.replace("_", "/", 1))
            if problem:
                yield number, problem


def check_layout(names):
    """Folders, modules and notes. The first element is a file or folder."""
    modules = {module_of(n) for n in names
               if n.endswith((".h", ".cc")) and not n.startswith(("tests/", "bench/"))}
    for module in sorted(modules):
        if module not in rules.MAY_USE:
            yield module, "this folder is not in MAY_USE of tests/tidy/rules.py; add it on purpose"
        if f"{module}/README.md" not in names:
            yield module, "a module has a README.md"
    for name in names:
        top, _, rest = name.partition("/")
        if not rest and top not in rules.TOP_FILES and not top.startswith("."):
            yield name, "this file does not belong at the top"
        if rest and top not in rules.TOPS and top != ".ci":
            yield name, "top-level folders are fixed: " + " ".join(rules.TOPS)
    seen = set()
    for name in (n for n in names if "/notes/" in n):
        folder, _, note = name.rpartition("/")
        if not rules.NOTE.match(note):
            yield name, "a design note is named NNNN-title.md"
        if (folder, note[:4]) in seen:
            yield name, "two design notes have this number"
        seen.add((folder, note[:4]))


def check_file(root, name):
    path = root / name
    if path.suffix not in rules.TEXT:
        return
    try:
        text = path.read_text()
    except UnicodeDecodeError:  # A corpus file without a suffix.
        return
    lines = text.splitlines()
    yield from check_text(name, lines)
    if path.suffix in (".h", ".cc"):
        yield from check_includes(name, lines)
        yield from check_code(name, lines)
    if path.name == "CMakeLists.txt":
        yield from check_build_file(name, text)


def problems_of(root):
    names = files_of(root)
    for place, problem in check_layout(names):
        yield f"{place}: {problem}"
    for name in names:
        for number, problem in check_file(root, name):
            yield f"{name}:{number}: {problem}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = list(problems_of(root))
    print("\n".join(problems) or f"tidy: {len(files_of(root))} files ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
