"""Arguments that quality.py and honesty.py share."""
import argparse
import pathlib

from . import ROOT, datasets


MAX_ERROR_MOST = 0.5  # that the server takes


def max_error(text):
    value = float(text)
    if not 0 <= value <= MAX_ERROR_MOST:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to {MAX_ERROR_MOST:g}")
    return value


def setting(text):
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return text


def at_least_one(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


def common():
    """A parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("sets", nargs="*", metavar="SET",
                        help="mock_data, redis_716, banking_94, qqp_1000, corpus, corpus:test or corpus:<domain>")
    parser.add_argument("--server", default=ROOT / "build" / "release" / "bin" / "reprise-server",
                        help="the program to start, on loopback with a folder of its own")
    parser.add_argument("--set", action="append", default=[], type=setting, metavar="NAME=VALUE",
                        help="configuration of the server that is started")
    parser.add_argument("--work-dir", help="where the server's folder goes (default: TMPDIR)")
    parser.add_argument("--data", default=datasets.PUBLIC, help="folder of the public sets")
    parser.add_argument("--limit", type=at_least_one, help="only so many pairs of each set, the first ones")
    parser.add_argument("--out", default=ROOT / "bench" / "results", help="folder for the results; empty: none")
    parser.add_argument("--name", help="of the result files")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser
