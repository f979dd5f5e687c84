"""What a work directory keeps of settings: those of the last run, and every run's."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from pipeline.errors import PipelineError
from pipeline.files import locked, read_text, write_text
from pipeline.runs.graph import Run
from pipeline.runs.paths import WorkDir
from pipeline.settings.parsing import SettingsFile, read_settings_file
from pipeline.settings.schema import WITHOUT_SECTION, all_settings

SAVED = "What commands here use unless they are told otherwise."

log = logging.getLogger(__name__)


def read_saved(work: WorkDir, file: Path | None = None) -> SettingsFile:
    """The saved settings of a work directory, or of one of its runs.

    What a newer version no longer knows is warned of, and passed over.
    """
    file = file or work.settings
    if not os.path.lexists(file):
        return SettingsFile()
    if not file.is_file():
        raise PipelineError(f"{file} is not a file. Move it away.")
    saved = read_settings_file(file, lenient=True)
    for key in saved.unknown:
        log.warning(
            "%s: %s is not a setting, and is passed over; --unset %s drops it",
            file,
            key,
            key,
        )
    return saved


def save_settings(
    run: Run, values: Mapping[str, Any], unset: Iterable[str] = ()
) -> None:
    """Saves source, preset and values for the commands to come."""
    write_settings(run.work.settings, run, values, unset, SAVED)


def keep_run(run: Run, values: Mapping[str, Any]) -> None:
    """Keeps what asks for this run as runs/<digest>.toml, for --config."""
    file, comment = run.work.run(run.digest), f"Asks for the run {run.digest}."
    if not file.exists():
        write_settings(file, run, values, (), comment)


def copy_of_settings(work: WorkDir) -> str | None:
    """What the file of saved settings holds; None where there is none."""
    return read_text(work.settings) if work.settings.is_file() else None


def restore_settings(run: Run, text: str | None) -> None:
    """Puts the saved settings back; where there were none, source and preset stay."""
    with locked(run.work.settings_lock, str(run.work.settings), wait=True):
        write_text(run.work.settings, text or updated(None, run, {}, (), SAVED))


def write_settings(
    path: Path,
    run: Run,
    values: Mapping[str, Any],
    unset: Iterable[str],
    comment: str,
) -> None:
    """Writes a file of settings; what else a person put into it stays."""
    with locked(run.work.settings_lock, str(path), wait=True):
        before = read_text(path) if path.is_file() else None
        text = updated(before, run, values, unset, comment)
        if text != before:
            write_text(path, text)


def updated(
    text: str | None,
    run: Run,
    values: Mapping[str, Any],
    unset: Iterable[str],
    comment: str,
) -> str:
    """The text of a file of settings that asks for a run.

    Args:
        text: what it was; None: there was none.
        run: for its source and preset.
        values: the settings that stand in it.
        unset: those that do not, though nobody knows them any more.
        comment: the first line of a new file.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment(comment))
    if text is not None:
        document = tomlkit.parse(text)
    document["source"], document["preset"] = run.settings.source, run.settings.preset
    for key in document.keys() & set(WITHOUT_SECTION) - values.keys():
        del document[key]
    for section, name in [*flat_keys(document)]:
        key = f"{section}.{name}"
        if (key in all_settings() and key not in values) or key in unset:
            del document[section][name]
            if not document[section].as_string().strip():  # nor a comment
                del document[section]
    for key in document.keys() & set(unset):  # what is in no section
        del document[key]
    for key, value in sorted(values.items()):
        section, _, name = key.partition(".")
        if not name:
            document[key] = value
            continue
        document.setdefault(section, tomlkit.table())[name] = value
    return tomlkit.dumps(document)


def flat_keys(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Section and name of each setting in a document."""
    for section, table in document.items():
        if isinstance(table, Mapping):
            yield from ((section, name) for name in table)
