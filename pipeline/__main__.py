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

from pipeline.errors import PipelineError
from pipeline.files import locked
from pipeline.progress import start_logging
from pipeline.runs.graph import Run
from pipeline.runs.resolve import Typed, remember, settle
from pipeline.settings.parsing import parse_settings, read_config_file, spoken
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import SECTIONS

STAGES = {  # in running order: what each does, and whose settings it reads
    "download": (
        "fetch the competition files from Kaggle, find them in a folder, or render the "
        "demo sky",
        ("demo", "kaggle"),
    ),
    "preprocess": ("crop and shrink every image into .npy shards", ("preprocess",)),
    "train": ("train the networks; resumes where it was interrupted", ("train",)),
    "predict": ("predict the test set", ("predict",)),
    "export": ("write the submission CSV and print its path", ("export",)),
}
OTHERS = {
    "all": (
        "all five stages and the report, each only where something changed",
        tuple(SECTIONS),
    ),
    "score": ("score a submission against solutions", ()),
    "status": ("what is done, stale or missing in a work directory", ()),
    "upload": (
        "upload a submission to Kaggle, wait for its score, note it",
        ("kaggle",),
    ),
    "leaderboard": (
        "every submission: validation, public and private score, place",
        (),
    ),
    "report": (
        "one page of plots and pictures of the run; prints its path",
        ("report",),
    ),
    "show": ("one galaxy's card: its picture, and its answers as bars", ()),
    "classify": (
        "the simplified problem: smooth, disk or artifact, by four methods",
        ("classify",),
    ),
    "doctor": ("whether this machine has what the pipeline needs", ()),
}

log = logging.getLogger("pipeline")


def main() -> int:
    options = parser().parse_args()
    start_logging()
    # a polite end looks like Ctrl-C: clean-up runs, the exit code tells
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run_command(options)
    except PipelineError as error:
        log.error("error: %s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted; run the same command to resume")
        return 130
    return 0


def run_command(options: argparse.Namespace) -> None:
    typed = Typed(
        work=options.work,
        source=options.source,
        preset=options.preset,
        file_values=read_config_file(Path(options.config)) if options.config else None,
        set_values=parse_settings(options.set),
    )
    run = settle(typed)
    if options.command in READERS:
        READERS[options.command](run, options)
        return
    with locked(run.work.lock, str(run.work.root)):
        remember(run, typed)
        if options.command in BESIDE:
            BESIDE[options.command](run, options)
        else:
            chosen = list(STAGES) if options.command == "all" else [options.command]
            run_stages(run, chosen, options.force)


def run_stages(run: Run, names: list[str], force: bool) -> None:
    settings = run.settings
    log.info(
        "%s: source %s, preset %s", run.work.root, settings.source, settings.preset
    )
    for name in names:
        stage = getattr(importlib.import_module(f"pipeline.stages.{name}"), name)
        stage(run, force)
    if "export" in names:
        from pipeline.runs.contents import submission_csv

        if settings.source == "demo":
            score_demo(run)
        if "download" in names and settings.report.make:
            report_after_all(run)
        print(submission_csv(run.submission))


def report_after_all(run: Run) -> None:
    """Draws the report; whatever goes wrong there, the submission stands."""
    from pipeline.commands.report import report

    try:
        report(run)
        log.info("the report: %s", run.work.page)
    except PipelineError as error:
        log.error("no report: %s", error)
    except Exception:
        log.exception("no report, by our mistake; the submission is not touched by it")


def score_demo(run: Run) -> None:
    """Scores a demo submission, whose truth is known."""
    from pipeline.commands.score import describe, score
    from pipeline.runs.contents import raw_file, submission_csv

    truth, training = (raw_file(run.raw, role) for role in ("truth", "solutions"))
    log.info("%s", describe(score(truth, submission_csv(run.submission), training)))


def run_status(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.status import status

    print(status(run))


def run_score(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.score import describe, score
    from pipeline.runs.contents import raw_file, submission_csv

    if options.submission:
        submission = Path(options.submission)
    else:
        submission = submission_csv(run.submission)
    training = raw_file(run.raw, "solutions") if run.raw.is_done else None
    verdict = score(Path(options.solutions), submission, training)
    print(json.dumps(verdict.as_dict()) if options.json else describe(verdict))


def run_upload(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.upload import WAIT_SECONDS, upload

    file = Path(options.file) if options.file else None
    wait = WAIT_SECONDS if options.wait is None else options.wait
    print(upload(run, file, options.message, wait, options.force))


def run_leaderboard(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.leaderboard import leaderboard

    print(leaderboard(run))


def run_show(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.show import show

    print(show(run, options.galaxy))


def run_doctor(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.doctor import describe, doctor

    findings = doctor(run)
    print(describe(findings))
    stopping = sum(finding.state == "STOP" for finding in findings)
    if stopping:
        raise PipelineError(
            f'{stopping} of these would stop "./run.sh all"; each STOP line says what '
            "to do."
        )


def run_report(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.report import report

    report(run, options.force)
    print(run.work.page)


def run_classify(run: Run, options: argparse.Namespace) -> None:
    from pipeline.commands.classify import classify, describe

    classify(run, options.force)
    print(describe(run))


READERS = {  # leave the artifacts as they are
    "status": run_status,
    "score": run_score,
    "upload": run_upload,
    "leaderboard": run_leaderboard,
    "show": run_show,
    "doctor": run_doctor,
}
BESIDE = {"report": run_report, "classify": run_classify}  # make one of their own


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, not with the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'error: {message}. "./run.sh --help" explains the commands.\n')


def parser() -> argparse.ArgumentParser:
    everything = Parser(
        prog="./run.sh",
        description="Galaxy Zoo: from nothing to a Kaggle submission.",
        epilog=f"also: ./run.sh test   run the test suite\n\n{setting_help(*SECTIONS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = everything.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    for name, (text, sections) in (STAGES | OTHERS).items():
        command = add_command(commands, name, text, setting_help(*sections))
        if name in ARGUMENTS:
            ARGUMENTS[name](command)
        add_common(command)
    return everything


def add_score(command: argparse.ArgumentParser) -> None:
    command.add_argument("--solutions", required=True, metavar="FILE.csv")
    command.add_argument(
        "--submission", metavar="FILE.csv", help="default: the work directory's"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def add_upload(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="default: the work directory's newest submission",
    )
    command.add_argument(
        "--message", metavar="TEXT", default="", help="goes with it on Kaggle"
    )
    command.add_argument(
        "--wait",
        metavar="SECONDS",
        type=seconds,
        nargs="?",
        help="for the verdict (default 600); 0: do not wait",
    )


def add_show(command: argparse.ArgumentParser) -> None:
    command.add_argument("galaxy", type=int, metavar="GALAXY", help="such as 100008")


ARGUMENTS = {"score": add_score, "upload": add_upload, "show": add_show}


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
        "--config", metavar="FILE.toml", help="settings, a table for each section"
    )
    command.add_argument(
        "--set",
        metavar="section.key=value",
        action="append",
        default=[],
        help="one setting; may be given again",
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


def setting_help(*sections: str) -> str:
    """Each setting with its default, the presets' values, and what it is."""
    lines = []
    for section in sections:
        lines.append(f"{section} settings, for --set and --config:")
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
