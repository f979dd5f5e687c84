"""The command line: one subcommand for each stage, in running order."""

import argparse
import dataclasses
import importlib
import json
import logging
import signal
import sys
from pathlib import Path
from typing import NoReturn

from pipeline.config import SECTIONS, Config
from pipeline.errors import PipelineError
from pipeline.parsing import parse_settings, read_config_file, spoken
from pipeline.presets import PRESETS
from pipeline.progress import start_logging
from pipeline.settings import Typed, remember, settle
from pipeline.workdir import WorkDir, locked

STAGES = {  # in running order: what each does, and whose knobs it reads
    "download": (
        "bring the competition's files within reach: from Kaggle, from a folder, or "
        "rendered (the demo sky)",
        ("demo", "kaggle"),
    ),
    "preprocess": ("crop and shrink every image into .npy shards", ("preprocess",)),
    "train": ("train the network; goes on where it was interrupted", ("train",)),
    "predict": ("predict the test set", ("predict",)),
    "export": ("write the submission CSV and print its path", ("export",)),
}
OTHERS = {
    "all": "all five stages and the report, each only where something changed",
    "score": "score a submission against solutions",
    "benchmark": "train several models on the same galaxies and compare them",
    "status": "what is done, stale or missing in a work directory",
    "upload": "upload a submission to Kaggle, wait for its score, note it",
    "leaderboard": "every submission: validation, public and private score, place",
    "report": "one page of plots and pictures of the run; prints its path",
    "show": "one galaxy's card: its picture, and its answers as bars",
    "classify": "the simplified problem: smooth, disk or artifact, by four methods",
    "doctor": "whether this machine has what the pipeline needs",
}

log = logging.getLogger("pipeline")


def main() -> int:
    options = parser().parse_args()
    start_logging()
    # a polite end looks like Ctrl-C: clean-up runs, the exit code tells
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(options)
    except PipelineError as error:
        log.error("error: %s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted; the same command goes on from here")
        return 130
    return 0


def run(options: argparse.Namespace) -> None:
    typed = Typed(
        work=options.work,
        source=options.source,
        preset=options.preset,
        file_values=read_config_file(Path(options.config)) if options.config else None,
        set_values=parse_settings(options.set),
    )
    if options.command == "benchmark":
        run_benchmark(options, typed)
        return
    config, work = settle(typed)
    if options.command == "status":
        from pipeline.status import status

        print(status(config, work))
    elif options.command == "score":
        run_score(options, config, work)
    elif options.command == "upload":
        run_upload(options, config, work)
    elif options.command == "leaderboard":
        from pipeline.leaderboard import leaderboard

        print(leaderboard(config, work))
    elif options.command == "doctor":
        run_doctor(config, work)
    elif options.command == "show":
        from pipeline.show import show

        print(show(config, work, options.galaxy))
    else:
        with locked(work.lock, str(work.root)):
            remember(config, typed, work)
            if options.command == "report":
                run_report(config, work, options.force)
            elif options.command == "classify":
                run_classify(config, work, options.force)
            else:
                chosen = list(STAGES) if options.command == "all" else [options.command]
                run_stages(chosen, config, work, options.force)


def run_stages(names: list[str], config: Config, work: WorkDir, force: bool) -> None:
    log.info("%s: source %s, preset %s", work.root, config.source, config.preset)
    for name in names:
        stage = getattr(importlib.import_module(f"pipeline.{name}"), name)
        stage(config, work, force)
    if "export" in names:
        from pipeline.export import csv_path

        path = csv_path(config, work)
        if config.source == "demo":
            score_demo(config, work, path)
        if "download" in names and config.report.make:
            report_after_all(config, work)
        print(path)


def report_after_all(config: Config, work: WorkDir) -> None:
    """Draws the report; whatever goes wrong there, the submission stands."""
    from pipeline.report import report

    try:
        report(config, work)
        log.info("the report: %s", work.page)
    except PipelineError as error:
        log.error("no report: %s", error)
    except Exception:
        log.exception("no report, by our mistake; the submission is not touched by it")


def run_report(config: Config, work: WorkDir, force: bool) -> None:
    from pipeline.report import report

    report(config, work, force)
    print(work.page)


def run_classify(config: Config, work: WorkDir, force: bool) -> None:
    from pipeline.classify import classify, describe

    classify(config, work, force)
    print(describe(config, work))


def score_demo(config: Config, work: WorkDir, submission: Path) -> None:
    """Scores a demo submission, whose truth is known."""
    from pipeline import artifacts
    from pipeline.score import describe, score

    raw = artifacts.raw(config, work)
    truth, training = (artifacts.raw_file(raw, role) for role in ("truth", "solutions"))
    log.info("%s", describe(score(truth, submission, training)))


def run_score(options: argparse.Namespace, config: Config, work: WorkDir) -> None:
    from pipeline import artifacts
    from pipeline.export import csv_path
    from pipeline.score import describe, score

    if options.submission:
        submission = Path(options.submission)
    else:
        submission = csv_path(config, work)
    raw = artifacts.raw(config, work)
    training = artifacts.raw_file(raw, "solutions") if raw.state == "done" else None
    verdict = score(Path(options.solutions), submission, training)
    print(json.dumps(verdict.as_dict()) if options.json else describe(verdict))


