"""The command line: one subcommand for each stage, in running order."""

import argparse
import dataclasses
import importlib
import json
import logging
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from pipeline.errors import PipelineError
from pipeline.files import locked
from pipeline.kaggle.ledger import read_ledger
from pipeline.progress import start_logging
from pipeline.runs.graph import Run
from pipeline.runs.origin import InPlace
from pipeline.runs.ownership import claim
from pipeline.runs.paths import SPLITS
from pipeline.runs.receipts import NotDone
from pipeline.runs.resolve import Resolved, Typed, settle
from pipeline.runs.saved import keep_run, save_settings
from pipeline.settings.parsing import (
    SettingsFile,
    parse_settings,
    read_settings_file,
    spoken,
)
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
    "status": ("what is done, damaged, missing or half made", ()),
    "runs": ("every run in a work directory, with its settings and its score", ()),
    "compare": ("finished runs side by side, with paired differences", ()),
    "settings": ("each setting with its value, and where that comes from", ()),
    "verify": ("every byte of everything in a work directory", ()),
    "clean": ("remove what neither the settings nor an uploaded submission needs", ()),
    "upload": (
        "upload a submission to Kaggle, wait for its score, note it",
        ("kaggle",),
    ),
    "leaderboard": (
        "every submission: validation, public and private score, place",
        (),
    ),
    "classify": (
        "the simplified problem: smooth, disk or artifact, by four methods",
        ("classify",),
    ),
    "report": (
        "one page of plots and pictures of the run; prints its path",
        ("report",),
    ),
    "show": ("one galaxy's card: its picture, and its answers as bars", ()),
    "doctor": ("whether this machine has what the pipeline needs", ()),
}
NO_FILE = SettingsFile()
WRITERS = (*STAGES, "classify", "report")  # in the order in which one needs another

log = logging.getLogger("pipeline")


def main() -> int:
    options = parser().parse_args()
    start_logging()
    # a polite end looks like Ctrl-C: clean-up runs, the exit code tells
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run_command(options)
    except NotDone as error:
        log.error("error: %s", error.told(repeated(options, error.made_by)))
        return 1
    except PipelineError as error:
        log.error("error: %s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted; run the same command to resume")
        return 130
    return 0


def run_command(options: argparse.Namespace) -> None:
    if options.command == "compare":
        run_compare(options)
        return
    typed = Typed(
        work=options.work,
        source=options.source,
        preset=options.preset,
        file=read_settings_file(Path(options.config)) if options.config else NO_FILE,
        values=parse_settings(options.set),
        unset=tuple(options.unset),
    )
    refuse_later_settings(options.command, typed.values)
    resolved = settle(typed)
    if options.command in READERS:
        READERS[options.command](resolved, options)
        return
    run = resolved.run
    run.digest  # noqa: B018  names what is asked for, so that it is found to be possible
    claim(run)
    with locked(run.work.lock, str(run.work.root)):
        if options.command == "clean":
            run_clean(run, typed, options)
            return
        log.info("%s", first_line(resolved))
        save(options.command, resolved, typed)
        if options.command in BESIDE:
            keep_run(run, resolved.saved | typed.all_values)
            BESIDE[options.command](run, options)
        else:
            chosen = list(STAGES) if options.command == "all" else [options.command]
            run_stages(resolved, typed, chosen, options.force)


def repeated(options: argparse.Namespace, command: str) -> list[str]:
    """The words of a command that another one needs to mean the same artifacts.

    What a stage is told is saved, but for the settings of other stages.
    """
    words = [] if options.config is None else [f"--config={options.config}"]
    if options.command in READERS:
        named = {"--source": options.source, "--preset": options.preset}
        words += [f"{option}={word}" for option, word in named.items() if word]
    accepted = sections_up_to(command) - {"kaggle"}  # no artifact depends on it
    own = sections_of(options.command) if options.command in WRITERS else ()
    for setting in options.set:
        section = setting.partition(".")[0]
        if section in accepted and section not in own:
            words.append(f"--set={setting}")
    return words


def refuse_later_settings(command: str, values: Mapping[str, Any]) -> None:
    """Refuses settings of a stage that comes after the command's own.

    Those of the stages before say which artifacts are meant.
    """
    if command not in WRITERS:
        return
    accepted = sections_up_to(command)
    for key in values:
        if key.partition(".")[0] not in accepted:
            later = next(
                name for name in WRITERS if key.partition(".")[0] in sections_of(name)
            )
            raise PipelineError(
                f"{key} is a setting of {later}, which comes after {command}. "
                f'Give it to "./run.sh {later}" or "./run.sh all".'
            )


def sections_of(command: str) -> tuple[str, ...]:
    """The sections of settings that are a command's own."""
    return (STAGES | OTHERS)[command][1]


def sections_up_to(command: str) -> set[str]:
    """These, and those of all stages before; a report is of all there is."""
    needed = WRITERS[: WRITERS.index(command) + 1]
    if command == "classify":
        needed = tuple(name for name in needed if name != "export")
    return {section for name in needed for section in sections_of(name)}


