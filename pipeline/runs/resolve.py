"""From what was typed, and what the work directory has saved, to a run."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.environment import variant
from pipeline.errors import Misuse, PipelineError
from pipeline.files import expanded
from pipeline.output import some_of
from pipeline.runs.graph import Run
from pipeline.runs.origin import InPlace
from pipeline.runs.ownership import check_work, is_ours
from pipeline.runs.paths import PROJECT, WorkDir
from pipeline.runs.saved import read_saved
from pipeline.settings.idle import idle
from pipeline.settings.parsing import SOURCE_WORDS, SettingsFile, known_setting
from pipeline.settings.schema import Settings, make_settings
from pipeline.sources.choose import choose_source, source_name

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Typed:
    """The common options as given; None or empty where they were not.

    Attributes:
        work: the folder of `--work`.
        source: the word of `--source`.
        preset: the name of `--preset`.
        file: what the file of `--config` asks for.
        values: of `--set`.
        unset: the saved values to drop.
    """

    work: str | None = None
    source: str | None = None
    preset: str | None = None
    file: SettingsFile = field(default_factory=SettingsFile)
    values: dict[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    @property
    def named_source(self) -> str | None:
        return self.source or self.file.source

    @property
    def named_preset(self) -> str | None:
        return self.preset or self.file.preset

    @property
    def all_values(self) -> dict[str, Any]:
        """What was typed, the file's below that of the command line."""
        return self.file.values | self.values


@dataclass(frozen=True)
class Resolved:
    """A run, and where each of its settings is from.

    Attributes:
        typed: what was typed.
        saved: the saved values that apply.
        origins: by `section.name`, of all that are not defaults.
        why: the source, where nobody has named it; in a sentence, to be told once
            nothing is wrong with what was typed.
    """

    run: Run
    typed: Typed
    saved: dict[str, Any]
    origins: dict[str, str]
    why: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """What asks for this run, beside source and preset."""
        return self.saved | self.typed.all_values

    @property
    def was_told(self) -> bool:
        """Whether other settings than the saved ones were typed."""
        return bool(self.typed.named_preset or self.typed.all_values)


def settle(typed: Typed) -> Resolved:
    """Settles the settings and the work directory of a command.

    Order: default, preset, saved, file, command line. Saved values belong to their
    preset: naming a preset leaves them out.

    Raises:
        PipelineError: a value that cannot be, or a directory that is not ours or of
            another source.
    """
    work = WorkDir(expanded(typed.work).absolute()) if typed.work else None
    if work is not None:
        check_work(work)
    kept = SettingsFile()
    if work is not None:
        kept = read_saved(work)
        refuse_lost_settings(work, kept, typed)
    source, why = (None if is_named(typed, kept) else kept.source), ""
    if source is None:
        source, why = choose_source(typed.named_source or kept.source or "auto")
    if work is None:
        work = WorkDir(PROJECT / "work" / source_name(source))
        check_work(work)
        kept = read_saved(work)
    # presets are called after the machine that they are for
    preset = typed.named_preset or kept.preset or variant()
    saved = still_saved(work, kept, typed)
    settings = make_settings(source, preset, saved | typed.all_values)
    refuse_idle(settings, typed)
    run = Run(settings, work, blended_runs(settings, work))
    check_source(run, kept.source)
    return Resolved(run.planned, typed, saved, origins(preset, saved, typed), why)


def refuse_lost_settings(work: WorkDir, kept: SettingsFile, typed: Typed) -> None:
    """Refuses to go by the defaults where the saved settings have gone.

    Raises:
        PipelineError: they have, and no source is named.
    """
    if work.runs and kept.source is None and not typed.named_source:
        lost = "names no source" if work.settings.exists() else "is gone"
        raise PipelineError(
            f"{work.settings} {lost}. Name --source and --preset, or take up a run: "
            f"--config {work.runs[-1]}."
        )


def refuse_idle(settings: Settings, typed: Typed) -> None:
    """Refuses what was typed and does nothing; of a file, it is just said.

    Raises:
        Misuse: there is such a setting.
    """
    for trouble in idle(settings, typed.values):
        raise Misuse(trouble)
    for trouble in idle(settings, typed.file.values):
        log.warning("%s", trouble)


