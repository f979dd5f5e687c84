"""A catalogue classified: chunk by chunk, then one table."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.catalogues.answers import Answers, Store, described
from pipeline.catalogues.listing import Columns, list_pictures
from pipeline.catalogues.oddities import Usual, usual
from pipeline.catalogues.page import Album, Highlights, write_page
from pipeline.catalogues.reading import PictureTask, read_chunk
from pipeline.catalogues.table import as_frame, check_out, write_table
from pipeline.errors import PipelineError
from pipeline.files import atomic, locked
from pipeline.inference.ensemble import column_means
from pipeline.output import counted, some_of
from pipeline.parallel import map_parallel
from pipeline.parts import WHOLE, Part
from pipeline.runs.graph import Run
from pipeline.runs.receipts import require
from pipeline.settings.schema import recipe_settings

OTHER = "name another --out"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What is to be classified, and what is to come of it.

    Attributes:
        what: a folder, a zip or a table of pictures.
        out: the table to be written.
        columns: of a table of pictures.
        features: whether the network's features are written beside it.
    """

    what: Path
    out: Path
    columns: Columns
    features: bool = False


@dataclass
class Counts:
    """How many galaxies a table holds, and how many are odd."""

    rows: int = 0
    unreadable: int = 0
    unlike: int = 0
    kinds: Counter = field(default_factory=Counter)

    @property
    def facts(self) -> dict[str, Any]:
        return vars(self) | {"kinds": dict(self.kinds)}

    def add(self, answers: Answers, unlike: np.ndarray) -> None:
        self.rows += len(unlike)
        self.unreadable += int((~answers.readable).sum())
        self.unlike += int((unlike != "").sum())
        self.kinds.update(word for text in unlike for word in text.split(", ") if word)


def predict_catalogue(run: Run, wanted: Wanted, join: bool = False) -> dict[str, Any]:
    """Classifies pictures of any size and name by a run's networks.

    Of each picture the same share is looked at as of the competition's, whose field of
    view was scaled to the galaxy: a galaxy should fill as much of it as there.

    Reads   models/<network>/, shards/train-<digest>, held_out/<digest>
    Writes  OUT                  a row for each picture
            OUT.html             means, the surest galaxies, those unlike the others
            OUT-features.npy     (N, F) float16, in the order of the rows
            OUT.partial/         the chunks that are done, until all are

    Args:
        run: whose networks are finished.
        wanted: what is to be classified.
        join: compute nothing: all parts must be there.

    Returns:
        What the table holds, in numbers.
    """
    store = open_store(run, wanted, join)
    with locked(store.lock, str(store.folder), other=OTHER):
        if join and (missing := store.missing()):
            raise PipelineError(
                f"{len(missing)} of {store.num_chunks} chunks are missing in "
                f"{store.folder}: {some_of([str(chunk + 1) for chunk in missing], 9)} "
                "(of N parts, chunk K is done by part K, K - N, and so on). Run the "
                "parts that lack, or leave --join out."
            )
        answer_chunks(run, store, wanted.features, WHOLE)
        facts = write_all(run, store, wanted)
    store.remove()
    warn(facts)
    return facts


def predict_part(run: Run, wanted: Wanted, part: Part) -> dict[str, Any]:
    """Answers one of several parts, and leaves the table to who joins them."""
    store = open_store(run, wanted)
    with locked(store.lock, str(store.folder), shared=True, other=OTHER):
        answer_chunks(run, store, wanted.features, part)
    facts = {"part": str(part), "folder": str(store.folder)}
    return facts | {"chunks": store.num_chunks, "missing": len(store.missing())}


