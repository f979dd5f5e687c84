"""Settings as users write them, on the command line or in TOML, made checked values."""

import tomllib
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import Misuse, PipelineError
from pipeline.files import expanded, read_text
from pipeline.settings.schema import SECTIONS, all_settings
from pipeline.settings.spelling import nearest

NEW_NAMES = {  # of settings that were called otherwise
    "demo.volunteers": "demo.num_volunteers",
    "kaggle.connect_seconds": "kaggle.connect_timeout",
    "kaggle.stall_seconds": "kaggle.stall_timeout",
    "kaggle.tries": "kaggle.max_attempts",
    "kaggle.longest_wait": "kaggle.max_wait",
    "kaggle.poll_seconds": "kaggle.poll_interval",
    "train.block": "train.block_size",
    "train.folds": "train.num_folds",
    "train.seeds": "train.num_seeds",
    "train.resemble": "train.reweight",
    "train.resemble_after": "train.reweight_from",
    "predict.turns": "predict.num_rotations",
    "predict.zooms": "predict.num_zooms",
    "predict.also": "predict.blend_with",
}
SOURCE_WORDS = ("auto", "kaggle", "demo")  # any other source is a folder
LARGEST_INTEGER = 2**31 - 1
TOP_LEVEL = ("source", "preset")  # keys of a file outside all sections


@dataclass(frozen=True)
class SettingsFile:
    """What a TOML file asks for.

    Attributes:
        values: checked, by `section.name`.
        source: as `--source` takes it; None where it names none.
        preset: None where it names none.
        unknown: the keys that there are no settings for.
    """

    values: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    preset: str | None = None
    unknown: tuple[str, ...] = ()


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Turns `section.key=value` texts into checked values.

    Raises:
        Misuse: no equals sign, an unknown key or a value of the wrong type.
    """
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise Misuse(f'--set takes section.key=value. Got "{setting}".')
        values[key.strip()] = checked(key.strip(), text.strip(), from_text=True)
    return values


def read_settings_file(path: Path, lenient: bool = False) -> SettingsFile:
    """Reads a TOML file: `source`, `preset`, and a table for each section.

    Args:
        path: the file; paths in it are relative to its folder.
        lenient: pass over keys that there are no settings for, instead of refusing.

    Raises:
        PipelineError: no such file, not TOML, an unknown key or a wrong type.
    """
    try:
        tables = tomllib.loads(read_text(path))
    except PermissionError:
        raise
    except OSError as error:
        raise PipelineError(f"Cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, or too deep, are too
        raise PipelineError(f"{path} is not valid TOML: {error}.") from None
    top = {key: tables.pop(key, None) for key in TOP_LEVEL}
    for key, value in top.items():
        if not isinstance(value, str | None):
            raise PipelineError(f'{path}: {key} takes a string. Got "{value}".')
    folder = path.absolute().parent
    if top["source"] not in (None, *SOURCE_WORDS):
        top["source"] = absolute_path(top["source"], folder)
    values, unknown = {}, []
    for key, value in flat(tables):
        if lenient and key not in all_settings():
            unknown.append(key)
            continue
        try:
            values[key] = checked(key, value, folder=folder)
        except Misuse as error:
            raise Misuse(f"{path}: {error}") from None
    return SettingsFile(values, top["source"], top["preset"], tuple(unknown))


def flat(tables: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for section, table in tables.items():
        if isinstance(table, dict):
            yield from ((f"{section}.{name}", value) for name, value in table.items())
        else:
            yield section, table


def checked(
    key: str, value: Any, from_text: bool = False, folder: Path | None = None
) -> Any:
    """The value of a setting, as the setting's own type; paths made absolute.

    Args:
        key: `section.name`.
        value: as it was written.
        from_text: whether it is a word of the command line.
        folder: what paths are relative to; the current folder by default.

    Raises:
        Misuse: an unknown key or a value of the wrong type.
    """
    item = known_setting(key)
    kind = item.type
    choices = typing.get_args(kind)
    wanted = type(choices[0]) if choices else kind
    try:
        value = from_word(value, wanted) if from_text else of_type(value, wanted)
    except ValueError:
        raise Misuse(f'{key} takes {spoken(kind)}. Got "{value}".') from None
    if choices and value not in choices:
        raise Misuse(f'{key} takes {spoken(kind)}. Got "{value}".')
    if item.metadata.get("path"):
        listed = item.metadata.get("listed")
        parts = value.split(",") if listed else [value]
        return absolute(parts, folder or Path.cwd())
    return value


def known_setting(key: str) -> Any:
    """The declaration of a setting.

    Raises:
        Misuse: there is none of that name; a hint at the right one.
    """
    known = all_settings()
    if key in known:
        return known[key]
    if key in NEW_NAMES:
        raise Misuse(f'Setting "{key}" is called "{NEW_NAMES[key]}" now.')
    section, dot, _ = key.partition(".")
    if not dot:
        raise Misuse(f'Unknown setting "{key}". {nearest(key, known)}')
    if section not in SECTIONS:
        raise Misuse(
            f'Unknown setting "{key}": there is no section "{section}". '
            f"{nearest(key, known)} The sections: {', '.join(SECTIONS)}."
        )
    raise Misuse(
        f'Unknown setting "{key}". {nearest(key, known)} '
        f'"./run.sh settings {section}" lists them all.'
    )


def absolute(paths: Iterable[str], folder: Path) -> str:
    """Each path made absolute, with commas between them; an empty one stays."""
    parts = [part.strip() for part in paths]
    return ",".join(absolute_path(part, folder) if part else "" for part in parts)


def absolute_path(text: str, folder: Path) -> str:
    if text in ("none", "imagenet"):  # the words that start weights may be
        return text
    path = expanded(text)
    return str(path if path.is_absolute() else folder / path)


def from_word(word: str, wanted: type) -> Any:
    """A value written on the command line, as `wanted`; ValueError if it is not."""
    if wanted is bool:
        words = {"true": True, "yes": True, "1": True}
        words |= {"false": False, "no": False, "0": False}
        if word.lower() not in words:
            raise ValueError(word)
        return words[word.lower()]
    return of_type(wanted(word), wanted)


def of_type(value: Any, wanted: type) -> Any:
    """The value, integers widened to float; ValueError if it is another type."""
    if type(value) is int and abs(value) > LARGEST_INTEGER:
        raise ValueError(value)
    if wanted is float and type(value) is int:
        value = float(value)
    # bool is an int to Python, not to a reader; nan and inf are no settings
    if type(value) is not wanted or value in (float("inf"), -float("inf")):
        raise ValueError(value)
    if value != value:
        raise ValueError(value)
    return value


def section_of(key: str) -> str:
    """The section of a setting that is written `section.name`, or with its value."""
    return key.partition(".")[0].strip()


def choices_of(item: Any) -> list[str] | None:
    """The words that a setting may take; None where they cannot be listed."""
    if item.type is bool:
        return ["true", "false"]
    return [str(choice) for choice in typing.get_args(item.type)] or None


def spoken(kind: Any) -> str:
    """A setting's type in words."""
    choices = typing.get_args(kind)
    if choices:
        return "one of " + ", ".join(str(choice) for choice in choices)
    return {
        int: "an integer",
        float: "a number",
        bool: "true or false",
        str: "a string",
    }[kind]
