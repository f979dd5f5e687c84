"""The page of a catalogue: its mean fractions, its surest galaxies, the unlike ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.catalogues.answers import Answers
from pipeline.catalogues.listing import Listing
from pipeline.catalogues.pictures import as_seen, read_picture, side_seen
from pipeline.data.images import BadImage
from pipeline.data.tree import NUM_ANSWERS, QUESTIONS, answer_slice
from pipeline.files import atomic
from pipeline.output import spelled_out
from pipeline.settings.schema import PreprocessConfig

NUM_SUREST = 3  # galaxies of each answer
MOST_UNLIKE = 24
SHOWN = 212  # pixels along a side of a picture


class Highlights:
    """What the page shows, gathered chunk by chunk.

    Attributes:
        surest: for each answer, (fraction, row) of the largest fractions.
        unlike: (row, in what) of the first pictures unlike the training set's.
    """

    def __init__(self) -> None:
        self.sums, self.count = np.zeros(NUM_ANSWERS), 0
        self.surest: list[list[tuple[float, int]]] = [[] for _ in range(NUM_ANSWERS)]
        self.unlike: list[tuple[int, str]] = []

    def add(self, first: int, answers: Answers, unlike: np.ndarray) -> None:
        """Takes in a chunk whose first row is given."""
        good = np.flatnonzero(answers.readable)
        fractions = answers.fractions[good]
        self.sums += fractions.sum(axis=0, dtype=np.float64)
        self.count += len(good)
        for column in range(NUM_ANSWERS):
            best = np.argsort(-fractions[:, column], kind="stable")[:NUM_SUREST]
            found = [
                (float(fractions[row, column]), first + int(good[row])) for row in best
            ]
            ranked = sorted(self.surest[column] + found, key=lambda own: -own[0])
            self.surest[column] = ranked[:NUM_SUREST]
        odd = np.flatnonzero(unlike != "")[: MOST_UNLIKE - len(self.unlike)]
        self.unlike += [(first + int(row), str(unlike[row])) for row in odd]

    @property
    def means(self) -> np.ndarray:
        """(37,) the mean fractions of what can be read."""
        return self.sums / max(1, self.count)


class Album:
    """The pictures of a catalogue, as the page shows them.

    Attributes:
        listing: where they are.
        config: which share of them is looked at.
    """

    def __init__(self, listing: Listing, config: PreprocessConfig) -> None:
        self.listing, self.config = listing, config
        self.read = listing.reader()
        self.shown: dict[int, np.ndarray] = {}  # one galaxy may be surest of much

    def photo(self, row: int, caption: str) -> dict[str, Any]:
        """A picture with its id and a caption."""
        from pipeline.reporting.html import photo

        if row not in self.shown:
            self.shown[row] = self.look(row)
        galaxy = self.listing.ids[row]
        image = photo(self.shown[row], f"Galaxy {galaxy}, {caption}")
        return {"id": galaxy, "caption": caption, "photo": image}

    def look(self, row: int) -> np.ndarray:
        """A small picture (S, S, 3); it was readable before, or is black."""
        try:
            picture = read_picture(self.read(self.listing.names[row]))
        except (BadImage, KeyError):
            picture = np.zeros((SHOWN, SHOWN, 3), np.uint8)
        crop_size = self.config.crop_size
        side = min(SHOWN, side_seen(picture.shape, crop_size))
        return as_seen(picture, crop_size, side)


def write_page(
    file: Path,
    title: str,
    facts: dict[str, Any],
    highlights: Highlights,
    album: Album,
    training: np.ndarray,
) -> None:
    """Writes the page, which needs no other file.

    Args:
        file: where.
        title: the catalogue's name.
        facts: how many galaxies, and how many of them are unreadable or unlike.
        highlights: what is shown.
        album: its pictures.
        training: (37,) mean fractions of the training set.
    """
    from pipeline.reporting.html import Picture, data_uri, render
    from pipeline.reporting.plots import svg
    from pipeline.reporting.plots.shift import shifts
    from pipeline.reporting.statistics import Shift

    means = highlights.means
    notable = np.zeros(NUM_ANSWERS, bool)
    notable[np.argsort(-np.abs(means - training))[:3]] = True
    figure = shifts(Shift(means, training, notable), "catalogue")
    width, height = (round(96 * side) for side in figure.get_size_inches())
    plot = Picture(
        data_uri(svg(figure), "image/svg+xml"),
        "The mean fraction of each answer, beside the training set's",
        (width, height),
    )
    html = render(
        {
            "title": title,
            "facts": facts,
            "plot": plot,
            "questions": [*surest(highlights, album)] if highlights.count else [],
            "unlike": [album.photo(row, word) for row, word in highlights.unlike],
        },
        "catalogue.html",
    )
    with atomic(file) as partial:
        partial.write_bytes(html.encode(errors=spelled_out.__name__))


def surest(highlights: Highlights, album: Album) -> Iterator[dict[str, Any]]:
    """Each question with the surest galaxies of each of its answers."""
    for question in QUESTIONS:
        columns = range(NUM_ANSWERS)[answer_slice(question)]
        answers: Sequence[dict[str, Any]] = [
            {
                "text": text,
                "photos": [
                    album.photo(row, f"{fraction:.2f}")
                    for fraction, row in highlights.surest[column]
                ],
            }
            for text, column in zip(question.answers, columns, strict=True)
        ]
        yield {"text": question.text, "number": question.number, "answers": answers}