def open_store(run: Run, wanted: Wanted, join: bool = False) -> Store:
    """Where the answers go; refused where something is in the way.

    Args:
        run: whose networks are finished.
        wanted: what is to be classified.
        join: they are there already.

    Raises:
        PipelineError: no networks, no pictures, or a table that is there already.
    """
    check_out(wanted.out)
    beside = [page_file(wanted.out)]
    if wanted.features:
        beside.append(features_file(wanted.out))
    for file in (wanted.out, *beside):
        if os.path.lexists(file):  # a link that leads nowhere is somebody's too
            raise PipelineError(
                f"{file} is there already. Move it away, or name another --out."
            )
    contents = [require(member).receipt["content"] for member in run.members]
    listing = list_pictures(wanted.what, wanted.columns)
    views = recipe_settings(run.settings.predict)
    del views["blend_with"]  # other runs' predictions are of other pictures
    recipe = {
        "catalogue": listing.digest,
        "networks": contents,
        "views": views,
        "image": run.image_settings,
        "features": wanted.features,
    }
    store = Store(wanted.out, listing, described(recipe))
    if join and not store.folder.exists():
        raise PipelineError(f"No part is there: {store.folder} does not exist.")
    store.open()
    return store


def answer_chunks(run: Run, store: Store, features: bool, part: Part) -> None:
    """Answers the chunks of a part that are not there yet."""
    missing = part.own(store.missing())
    if not missing:
        return
    if len(missing) < store.num_chunks:
        log.info("%d of %d chunks are left", len(missing), store.num_chunks)
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.catalogues.predicting import opened

    listing, config = store.listing, run.settings.preprocess
    names = [tuple(listing.names[store.rows(chunk)]) for chunk in missing]
    tasks = [
        PictureTask(chunk, listing.place, own, config)
        for chunk, own in zip(missing, names, strict=True)
    ]
    sizes = [*map(len, names)]
    with opened(run) as ensemble:
        for seen in map_parallel(read_chunk, tasks, "predict-images", sizes):
            store.save(seen.chunk, ensemble.answer(seen, features))


def write_all(run: Run, store: Store, wanted: Wanted) -> dict[str, Any]:
    """Writes page and features, then the table, from all chunks."""
    bounds, counts, highlights = usual(run), Counts(), Highlights()
    for rows, answers in whole(store):
        unlike = bounds.unlike(answers)
        counts.add(answers, unlike)
        highlights.add(rows.start, answers, unlike)
    page = page_file(store.out)
    album = Album(store.listing, run.settings.preprocess)
    means = column_means(run.members)
    write_page(page, wanted.what.name, counts.facts, highlights, album, means)
    if wanted.features:
        write_features(store)
    write_table(store.out, frames(store, bounds))
    return {
        "table": str(store.out),
        "page": str(page),
        "features": str(features_file(store.out)) if wanted.features else None,
    } | counts.facts


def frames(store: Store, bounds: Usual) -> Iterator[pd.DataFrame]:
    """The table, chunk by chunk."""
    for rows, answers in whole(store):
        yield as_frame(store.listing.ids[rows], answers, bounds.unlike(answers))


def whole(store: Store) -> Iterator[tuple[slice, Answers]]:
    """All chunks of a store.

    Raises:
        PipelineError: one of them is not there any more.
    """
    for rows, answers in store.all():
        if answers is None:
            raise PipelineError(
                f"{store.folder} lost a chunk. Run the same command to make it again."
            )
        yield rows, answers


def page_file(out: Path) -> Path:
    return out.with_suffix(".html")


def features_file(out: Path) -> Path:
    return out.with_name(f"{out.stem}-features.npy")


def write_features(store: Store) -> None:
    """Writes all features as one array, which is never whole in memory."""
    width = next(whole(store))[1].features.shape[1]
    with atomic(features_file(store.out)) as partial:
        shape = (len(store.listing.ids), width)
        array = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
        for rows, answers in whole(store):
            array[rows] = answers.features
        array.flush()


def warn(facts: dict[str, Any]) -> None:
    """Says what of the pictures was not as it should be."""
    if facts["unreadable"]:
        log.warning(
            "%s cannot be read; the column trouble says why",
            counted(facts["unreadable"], "picture"),
        )
    if facts["unlike"]:
        kinds = (f"{number} {name}" for name, number in facts["kinds"].items())
        log.warning(
            "%s unlike those that the networks learned from (%s): trust their "
            "fractions less",
            counted(facts["unlike"], "picture"),
            ", ".join(kinds),
        )