def first_line(resolved: Resolved) -> str:
    """What is run, where, and which saved settings have a part in it."""
    run = resolved.run
    line = (
        f"{run.work.root}: source {run.settings.source}, preset {run.settings.preset}"
    )
    applied = [key for key, origin in resolved.origins.items() if origin == "saved"]
    if not applied:
        return line
    told = ", ".join(f"{key}={resolved.saved[key]}" for key in applied)
    return f"{line}; saved: {told} (--unset {applied[0]} drops it)"


def save(command: str, resolved: Resolved, typed: Typed) -> None:
    """Saves what was typed: all of it, or of a stage just its own section."""
    own = sections_of(command)
    values = {
        key: value
        for key, value in typed.all_values.items()
        if key.partition(".")[0] in own
    }
    once = typed.values.keys() - values.keys()
    if once:
        log.info("for this command alone: %s", ", ".join(sorted(once)))
    save_settings(resolved.run, resolved.saved | values, typed.unset)


def run_stages(resolved: Resolved, typed: Typed, names: list[str], force: bool) -> None:
    run = resolved.run
    if "export" in names:
        read_ledger(run.submissions.ledger)  # what is wrong with it is said before work
    for name in names:
        if name == "download" and names[1:] and needs_no_files(run):
            log.info("%s: files are gone that nothing needs any more", run.raw.source)
            continue
        if name != "download":
            keep_run(run, resolved.saved | typed.all_values)
        before = run.raw.receipt
        stage = getattr(importlib.import_module(f"pipeline.stages.{name}"), name)
        stage(run, force)
        if run.raw.receipt != before:
            run = replace(run)  # names follow from what has come
    if "export" in names:
        from pipeline.runs.contents import submission_csv

        if run.settings.source == "demo":
            score_demo(run)
        if "download" in names:
            if run.settings.report.make:
                report_after_all(run)
            from pipeline.commands.clean import tell_of_unused

            tell_of_unused(run)
        print(submission_csv(run))


def needs_no_files(run: Run) -> bool:
    """Whether the competition's files are gone, and all that is made from them done."""
    made = (*map(run.shards, SPLITS), *run.members, run.held_out)
    lost = isinstance(run.raw, InPlace) and run.raw.lost
    return lost and all(item.is_done for item in made)


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
    from pipeline.runs.contents import submission_csv

    truth, training = run.raw.find("truth"), run.raw.find("solutions")
    if truth:
        log.info("%s", describe(score(truth, submission_csv(run), training)))


def run_status(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.status import status

    print(status(resolved.run))


def run_runs(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.runs import runs

    print(runs(resolved.run))


def run_settings(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.settings import settings

    print(settings(resolved, options.section))


def run_verify(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.verify import verify

    print(verify(resolved.run))


def run_compare(options: argparse.Namespace) -> None:
    from pipeline.commands.compare import compare

    form = "json" if options.json else "markdown" if options.markdown else "text"
    print(compare(options.runs, form))


def run_clean(run: Run, typed: Typed, options: argparse.Namespace) -> None:
    from pipeline.commands.clean import clean

    if typed.named_preset or typed.all_values or not run.work.settings.is_file():
        raise PipelineError(
            f"clean keeps what the settings saved in {run.work.settings} need, so it "
            "takes no others and cannot do without these."
        )
    print(clean(run, options.yes))


def run_score(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.score import describe, score
    from pipeline.runs.contents import submission_csv, trouble_with_csv

    run = resolved.run
    if options.submission:
        submission = Path(options.submission)
    else:
        submission = submission_csv(run)
        if trouble := trouble_with_csv(run):
            log.warning("%s %s", submission, trouble)
    verdict = score(Path(options.solutions), submission, run.raw.find("solutions"))
    print(json.dumps(verdict.as_dict()) if options.json else describe(verdict))


def run_upload(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.upload import WAIT_SECONDS, upload

    file = Path(options.file) if options.file else None
    wait = WAIT_SECONDS if options.wait is None else options.wait
    print(upload(resolved.run, file, options.message, wait, options.force))


def run_leaderboard(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.leaderboard import leaderboard

    print(leaderboard(resolved.run))


def run_show(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.show import show

    print(show(resolved.run, options.galaxy))


def run_doctor(resolved: Resolved, options: argparse.Namespace) -> None:
    from pipeline.commands.doctor import describe, doctor

    findings = doctor(resolved.run)
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


READERS = {  # leave the artifacts as they are, and never wait for who makes them
    "status": run_status,
    "runs": run_runs,
    "settings": run_settings,
    "verify": run_verify,
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
        if name != "compare":
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


def add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("section", nargs="?", metavar="SECTION")


def add_clean(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask")


def add_compare(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "runs", nargs="+", metavar="RUN", help="a work directory, or DIR:digest"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--markdown", action="store_true", help="print Markdown")


ARGUMENTS = {
    "score": add_score,
    "upload": add_upload,
    "show": add_show,
    "settings": add_settings,
    "clean": add_clean,
    "compare": add_compare,
}


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
        "--config",
        metavar="FILE.toml",
        help="settings, a table for each section; also source and preset",
    )
    command.add_argument(
        "--set",
        metavar="section.key=value",
        action="append",
        default=[],
        help="one setting; may be given again",
    )
    command.add_argument(
        "--unset",
        metavar="section.key",
        action="append",
        default=[],
        help="drop a saved setting; may be given again",
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
