"""One galaxy's card: its picture, and how it was and would have been classified."""

import logging
from typing import NamedTuple

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import raw_file, require
from pipeline.config import Config
from pipeline.dataset import held_out, load_targets
from pipeline.diagnostics import rmse_per_galaxy
from pipeline.errors import PipelineError
from pipeline.tree import QUESTIONS, answer_slice
from pipeline.workdir import SPLITS, Split, WorkDir

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
        fractions: (37,) predicted.
        targets: (37,) volunteers', None in the test set.
    """

    id: int
    split: Split
    standing: str
    row: int
    fractions: np.ndarray
    targets: np.ndarray | None

    @property
    def title(self) -> str:
        if self.targets is None:
            return f"Galaxy {self.id}, {self.standing}"
        (rmse,) = rmse_per_galaxy(self.fractions[None], self.targets[None])
        return f"Galaxy {self.id}, {self.standing}, RMSE {rmse:.4f}"


def show(config: Config, work: WorkDir, galaxy_id: int) -> str:
    """The card of a galaxy as text, and as a picture.

    Reads   shards/, raw/, predictions/ for a test galaxy, models/ for another
    Writes  show/<GalaxyID>.png
    """
    galaxy = look_up(config, work, galaxy_id)
    path = work.card(galaxy_id)
    draw_card(config, work, galaxy)
    log.info("%s", path)
    return describe(galaxy)


def look_up(config: Config, work: WorkDir, galaxy_id: int) -> Galaxy:
    """Finds the galaxy in either set, and what is predicted of it.

    Raises:
        PipelineError: no such galaxy.
    """
    known = {}
    for split in SPLITS:
        shards = require(artifacts.shards(config, work, split))
        ids = known[split] = np.load(workdir.ids_file(shards.folder))
        rows = np.flatnonzero(ids == galaxy_id)
        if len(rows):
            find = test_galaxy if split == "test" else training_galaxy
            return find(config, work, ids, int(rows[0]))
        if reason := shards.result["bad"].get(str(galaxy_id)):
            raise PipelineError(f"{galaxy_id}.jpg was left out: {reason}.")
    ids = np.concatenate(list(known.values()))
    near = np.sort(ids[np.argsort(np.abs(ids - galaxy_id), kind="stable")[:3]])
    raise PipelineError(
        f"There is no galaxy {galaxy_id} in {work.root}. The nearest are "
        f"{', '.join(map(str, near))}."
    )


def test_galaxy(config: Config, work: WorkDir, ids: np.ndarray, row: int) -> Galaxy:
    predictions = require(artifacts.predictions(config, work))
    with np.load(workdir.predictions_file(predictions.folder)) as file:
        (place,) = np.flatnonzero(file["ids"] == ids[row])
        fractions = file["fractions"][place]
    return Galaxy(int(ids[row]), "test", "of the test set", row, fractions, None)


def training_galaxy(config: Config, work: WorkDir, ids: np.ndarray, row: int) -> Galaxy:
    """A galaxy by the members that were not fitted to it, by all if there are none."""
    from pipeline.ensemble import obeying_tree, predict_members

    shards = artifacts.shards(config, work, "train")
    members = [require(member) for member in artifacts.members(config, work)]
    unfitted = [
        artifact
        for member, artifact in zip(config.members(), members, strict=True)
        if held_out(ids, config.train, member.fold)[row]
    ]
    chosen = unfitted or members
    rows = [np.array([row])] * len(chosen)
    parts = predict_members(config.predict, shards, chosen, rows)
    solutions = raw_file(require(artifacts.raw(config, work)), "solutions")
    (targets,) = load_targets(solutions, ids[[row]])
    (fractions,) = obeying_tree(config.predict, np.mean(parts, axis=0))
    return Galaxy(
        int(ids[row]), "train", WHERE[bool(unfitted)], row, fractions, targets
    )


def draw_card(config: Config, work: WorkDir, galaxy: Galaxy) -> None:
    from pipeline.pictures import load_originals
    from pipeline.plots import png
    from pipeline.plots.galaxies import card
    from pipeline.shards import Shards

    shards = artifacts.shards(config, work, galaxy.split)
    images = Shards(shards.folder, shards.result["num_shards"])
    (seen,) = images.gather(np.array([galaxy.row]))
    source = raw_file(artifacts.raw(config, work), f"{galaxy.split}_images")
    (original,) = load_originals(source, [galaxy.id])
    figure = card(galaxy.title, original, seen, galaxy.fractions, galaxy.targets)
    with workdir.atomic(work.card(galaxy.id)) as partial:
        partial.write_bytes(png(figure))


def describe(galaxy: Galaxy) -> str:
    """Question by question, each fraction as a number and a bar."""
    lines = [galaxy.title]
    for question in QUESTIONS:
        columns = answer_slice(question)
        lines += ["", f"{question.number:2d}  {question.text}"]
        for answer, column in zip(
            question.answers, range(columns.start, columns.stop), strict=True
        ):
            lines.append(answer_line(answer, "predicted", galaxy.fractions[column]))
            if galaxy.targets is not None:
                lines.append(answer_line("", "volunteers", galaxy.targets[column]))
    return "\n".join(lines)


def answer_line(answer: str, who: str, fraction: float) -> str:
    return f"    {answer:17}{who:11}{fraction:6.3f}  {bar(fraction)}".rstrip()


def bar(fraction: float) -> str:
    """A bar of block characters, to an eighth of a character."""
    eighths = round(fraction * BAR * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
