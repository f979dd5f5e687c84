"""The report's page: everything inside one HTML file."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from pipeline.output import duration
from pipeline.reporting.pictures import as_jpeg

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Picture:
    """An image that lies in the page itself.

    Attributes:
        uri: the data.
        alt: what it shows, for those who cannot see it.
        size: width and height in pixels, so that the page need not jump.
        numbers: the name of the file with the numbers in it, if there is one.
    """

    uri: str
    alt: str
    size: tuple[int, int]
    numbers: str = ""


def photo(image: np.ndarray, alt: str) -> Picture:
    height, width = image.shape[:2]
    return Picture(data_uri(as_jpeg(image), "image/jpeg"), alt, (width, height))


def data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def render(facts: dict[str, Any], template: str = "report.html") -> str:
    """Fills the template; a fact that it asks for and lacks is our mistake."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    return environment.get_template(template).render(facts)
