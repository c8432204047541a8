"""Writes seeds for the fuzz targets: seeds.py REPOSITORY_ROOT FOLDER.

From the public MessagePack suite (../shared/data, left out when it is not there), the configuration
file with all its defaults, the questions of conf/samples, the streams of tests/golden, and a small
model file.
"""
import json
import pathlib
import struct
import sys


def put(folder, target, name, data):
    place = folder / target
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(data)


def msgpack_suite(root, folder):
    file = root / "../shared/data/msgpack-test-suite/msgpack-test-suite.json"
    if not file.exists():
        print("seeds: the MessagePack suite is not here; fuzzing without it")
        return
    number = 0
    for cases in json.loads(file.read_text()).values():
        for case in cases:
            for spelling in case["msgpack"]:
                value = bytes.fromhex(spelling.replace("-", ""))
                number += 1
                request = b"\x94\x00\x07\xa3SET\x92\xa1k" + value
                put(folder, "frames", f"suite-{number}", b"\x05" + request)
                put(folder, "arguments", f"suite-{number}", bytes([number % 64]) + b"\x91" + value)
                put(folder, "json", f"suite-{number}", value)


def texts(root, folder):
    config = root / "conf/reprise.toml"
    if config.exists():
        put(folder, "config", "all-keys", config.read_bytes().replace(b"\n# ", b"\n"))
        for number, line in enumerate(config.read_bytes().splitlines()):
            if b"=" in line:
                put(folder, "config", f"line-{number}", line.lstrip(b"# ").replace(b" = ", b"="))
    for sample in ("questions", "asked"):
        file = root / f"conf/samples/{sample}.jsonl"
        for number, line in enumerate(file.read_text().splitlines() if file.exists() else []):
            put(folder, "json", f"{sample}-{number}", line.encode())
            put(folder, "normalize", f"{sample}-{number}", json.loads(line)["prompt"].encode())


def streams(root, folder):
    for file in sorted((root / "tests/golden/streams").glob("*.sse")):
        text = file.read_bytes()
        put(folder, "stream_join", file.stem, text)
        data = [line[5:].strip() for line in text.splitlines() if line.startswith(b"data:")]
        events = b",".join(line for line in data if line != b"[DONE]" and line.endswith(b"}")
                           and line.startswith(b"{"))
        put(folder, "stream_join", f"{file.stem}-events", b"[" + events + b"]")


def model_files(folder):
    """A vocabulary of a few pieces as FORMAT.md of server/embed has it; the target seals it."""
    pieces = ["", "\u2581", "\u2581a", "\u2581cache", "What", "is", "a", "b", "c", ",", "\u65e5"]
    text = "".join(pieces).encode()
    ends = [len("".join(pieces[:i + 1]).encode()) for i in range(len(pieces))]
    sections = [("pieces.text", 4, len(text), text),
                ("pieces.end", 3, len(ends), struct.pack(f"<{len(ends)}I", *ends)),
                ("pieces.score", 2, len(ends), struct.pack(f"<{len(ends)}d", *(-i for i in range(len(ends)))))]
    offset = 64 * (1 + len(sections))
    table, body = b"", b""
    for name, kind, count, data in sections:
        table += struct.pack("<24sIIIIQQ8x", name.encode(), kind, 1, count, 0, offset, len(data))
        padded = data + bytes(-len(data) % 64)
        body += padded
        offset += len(padded)
    header = struct.pack("<8sIIQII32s", b"RPRUSELT", 1, len(sections), offset, 0, 0, b"")
    put(folder, "model_file", "vocabulary", header + table + body)


def main():
    root, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    msgpack_suite(root, folder)
    texts(root, folder)
    streams(root, folder)
    model_files(folder)
    (folder / "stamp").write_text("")


if __name__ == "__main__":
    main()
