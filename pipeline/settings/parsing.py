"""Settings as users write them, on the command line or in TOML, made checked values."""

import tomllib
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.settings.schema import SECTIONS, all_settings
from pipeline.settings.spelling import nearest


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Turns `section.key=value` texts into checked values.

    Raises:
        PipelineError: no equals sign, an unknown key or a value of the wrong type.
    """
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise PipelineError(f'--set takes section.key=value. Got "{setting}".')
        values[key.strip()] = checked(key.strip(), text.strip(), from_text=True)
    return values


def read_config_file(path: Path) -> dict[str, Any]:
    """The checked values of a TOML file with a table for each section.

    Raises:
        PipelineError: no such file, not TOML, an unknown key or a wrong type.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PipelineError(f"Cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path} is not valid TOML: {error}.") from None
    values = {}
    for section, table in tables.items():
        if section not in SECTIONS or not isinstance(table, dict):
            raise PipelineError(
                f'{path}: "{section}" is not a section. {nearest(section, SECTIONS)} '
                f"The sections: {', '.join(SECTIONS)}."
            )
        for name, value in table.items():
            values[f"{section}.{name}"] = checked(f"{section}.{name}", value)
    return values


def checked(key: str, value: Any, from_text: bool = False) -> Any:
    """The value of a setting, as the setting's own type.

    Raises:
        PipelineError: an unknown key or a value of the wrong type.
    """
    known = all_settings()
    if key not in known:
        raise PipelineError(
            f'Unknown setting "{key}". {nearest(key, known)} '
            '"./run.sh --help" lists them all.'
        )
    kind = known[key].type
    choices = typing.get_args(kind)
    wanted = type(choices[0]) if choices else kind
    try:
        value = from_word(value, wanted) if from_text else of_type(value, wanted)
    except ValueError:
        raise PipelineError(f'{key} takes {spoken(kind)}. Got "{value}".') from None
    if choices and value not in choices:
        raise PipelineError(f'{key} takes {spoken(kind)}. Got "{value}".')
    return value


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
    """The value, whole numbers widened to float; ValueError if it is another type."""
    if wanted is float and type(value) is int:
        value = float(value)
    # bool is an int to Python, not to a reader; nan and inf are no settings
    if type(value) is not wanted or value in (float("inf"), -float("inf")):
        raise ValueError(value)
    if value != value:
        raise ValueError(value)
    return value


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
