"""How a setting is declared and refused, and bounds that several sections share."""

import dataclasses
from dataclasses import field
from typing import Any

from pipeline.errors import Misuse

RAW_SIZE = 424  # every competition image is 424 x 424 px
# less moves nothing by a pixel, more leaves a pixel or two of a galaxy
SMALLEST_ZOOM, LARGEST_ZOOM = 1.001, 10
NO_LIMIT = float("inf")


def setting(default: Any, text: str, **metadata: Any) -> Any:
    """A dataclass field with its help text.

    Args:
        default: its value unless a preset or a user gives another.
        text: what `--help` says of it.
        metadata: `path=True` where the value names a file or folder, with
            `listed=True` several with commas between them; `added=True`
            where results had been made before there was such a setting;
            `span=(least, most)`, the numbers by which something happens, and
            `off=number` that by which nothing is meant to.
    """
    return field(default=default, metadata={"help": text, **metadata})


def check(good: bool, message: str) -> None:
    """Refuses a combination of settings."""
    if not good:
        raise Misuse(message)


def check_spans(section: str, config: Any) -> None:
    """Refuses numbers so small or large that they would do nothing, or just harm."""
    for item in dataclasses.fields(config):
        value, off = getattr(config, item.name), item.metadata.get("off")
        least, most = item.metadata.get("span", (value, value))
        zero = "" if off is None else f"{off}, or "
        bounds = f"{least} or more" if most == NO_LIMIT else f"from {least} to {most}"
        check(
            value == off or least <= value <= most,
            f"{section}.{item.name} must be {zero}{bounds}. Got {value}.",
        )
