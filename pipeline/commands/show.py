"""One galaxy's card: its picture, its answers, and where the networks looked."""

import argparse
import logging
import re
from typing import Any, NamedTuple

import numpy as np

from pipeline.data.images import crop_center
from pipeline.data.splits import held_out, load_targets
from pipeline.data.tree import COLUMNS, QUESTIONS, answer_slice
from pipeline.errors import PipelineError
from pipeline.files import atomic
from pipeline.reporting.statistics import rmse_per_galaxy
from pipeline.runs.contents import (
    load_held_out,
    load_ids,
    load_predictions,
    open_shards,
)
from pipeline.runs.graph import Member, Run
from pipeline.runs.paths import SPLITS, Split
from pipeline.runs.receipts import require
from pipeline.runs.resolve import Resolved

EXAMPLE = "./run.sh show 100008 --work work/demo"
NUM_SIMILAR = 11  # training galaxies beside the one that is shown
BAR = 30  # characters for a fraction of 1
EIGHTHS = " ▏▎▍▌▋▊▉"
WHERE = {True: "held out of training", False: "the network was fitted to it"}

log = logging.getLogger(__name__)


class Galaxy(NamedTuple):
    """What is known of one galaxy.

    Attributes:
        id: its number.
        split: the set it is in.
        standing: how much the network knew of it.
        row: its row in the shards.
        members: the networks that predict it.
        fractions: (37,) predicted.
        targets: (37,) volunteers', None in the test set.
    """

    id: int
    split: Split
    standing: str
    row: int
    members: list[Member]
    fractions: np.ndarray
    targets: np.ndarray | None

    @property
    def title(self) -> str:
        if self.targets is None:
            return f"Galaxy {self.id}, {self.standing}"
        (rmse,) = rmse_per_galaxy(self.fractions[None], self.targets[None])
        return f"Galaxy {self.id}, {self.standing}, RMSE {rmse:.4f}"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("galaxy", type=number, metavar="GALAXY", help="such as 100008")

    parser.add_argument(
        "--answer",
        type=column,
        metavar="ANSWER",
        help="map what speaks for this one, such as Class3.1, not all 37",
    )

    parser.add_argument(
        "--similar",
        action="store_true",
        help="draw the training galaxies most like it, too",
    )


def column(text: str) -> int:
    if text not in COLUMNS:
        raise argparse.ArgumentTypeError(
            f'takes a column of the submission such as Class3.1, not "{text}"'
        )
    return COLUMNS.index(text)


def number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text):
        raise argparse.ArgumentTypeError(f'takes a number such as 100008, not "{text}"')
    return int(text)


def gather(resolved: Resolved, options: argparse.Namespace) -> dict[str, Any]:
    facts = show(resolved.run, options.galaxy, options.answer)
    return facts | (show_similar(resolved.run, facts) if options.similar else {})


def show(run: Run, galaxy_id: int, answer: int | None = None) -> dict[str, Any]:
    """What is known of a galaxy; its card is drawn too.

    Reads   shards/, raw/, models/, predictions/ for a test galaxy
    Writes  show/<GalaxyID>.png
    """
    galaxy = look_up(run, galaxy_id)
    draw_card(run, galaxy, answer)
    log.info("%s", run.work.card(galaxy.id))
    return {
        "id": galaxy.id,
        "split": galaxy.split,
        "title": galaxy.title,
        "card": str(run.work.card(galaxy.id)),
        "predicted": by_column(galaxy.fractions),
        "volunteers": None if galaxy.targets is None else by_column(galaxy.targets),
    }


def show_similar(run: Run, facts: dict[str, Any]) -> dict[str, Any]:
    """The training galaxies that are most like it for the first network; a sheet.

    Reads   shards/, raw/, models/
    Writes  show/<GalaxyID>-similar.png, features-<digest>/ the first time
    """
    from pipeline.catalogues.similar import find_similar
    from pipeline.reporting.pictures import load_pictures
    from pipeline.reporting.plots import png
    from pipeline.reporting.plots.galaxies import sheet

    galaxy, split = facts["id"], facts["split"]
    shards = open_shards(run.shards(split))
    (seen,) = shards.gather(np.flatnonzero(shards.ids == galaxy))
    found = find_similar(run, seen, NUM_SIMILAR + 1)
    ids = load_ids(run.shards("train"))[found.rows]
    others = [
        (int(other), float(similarity))
        for other, similarity in zip(ids, found.similarity, strict=True)
        if other != galaxy
    ][:NUM_SIMILAR]
    crop = run.settings.preprocess.crop_size
    pictures = load_pictures(run, split, [galaxy]).by_id | (
        load_pictures(run, "train", [other for other, _ in others]).by_id
    )
    shown = [(f"{galaxy}", crop_center(pictures[galaxy], crop))]
    shown += [
        (f"{other}: {similarity:.3f}", crop_center(pictures[other], crop))
        for other, similarity in others
    ]
    file = run.work.similar(galaxy)
    with atomic(file) as partial:
        partial.write_bytes(png(sheet(shown)))
    log.info("%s", file)
    similar = [{"id": other, "similarity": value} for other, value in others]
    return {"similar": similar, "sheet": str(file)}


