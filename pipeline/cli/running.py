"""A command run: settings settled and saved, the folder claimed, stages called."""

import argparse
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pipeline.bars import show_time_left
from pipeline.cli.catalogue import (
    READERS,
    STAGES,
    WITH_KERAS,
    WITHOUT_RUN,
    accepted_sections,
    module_of,
    own_sections,
    owner,
)
from pipeline.cli.cluster import share_out
from pipeline.cli.dry_run import plan, seconds_to_come
from pipeline.errors import Misuse, PipelineError, trouble_of_machine
from pipeline.files import locked
from pipeline.kaggle.ledger import read_ledger
from pipeline.output import (
    all_visible,
    duration,
    is_terminal,
    say,
    tell,
    visible,
    visible_json,
)
from pipeline.runs.graph import Run
from pipeline.runs.origin import InPlace
from pipeline.runs.ownership import claim, is_ours
from pipeline.runs.paths import SPLITS, WorkDir, history_file
from pipeline.runs.preflight import (
    check_before_work,
    refuse_closed,
    refuse_no_temporary_folder,
)
from pipeline.runs.resolve import Resolved, Typed, settle
from pipeline.runs.saved import (
    copy_of_settings,
    keep_run,
    restore_settings,
    save_settings,
)
from pipeline.settings.backend import backend_name, check_backend
from pipeline.settings.parsing import (
    SettingsFile,
    parse_settings,
    read_settings_file,
    section_of,
)
from pipeline.settings.schema import WITHOUT_SECTION
from pipeline.settings.team import VARIABLE, team
from pipeline.stages.train import keeps, train
from pipeline.training.history import read_history

if TYPE_CHECKING:
    from pipeline.commands.score import Verdict

COLOURS = {  # of the words that a state is told by
    "STOP": 31,
    "damaged": 31,
    "outdated": 33,
    "half made": 33,
    "done": 32,
}

log = logging.getLogger("pipeline")


def run_command(options: argparse.Namespace) -> None:
    """Does what a command line asks for."""
    command = options.command
    module = module_of(command)
    if takes_no_run(options):
        answer(module, None, options)
        return
    if command in WITH_KERAS:
        check_backend()
    typed = typed_of(options)
    refuse_later_settings(command, typed)
    resolved = settle(typed)
    scheduler = getattr(options, "scheduler", None)
    if command in READERS:
        if scheduler:
            share_out(resolved.run, options)
        answer(module, resolved, options)
        return
    tell_why(resolved)
    if getattr(options, "dry_run", False):
        say(dry_run(resolved, options))
        return
    resolved.run.digest  # noqa: B018  named, so that what cannot be is said before work
    if command == "clean" and not is_ours(resolved.run.work):
        raise PipelineError(f"There is nothing to clean in {resolved.run.work.root}.")
    refuse_team(command, resolved.run)
    if command == "train" and not keeps():
        train(resolved.run, options.force, options.member)
        return
    refuse_closed(resolved.run.work.root)
    claim(resolved.run)
    if scheduler:
        share_out(resolved.run, options)
    with holding(resolved.run.work, share_of(options)):
        if command == "clean":
            answer(module, resolved, options)
        else:
            make(resolved, options)


def takes_no_run(options: argparse.Namespace) -> bool:
    """Whether nothing is looked up in a work directory."""
    if options.command != "score":
        return options.command in WITHOUT_RUN
    named = (options.work, options.source, options.preset, options.config)
    return bool(options.file) and not any((*named, options.set, options.unset))


def refuse_team(command: str, run: Run) -> None:
    """Refuses what several machines cannot do together: all but to train.

    Raises:
        Misuse: another command, another backend, or a time that is set.
    """
    if team() is None or command not in WITH_KERAS:
        return
    alone = f"Unset {VARIABLE} to run it on this machine alone."
    if command != "train":
        raise Misuse(f'{VARIABLE} is for "./run.sh train". {alone}')
    if backend_name() != "tensorflow":
        raise Misuse(f"{VARIABLE} is for KERAS_BACKEND=tensorflow. {alone}")
    if run.settings.minutes:
        raise Misuse(f"{VARIABLE} and minutes exclude each other. {alone}")


def share_of(options: argparse.Namespace) -> dict[str, Any]:
    """Of a command's work, what is to be done here; empty: all of it.

    Raises:
        Misuse: it is to be made anew at the same time.
    """
    wanted = {"part": "part", "only": "member"}
    values = {name: getattr(options, word, None) for name, word in wanted.items()}
    share = {name: value for name, value in values.items() if value is not None}
    if share and options.force:
        raise Misuse("--force is for all of the work, not for a part of it.")
    return share


