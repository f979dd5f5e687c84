"""Each setting with its value, and where that comes from."""

import argparse
from collections.abc import Iterator
from typing import Any

from pipeline.errors import Misuse
from pipeline.runs.resolve import Resolved
from pipeline.settings.parsing import section_of, spoken
from pipeline.settings.schema import SECTIONS, WITHOUT_SECTION, all_settings, value_of
from pipeline.settings.spelling import nearest
from pipeline.tables import table

EXAMPLE = "./run.sh settings train --work work/demo"
HEADER = ("setting", "value", "from", "type", "what it is")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "section", nargs="?", metavar="SECTION", help=f"one of {', '.join(SECTIONS)}"
    )


def command(resolved: Resolved, options: argparse.Namespace) -> str:
    return settings(resolved, options.section)


def settings(resolved: Resolved, section: str | None = None) -> str:
    """A table of all settings, or of those of a section.

    Raises:
        Misuse: there is no such section.
    """
    if section is not None and section not in SECTIONS:
        raise Misuse(
            f'There is no section "{section}". {nearest(section, SECTIONS)} '
            f"The sections: {', '.join(SECTIONS)}."
        )
    chosen = (*WITHOUT_SECTION, *SECTIONS) if section is None else (section,)
    return "\n\n".join(table(HEADER, rows_of(resolved, name)) for name in chosen)


def rows_of(resolved: Resolved, section: str) -> Iterator[tuple[str, ...]]:
    for key, item in all_settings().items():
        if section in (section_of(key), key):
            value = written(value_of(resolved.run.settings, key))
            origin = resolved.origins.get(key, "default")
            yield key, value, origin, spoken(item.type), item.metadata["help"]


def written(value: Any) -> str:
    """A value as `--set` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