def by_column(fractions: np.ndarray) -> dict[str, float]:
    return dict(zip(COLUMNS, fractions.astype(float).tolist(), strict=True))


def look_up(run: Run, galaxy_id: int) -> Galaxy:
    """Finds the galaxy in either set, and what is predicted of it.

    Raises:
        PipelineError: no such galaxy.
    """
    known = {}
    for split in SPLITS:
        shards = run.shards(split)
        ids = known[split] = load_ids(shards)
        rows = np.flatnonzero(ids == galaxy_id)
        if len(rows):
            find = test_galaxy if split == "test" else training_galaxy
            return find(run, ids, int(rows[0]))
        if reason := shards.result["bad"].get(str(galaxy_id)):
            raise PipelineError(f"{galaxy_id}.jpg was left out: {reason}.")
    ids = np.concatenate(list(known.values()))
    near = np.sort(ids[np.argsort(np.abs(ids - galaxy_id), kind="stable")[:3]])
    raise PipelineError(
        f"There is no galaxy {galaxy_id} in {run.work.root}. The nearest are "
        f"{', '.join(map(str, near))}."
    )


def test_galaxy(run: Run, ids: np.ndarray, row: int) -> Galaxy:
    known, fractions = load_predictions(run.predictions)
    (place,) = np.flatnonzero(known == ids[row])
    standing = "of the test set"
    galaxy, members = int(ids[row]), list(run.members)
    return Galaxy(galaxy, "test", standing, row, members, fractions[place], None)


def training_galaxy(run: Run, ids: np.ndarray, row: int) -> Galaxy:
    """A galaxy by the networks that were not fitted to it, by all if there are none."""
    from pipeline.inference.ensemble import obeying_tree, predict_members

    members = [require(member) for member in run.members]
    unfitted = [
        member for member in members if held_out(ids, member.config, member.fold)[row]
    ]
    chosen = unfitted or members
    rows = [np.array([row])] * len(chosen)
    parts = predict_members(run.settings.predict, run.shards("train"), chosen, rows)
    (fractions,) = obeying_tree(run.settings.predict, np.mean(parts, axis=0))
    galaxy = int(ids[row])
    targets = volunteers(run, galaxy)
    standing = WHERE[bool(unfitted)]
    return Galaxy(galaxy, "train", standing, row, chosen, fractions, targets)


def volunteers(run: Run, galaxy: int) -> np.ndarray | None:
    """What they said of a training galaxy: (37,).

    Where the solutions are not at hand, it is known of held-out galaxies alone.
    """
    if solutions := run.raw.find("solutions"):
        return load_targets(solutions, np.array([galaxy]))[0]
    data = load_held_out(run.held_out)
    return next(iter(data.targets[data.ids == galaxy]), None)


def draw_card(run: Run, galaxy: Galaxy, answer: int | None) -> None:
    from pipeline.reporting.pictures import load_pictures
    from pipeline.reporting.plots import png
    from pipeline.reporting.plots.galaxies import Looked, card

    (seen,) = open_shards(run.shards(galaxy.split)).gather(np.array([galaxy.row]))
    pictures = load_pictures(run, galaxy.split, [galaxy.id])
    figure = card(
        galaxy.title,
        pictures.by_id[galaxy.id] if pictures.original else None,
        seen,
        Looked(where_they_looked(galaxy, seen, answer), answer),
        galaxy.fractions,
        galaxy.targets,
    )
    with atomic(run.work.card(galaxy.id)) as partial:
        partial.write_bytes(png(figure))


def where_they_looked(
    galaxy: Galaxy, seen: np.ndarray, answer: int | None
) -> np.ndarray:
    """How much each pixel of the image (S, S, 3) counts: (S, S) float64."""
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.inference.ensemble import open_network
    from pipeline.inference.occlusion import influence

    networks = [open_network(require(member), len(seen)) for member in galaxy.members]
    return influence(networks, seen, answer)


def describe(facts: dict[str, Any]) -> str:
    """Question by question, each fraction as a number and a bar."""
    lines = [facts["title"]]
    for question in QUESTIONS:
        lines += ["", f"{question.number:2d}  {question.text}"]
        columns = COLUMNS[answer_slice(question)]
        for answer, column in zip(question.answers, columns, strict=True):
            lines.append(answer_line(answer, "predicted", facts["predicted"][column]))
            if facts["volunteers"] is not None:
                known = facts["volunteers"][column]
                lines.append(answer_line("", "volunteers", known))
    if "similar" in facts:
        lines += ["", "most like it, by the cosine between features"]
        lines += [
            f"    {own['id']}  {own['similarity']:.3f}" for own in facts["similar"]
        ]
    return "\n".join(lines)


def answer_line(answer: str, who: str, fraction: float) -> str:
    return f"    {answer:17}{who:11}{fraction:6.3f}  {bar(fraction)}".rstrip()


def bar(fraction: float) -> str:
    """A bar of block characters, to an eighth of a character."""
    eighths = round(fraction * BAR * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