@contextmanager
def holding(work: WorkDir, share: Mapping[str, Any]) -> Iterator[None]:
    """Keeps others out of a work directory, but for those who do other shares."""
    with locked(work.lock, str(work.root), shared=bool(share)):
        if not share:
            yield
            return
        (name,) = share.values()
        what = f"{work.root} ({name})"
        with locked(work.share_lock(str(name).replace("/", "-")), what):
            yield


def make(resolved: Resolved, options: argparse.Namespace) -> None:
    """Lets a command make artifacts, once its settings are saved."""
    command = options.command
    log.info("%s", first_line(resolved))
    stages = stages_of(command)
    if stages:
        check_stages(resolved.run, stages)
    with forgotten_if_refused(resolved.run):
        save(command, resolved)
        if stages:
            run_stages(resolved, stages, options.force, share_of(options))
        else:
            keep_run(resolved.run, resolved.values)
            answer(module_of(command), resolved, options)


@contextmanager
def forgotten_if_refused(run: Run) -> Iterator[None]:
    """Leaves the saved settings as they were where what was typed is refused.

    That is any misuse, and whatever is wrong before something is made or begun; what
    fails later needs its settings to go on.
    """
    before, there = copy_of_settings(run.work), places_of(run)
    try:
        yield
    except PipelineError as error:
        if isinstance(error, Misuse) or places_of(run) == there:
            restore_settings(run, before)
        raise


def places_of(run: Run) -> set[Path]:
    """The folders of a run that are there, finished or begun."""
    places = [place for item in run.artifacts for place in (item.folder, item.partial)]
    return {place for place in places if place.exists()}


def typed_of(options: argparse.Namespace) -> Typed:
    file = SettingsFile()
    if options.config is not None:
        file = read_settings_file(Path(options.config))
    return Typed(
        work=options.work,
        source=options.source,
        preset=options.preset,
        file=file,
        values=parse_settings([*options.set, *minutes_of(options)]),
        unset=tuple(options.unset),
    )


def minutes_of(options: argparse.Namespace) -> list[str]:
    minutes = getattr(options, "minutes", None)
    return [] if minutes is None else [f"minutes={minutes}"]


def answer(
    module: ModuleType, resolved: Resolved | None, options: argparse.Namespace
) -> None:
    """Prints what a command says: as text, or as JSON where that is asked for."""
    has_facts = hasattr(module, "gather")
    found = (module.gather if has_facts else module.command)(resolved, options)
    if options.command in READERS:  # which may just have refused a word
        tell_why(resolved)
    if not has_facts:
        say(found)
    else:
        print_facts(module, found, options.json)