def run_benchmark(options: argparse.Namespace, typed: Typed) -> None:
    from pipeline.benchmark import benchmark
    from pipeline.comparison import as_data, describe

    if typed.preset:
        raise PipelineError("benchmark takes its presets from --models, not --preset.")
    solutions = Path(options.solutions).absolute() if options.solutions else None
    rows, failed = benchmark(
        typed, options.models, options.minutes, solutions, options.force
    )
    if rows and options.json:
        print(json.dumps(as_data(rows)))
    elif rows:
        print(describe(rows))
    if failed:
        raise PipelineError(
            f"No score for {', '.join(failed)}: the log above says why. The same "
            "command tries again."
        )


def run_upload(options: argparse.Namespace, config: Config, work: WorkDir) -> None:
    from pipeline.upload import WAIT_SECONDS, upload

    file = Path(options.file) if options.file else None
    wait = WAIT_SECONDS if options.wait is None else options.wait
    print(upload(config, work, file, options.message, wait, options.force))


def run_doctor(config: Config, work: WorkDir) -> None:
    from pipeline.doctor import describe, doctor

    findings = doctor(config, work)
    print(describe(findings))
    stopping = sum(finding.state == "STOP" for finding in findings)
    if stopping:
        raise PipelineError(
            f'{stopping} of these would stop "./run.sh all"; each STOP line says what '
            "to do."
        )


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, not with the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'error: {message}. "./run.sh --help" explains the commands.\n')


def parser() -> argparse.ArgumentParser:
    everything = Parser(
        prog="./run.sh",
        description="Galaxy Zoo: from nothing to a Kaggle submission.",
        epilog=f"also: ./run.sh test   run the test suite\n\n{knob_help(*SECTIONS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = everything.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    for name, (text, sections) in STAGES.items():
        add_common(add_command(commands, name, text, knob_help(*sections)))
    add_common(add_command(commands, "all", OTHERS["all"], knob_help(*SECTIONS)))
    scoring = add_command(commands, "score", OTHERS["score"])
    scoring.add_argument("--solutions", required=True, metavar="FILE.csv")
    scoring.add_argument(
        "--submission", metavar="FILE.csv", help="default: the work directory's"
    )
    scoring.add_argument("--json", action="store_true", help="print JSON")
    add_common(scoring)
    comparing = add_command(
        commands,
        "benchmark",
        OTHERS["benchmark"],
        knob_help("preprocess", "train", "predict"),
    )
    comparing.add_argument(
        "--models",
        required=True,
        metavar="PRESET[+section.key=value...],...",
        help="a run for each, in a folder of --work (default work/benchmark-<source>)",
    )
    comparing.add_argument(
        "--minutes",
        type=minutes,
        help="train each so long, in as many epochs as fit (default: the preset's)",
    )
    comparing.add_argument(
        "--solutions",
        metavar="FILE.csv",
        help="labels of test galaxies, to score these (default: those held out)",
    )
    comparing.add_argument("--json", action="store_true", help="print JSON")
    add_common(comparing)
    add_common(add_command(commands, "status", OTHERS["status"]))
    uploading = add_command(commands, "upload", OTHERS["upload"], knob_help("kaggle"))
    uploading.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="default: the work directory's newest submission",
    )
    uploading.add_argument(
        "--message", metavar="TEXT", default="", help="goes with it on Kaggle"
    )
    uploading.add_argument(
        "--wait",
        metavar="SECONDS",
        type=seconds,
        nargs="?",
        help="for the verdict (default 600); 0: do not wait",
    )
    add_common(uploading)
    add_common(add_command(commands, "leaderboard", OTHERS["leaderboard"]))
    add_common(add_command(commands, "report", OTHERS["report"], knob_help("report")))
    showing = add_command(commands, "show", OTHERS["show"])
    showing.add_argument("galaxy", type=int, metavar="GALAXY", help="such as 100008")
    add_common(showing)
    add_common(
        add_command(commands, "classify", OTHERS["classify"], knob_help("classify"))
    )
    add_common(add_command(commands, "doctor", OTHERS["doctor"]))
    return everything


def add_command(
    commands: argparse._SubParsersAction, name: str, text: str, epilog: str = ""
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--work", metavar="DIR", help="work directory (default work/<source>)"
    )
    command.add_argument(
        "--source",
        metavar="auto|kaggle|demo|FOLDER",
        help="where the galaxies come from (default: the work directory's, else auto)",
    )
    command.add_argument(
        "--preset",
        metavar="NAME",
        help=f"{', '.join(PRESETS)} (default: the work directory's, else gpu or cpu)",
    )
    command.add_argument(
        "--config", metavar="FILE.toml", help="knobs, a table for each section"
    )
    command.add_argument(
        "--set",
        metavar="section.key=value",
        action="append",
        default=[],
        help="one knob; may be given again",
    )
    command.add_argument(
        "--force", action="store_true", help="do it again, though nothing changed"
    )


def seconds(text: str) -> float:
    """The argument of --wait."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'takes seconds, not "{text}"; a FILE goes before it'
        ) from None


def minutes(text: str) -> float:
    """The argument of --minutes."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f'takes minutes, above 0. Got "{text}"')
    return value


def knob_help(*sections: str) -> str:
    """Each knob with its default, the presets' values, and what it is."""
    lines = []
    for section in sections:
        lines.append(f"{section} knobs, for --set and --config:")
        for item in dataclasses.fields(SECTIONS[section]):
            key = f"{section}.{item.name}"
            presets = [
                f"{name} {values[key]}"
                for name, values in PRESETS.items()
                if key in values
            ]
            default = ", ".join([f"default {item.default!r}", *presets])
            lines.append(f"  {key}: {spoken(item.type)} ({default})")
            lines.append(f"      {item.metadata['help']}")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
