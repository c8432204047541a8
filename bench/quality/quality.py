#!/usr/bin/env python3
"""Asks a live server the questions of labelled sets, and says how many it answers, and how many wrong.

  quality.py pairs redis_716 corpus         each pair by itself: A is stored, B is asked
  quality.py crowded mock_data              all are stored, then all are asked: right entry, other entry, miss
  quality.py pairs corpus:test --calibrate redis_716 --max-error 0.05 --max-error 0.1

Exit codes: 0 asked and reported, 2 bad arguments, 3 the server failed, 77 none of the sets is on this machine.
Needs /usr/bin/python3 with python3-msgpack. README.md says how to read the figures.
"""
import argparse
import sys

from live import arguments, datasets, judge, report, session

EVALUATE_ONLY = ("qqp_1000",)
DEFAULT_SETS = {"pairs": ["redis_716", "banking_94", "qqp_1000", "corpus:test"], "crowded": ["mock_data"]}
NOTHING_RAN = 77


def say(line):
    print(line, file=sys.stderr)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    common = arguments.common()
    common.add_argument("--address", help="a server that runs already, host:port; its entries are left alone")
    common.add_argument("--max-error", action="append", default=[], type=arguments.max_error, metavar="SHARE",
                        help="ask with this budget as well (default 0.01, 0.05, 0.1)")
    common.add_argument("--type", help="query type of all questions (default: as the server's rules find)")
    common.add_argument("--calibrate", metavar="SET", help="first give the server this set as CACHE.CALIBRATE's evidence, for "
                        "each query type; it replaces what was known, so only for a server that is started here")
    common.add_argument("--show", type=int, default=0, metavar="N", help="print the N likeliest wrong answers to the terminal")
    for name, help_text in (("pairs", "each pair by itself"), ("crowded", "all stored, then all asked")):
        modes.add_parser(name, parents=[common], help=help_text)
    options = parser.parse_args(argv)
    if options.calibrate and options.address:
        parser.error("--calibrate would replace the evidence of a server that runs already")
    if options.calibrate in EVALUATE_ONLY:
        parser.error(f"{options.calibrate} may only be evaluated on")
    options.sets = options.sets or DEFAULT_SETS[options.mode]
    options.max_error = options.max_error or [0.01, 0.05, 0.1]
    return options


def calibrate(live, options):
    """Evidence for every type that the semantic tier serves, since the rules decide which one a question is of."""
    pairs = datasets.load(options.calibrate, options.data)[:options.limit]
    for type_name in [options.type] if options.type else live.semantic_types():
        found = live.calibrate(pairs, type_name, None)
        say(f"calibrated {type_name} with {found['pairs']} pairs of {options.calibrate}: "
            f"{'serves from %.3f' % found['threshold'] if found['serves'] else 'serves nothing'} at the default budget")


def show_wrong(judged, count):
    wrong = [(score, number) for number, (score, is_right) in enumerate(judged.scored) if score > 0 and not is_right]
    for score, number in sorted(wrong, reverse=True)[:count]:
        pair = judged.task.pairs[number]
        say(f"wrong at {score:.3f} [{pair.category or '-'}] asked: {pair.asked} | of the pair: {pair.stored}")


def run(options):
    present = datasets.load_present(options.sets, options.data, say)
    if not present:
        return NOTHING_RAN
    budgets = {"default": {}, **{f"{share:g}": {"max_error": share} for share in options.max_error}}
    typed = {"type": options.type} if options.type else {}
    name = options.name or f"quality-{options.mode}"
    results, sections, pictures = [], [], {}
    with session.opened(options) as live:
        about = live.about()
        if options.calibrate:
            calibrate(live, options)
        for set_name, pairs in present:
            say(f"== {set_name}, {options.mode}")
            task = judge.Task(pairs[:options.limit], options.mode == "crowded")
            judged = judge.run(live, task, budgets, **typed)
            results.append(judge.summary(set_name, judged))
            image = f"{name}-{report.file_name(set_name)}.svg"
            pictures[image] = report.picture(results[-1], judged)
            sections.append(report.section(results[-1], image if options.out else None))
            print(sections[-1] + "\n", flush=True)
            show_wrong(judged, options.show)
    about["calibrated_with"] = options.calibrate
    evidence = f"calibrated with {options.calibrate}" if options.calibrate else "no evidence but what is shipped"
    head = f"# {name}\n\nCommit {report.commit()}, embedder {about['embedder']}, {evidence}.\n\n"
    if options.out:
        report.write(options.out, name, options.mode, about, results, head + "\n\n".join(sections) + "\n", pictures)
    return 0


def main(argv):
    options = parse(argv)
    try:
        return run(options)
    except (datasets.Unknown, datasets.Absent) as problem:
        print(f"quality.py: {problem}", file=sys.stderr)
        return 2
    except (session.Failed, session.servers.CannotStart, session.reprise.Error, OSError) as problem:
        print(f"quality.py: {problem}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