def print_facts(module: ModuleType, facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        tell(visible_json(json.dumps(facts, indent=2, ensure_ascii=False)))
    else:
        tell(coloured(visible(module.describe(all_visible(facts)), lines=True)))
    if hasattr(module, "refuse"):
        module.refuse(facts)


def tell_why(resolved: Resolved | None) -> None:
    """Says why the source is what it is, where nobody has named it."""
    if resolved is not None and resolved.why:
        log.warning("%s", resolved.why)


def coloured(text: str) -> str:
    """States in colour, on a terminal, unless NO_COLOR says otherwise."""
    if os.environ.get("NO_COLOR") or not is_terminal(sys.stdout):
        return text
    words = "|".join(COLOURS)
    return re.sub(
        rf"^({words})\b|(?<=  )({words})(?=  |$)",
        lambda found: f"\x1b[{COLOURS[found[0]]}m{found[0]}\x1b[0m",
        text,
        flags=re.MULTILINE,
    )


def refuse_later_settings(command: str, typed: Typed) -> None:
    """Refuses settings of a stage that comes after the command's own.

    Those of the stages before say which artifacts are meant.

    Raises:
        Misuse: it has one.
    """
    accepted = accepted_sections(command)
    for key in typed.values:
        if section_of(key) not in accepted:
            if key in WITHOUT_SECTION:
                raise Misuse(f'{key} is for "./run.sh all".')
            later = owner(section_of(key))
            raise Misuse(
                f"{key} is a setting of {later}, which comes after {command}. "
                f'Give it to "./run.sh {later}" or "./run.sh all".'
            )


def repeated(options: argparse.Namespace, command: str) -> list[str]:
    """The words of a command line that another one needs to mean the same artifacts.

    What a stage is told is saved, but for the settings of other stages.
    """
    if options.command in WITHOUT_RUN:
        return []
    words = [] if options.config is None else [f"--config={options.config}"]
    if options.command in READERS:
        named = {"--source": options.source, "--preset": options.preset}
        words += [f"{option}={word}" for option, word in named.items() if word]
    own = own_sections(options.command)
    # no artifact depends on how long Kaggle is waited for
    wanted = set(accepted_sections(command)) - {*own, "kaggle"}
    words += [f"--set={item}" for item in options.set if section_of(item) in wanted]
    return words


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


def save(command: str, resolved: Resolved) -> None:
    """Saves what was typed: all of it, or of a stage just its own section."""
    own, typed = own_sections(command), resolved.typed
    values = {
        key: value for key, value in typed.all_values.items() if section_of(key) in own
    }
    if once := typed.values.keys() - values.keys():
        log.info("for this command alone: %s", ", ".join(sorted(once)))
    save_settings(resolved.run, resolved.saved | values, typed.unset)


def stages_of(command: str) -> list[str]:
    return [stage for stage in STAGES if command in ("all", stage)]


def dry_run(resolved: Resolved, options: argparse.Namespace) -> str:
    stages = stages_of(options.command)
    if options.command == "all" and resolved.run.settings.report.make:
        stages.append("report")
    return f"{first_line(resolved)}\n{plan(resolved.run, stages, options.force)}"


def check_stages(run: Run, names: list[str]) -> None:
    """Says what is wrong before work, and before settings are saved."""
    refuse_no_temporary_folder()
    if "export" in names:
        read_ledger(run.submissions.ledger)
    for line in check_before_work(run, names):
        log.warning("%s", line)


def run_stages(
    resolved: Resolved, names: list[str], force: bool, share: Mapping[str, Any]
) -> None:
    run, started = resolved.run, time.monotonic()
    if run.plan:
        run = replace(run, earlier=seconds_spent(run))
    if names[1:] and (expected := seconds_to_come(run, names, force)):
        log.info("all of it takes about %s", duration(expected))
    for name in names:
        if name == "download" and names[1:] and needs_no_files(run):
            log.info("%s: files are gone that nothing needs any more", run.raw.source)
            continue
        if name != "download":
            keep_run(run, resolved.values)
        before = run.raw.receipt
        show_time_left(seconds_to_come(run, names[names.index(name) :], force))
        getattr(module_of(name), name)(run, force, **share)
        if run.raw.receipt != before:
            run = replace(run)  # names follow from what has come
        run = run.planned
    if names[-1] in ("predict", "export") and not share:
        finish(run, names, started)


def seconds_spent(run: Run) -> float:
    """What earlier processes have spent on a run: finished artifacts and epochs."""
    beside = [item for item in run.artifacts if item not in run.members]
    made = [item.receipt["made"]["seconds"] for item in beside if item.is_done]
    folders = [item.folder if item.is_done else item.partial for item in run.members]
    epochs = [
        epoch["seconds"]
        for folder in folders
        for epoch in read_history(history_file(folder))
    ]
    return sum(made) + sum(epochs) * run.overlap


def needs_no_files(run: Run) -> bool:
    """Whether the competition's files are gone, and all that is made from them done."""
    made = (*map(run.shards, SPLITS), *run.members, run.held_out)
    lost = isinstance(run.raw, InPlace) and run.raw.lost
    return lost and all(item.is_done for item in made)


def finish(run: Run, stages: list[str], started: float) -> None:
    """Draws the report after `all`, sums up, and ends with the path of the CSV."""
    from pipeline.cli.summary import summary
    from pipeline.commands.clean import tell_of_unused
    from pipeline.runs.contents import submission_csv

    everything = len(stages) > 1
    if everything and run.settings.report.make:
        report_after_all(run)
    if everything:
        tell_of_unused(run)
    verdict = score_demo(run) if "export" in stages else None
    for line in summary(run, stages, time.monotonic() - started, verdict):
        log.info("%s", line)
    if "export" in stages:
        say(visible(str(submission_csv(run))))


def report_after_all(run: Run) -> None:
    """Draws the report; whatever goes wrong there, the submission stands."""
    from pipeline.commands.report import report

    try:
        report(run)
    except PipelineError as error:
        log.error("no report: %s", error)
    except Exception as error:
        if trouble := trouble_of_machine(error):
            log.error("no report: %s", trouble)
            return
        log.exception("no report, by our mistake; the submission is not touched by it")


def score_demo(run: Run) -> "Verdict | None":
    """The score of a submission for the demo sky, whose truth is known."""
    from pipeline.commands.score import score
    from pipeline.runs.contents import submission_csv

    if run.settings.source != "demo":
        return None
    truth, training = run.raw.find("truth"), run.raw.find("solutions")
    return score(truth, submission_csv(run), training) if truth else None