def is_named(typed: Typed, kept: SettingsFile) -> bool:
    """Whether the source is to be the one that is named now, not the saved one.

    A saved folder may be gone, since much can be done with what was made from it; and
    the file of an earlier run may name the folder where it was then.
    """
    if typed.source or kept.source in (None, "auto"):  # written there by hand
        return True
    named = typed.file.source
    return named is not None and (named in SOURCE_WORDS or Path(named).is_dir())


def still_saved(work: WorkDir, kept: SettingsFile, typed: Typed) -> dict[str, Any]:
    """The saved values that apply: none where a preset is named, else those not unset.

    Raises:
        PipelineError: what is to be unset is not a setting, and not saved.
    """
    for key in typed.unset:
        if key not in kept.values and key not in kept.unknown:
            known_setting(key)
            log.info("%s is not saved in %s", key, work.settings)
    if typed.named_preset:
        return {}
    return {key: kept.values[key] for key in kept.values if key not in typed.unset}


def origins(preset: str, saved: Mapping[str, Any], typed: Typed) -> dict[str, str]:
    """Where each value that is not a default is from."""
    from pipeline.settings.presets import PRESETS

    found = dict.fromkeys(PRESETS[preset], f"preset {preset}")
    found |= dict.fromkeys(saved, "saved")
    found |= dict.fromkeys(typed.file.values, "file")
    return found | dict.fromkeys(typed.values, "command line")


def check_source(run: Run, kept: str | None) -> None:
    """Refuses a source that is not the one the work directory was made from.

    The same content in another place is the same source.
    """
    source = run.settings.source
    if kept is None or kept == source:
        return
    before = Run(make_settings(kept, run.settings.preset), run.work).raw
    if isinstance(before, InPlace) and isinstance(run.raw, InPlace):
        then, now = before.noted, run.raw.present
        known = then.keys() & now.keys()
        if known and all(then[role].content == now[role].content for role in known):
            log.info("%s holds what %s held: it is used from there now", source, kept)
            return
    raise PipelineError(
        f"{run.work.root} holds runs on {kept}, not on {source}. "
        "Give each source its own --work folder."
    )


def named_run(name: str) -> Run:
    """The run that a work directory (its saved one), or `DIR:digest`, names.

    Raises:
        PipelineError: there is no such run.
    """
    return kept_run(*find_run(name))


def find_run(name: str) -> tuple[WorkDir, Path]:
    """The work directory and the settings file that `DIR` or `DIR:digest` means.

    Raises:
        PipelineError: there is no such run.
    """
    folder, colon, digest = name.rpartition(":")
    if not colon or Path(name).is_dir():
        folder, digest = name, ""
    work = WorkDir(expanded(folder).absolute())
    file = work.run(digest) if digest else work.settings
    if not is_ours(work) or not file.is_file():
        known = some_of([path.stem for path in work.runs])
        what = f"run {digest}" if digest else "run"
        raise PipelineError(f"There is no {what} in {work.root}. Its runs: {known}.")
    return work, file


def kept_run(work: WorkDir, file: Path) -> Run:
    """The run that settings kept in a work directory ask for.

    Raises:
        PipelineError: they do not say of which source and preset.
    """
    kept = read_saved(work, file)
    if kept.source is None or kept.preset is None:
        raise PipelineError(f"{file} should name a source and a preset.")
    settings = make_settings(kept.source, kept.preset, kept.values)
    return Run(settings, work, blended_runs(settings, work)).planned


def blended_runs(settings: Settings, work: WorkDir) -> tuple[Run, ...]:
    """The runs that predict.blend_with names; none of them is an average itself.

    Raises:
        PipelineError: one is not there, is this very one, or is an average.
    """
    return tuple(blended_run(name, work) for name in settings.predict.blended_runs)


def blended_run(name: str, work: WorkDir) -> Run:
    if Path(name) == work.root:
        known = some_of([f"{name}:{file.stem}" for file in work.runs])
        raise PipelineError(
            f"predict.blend_with names {name}, the work directory itself. "
            f"Name one of its runs: {known if work.runs else 'it has none yet'}."
        )
    try:
        other, file = find_run(name)
    except PipelineError as error:
        raise PipelineError(
            f"predict.blend_with: {error} Or drop it with --unset predict.blend_with."
        ) from None
    parts = read_saved(other, file).values.get("predict.blend_with")
    if parts:
        raise PipelineError(
            f"predict.blend_with names {name}, which is an average with {parts} "
            "already. Name runs without predict.blend_with."
        )
    return kept_run(other, file)
