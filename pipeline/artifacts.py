"""What each artifact is made from: the whole graph, and the receipts that hold it.

    raw -> shards/train -> models/<member> -> validation -> predictions -> submission
       \\-> shards/test ------------------------------------^

    shards/test -> models/<member>, where they are to resemble it

    validation -> classify; validation, predictions, classify -> report
    shards/train -> pace; models/<member> -> scored

An artifact is done when its receipt holds the recipe that today's knobs and inputs ask
for; so a changed knob or a changed input makes stale all that follows from it.
"""

import datetime
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pipeline import workdir
from pipeline.config import Config, Member
from pipeline.errors import PipelineError
from pipeline.sources.folder import digest_of, fingerprint
from pipeline.workdir import Split, WorkDir

State = Literal["done", "stale", "incomplete", "missing"]


@dataclass(frozen=True)
class Artifact:
    """A folder that one stage makes from knobs and other artifacts."""

    name: str
    folder: Path
    made_by: str
    knobs: dict[str, Any]
    inputs: tuple["Artifact", ...] = ()

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The knobs that matter, and the digest of each input; None if not current."""
        inputs = {
            item.name: item.digest if item.state == "done" else None
            for item in self.inputs
        }
        # through JSON, as the receipt will have been when it is compared
        return json.loads(json.dumps({"knobs": self.knobs, "inputs": inputs}))

    @property
    def receipt(self) -> dict[str, Any] | None:
        return workdir.read_json(workdir.receipt_file(self.folder))

    @property
    def state(self) -> State:
        """Whether the folder is what the recipe asks for."""
        receipt = self.receipt
        if receipt is not None:
            return "done" if receipt["recipe"] == self.recipe else "stale"
        full = self.folder.is_dir() and any(self.folder.iterdir())
        return "incomplete" if full else "missing"

    @property
    def digest(self) -> str | None:
        """A fingerprint of recipe and result, whenever and how fast they were made."""
        receipt = self.receipt
        if receipt is None:
            return None
        content = {key: receipt[key] for key in ("recipe", "result")}
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def result(self) -> dict[str, Any]:
        """What the finished artifact's receipt says of it."""
        return require(self).receipt["result"]


@dataclass(frozen=True)
class Foreign(Artifact):
    """Another work directory's artifact, taken as it lies: its knobs are not ours."""

    @property
    def state(self) -> State:
        return "missing" if self.receipt is None else "done"


def require(artifact: Artifact) -> Artifact:
    """Refuses an artifact that is not done, naming the command that makes it."""
    state = artifact.state
    if state == "done":
        return artifact
    trouble = f"is {state}"
    if state == "stale":
        trouble = f"is out of date ({difference(artifact)})"
    raise PipelineError(
        f'{artifact.folder} {trouble}. Run "./run.sh {artifact.made_by}" first.'
    )


def difference(artifact: Artifact) -> str:
    """Why a stale artifact is stale, in a few words."""
    then, now = artifact.receipt["recipe"], artifact.recipe
    for knob, value in now["knobs"].items():
        if then["knobs"].get(knob) != value:
            if not isinstance(value, int | float | str):
                return f"{knob} changed"
            return f"made with {knob}={then['knobs'].get(knob)}, now {value}"
    for name, digest in now["inputs"].items():
        if then["inputs"].get(name) != digest:
            return f"{name} changed since"
    return "made from other parts"


@contextmanager
def making(artifact: Artifact, keep: bool = False) -> Iterator[dict[str, Any]]:
    """Empties the folder, lets the block fill it and its result, writes the receipt.

    Args:
        artifact: what is made.
        keep: leave what lies in the folder, all but its receipt.

    Yields:
        The result, a dict for the block to fill.
    """
    started = time.monotonic()
    if keep:
        workdir.receipt_file(artifact.folder).unlink(missing_ok=True)
        artifact.folder.mkdir(parents=True, exist_ok=True)
    else:
        workdir.empty(artifact.folder)
    recipe, result = artifact.recipe, {}
    yield result
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = {"at": now, "seconds": round(time.monotonic() - started, 1)}
    workdir.write_json(
        workdir.receipt_file(artifact.folder),
        {"recipe": recipe, "result": result, "made": made},
    )


def raw(config: Config, work: WorkDir) -> Artifact:
    """The competition's files, or where they lie."""
    knobs: dict[str, Any] = {"source": config.source}
    if config.source == "demo":
        knobs |= asdict(config.demo)
    elif config.source != "kaggle":
        knobs["fingerprint"] = fingerprint(Path(config.source))
    return Artifact("raw", work.raw, "download", knobs)


def shards(config: Config, work: WorkDir, split: Split) -> Artifact:
    """The cropped and shrunk images of the train or the test set."""
    return Artifact(
        f"shards/{split}",
        work.shards(split),
        "preprocess",
        asdict(config.preprocess),
        (raw(config, work),),
    )


def members(config: Config, work: WorkDir) -> tuple[Artifact, ...]:
    """One trained network for each fold and seed, of the run and of its partners."""
    inputs: tuple[Artifact, ...] = (shards(config, work, "train"),)
    if config.train.resemble:
        inputs += (shards(config, work, "test"),)
    found = []
    for member in config.members():
        fold = member.fold if config.train.folds > 1 else None
        folder = work.member(member.train.seed, fold, member.partner)
        name = f"models/{folder.name}"
        found.append(Artifact(name, folder, "train", own_knobs(member), inputs))
    return tuple(found)


def own_knobs(member: Member) -> dict[str, Any]:
    """What a network depends on, whatever other networks there are."""
    knobs = asdict(member.train) | {"fold": member.fold}
    for key in ("seeds", "partners"):  # one more must not make the others stale
        del knobs[key]
    del knobs["stretch"]  # is in the epochs
    del knobs["resemble"]  # then the test set is an input
    if not member.train.resemble:
        del knobs["resemble_after"]
    if member.train.folds > 1:
        del knobs["validation_fraction"]
    if member.train.weights_file is not None:
        knobs["weights"] = weights_digest(member.train.weights_file)
    return knobs


def weights_digest(file: Path) -> str | None:
    """Of what a backbone starts from, wherever it lies; None if it has gone."""
    if not file.is_file():
        return None
    status = file.stat()
    return digest_once(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def digest_once(file: Path, size: int, modified: int) -> str:
    return workdir.file_digest(file)


def predictions(config: Config, work: WorkDir) -> Artifact:
    """The test set's 37 numbers, and what to expect of them."""
    # the networks come in by way of the validation, which follows from each
    inputs = shards(config, work, "test"), validation(config, work), *others(config)
    return Artifact(
        "predictions", work.predictions, "predict", asdict(config.predict), inputs
    )


def others(config: Config) -> tuple[Foreign, ...]:
    """The predictions of other work directories that are averaged with these."""
    names = filter(None, map(str.strip, config.predict.also.split(",")))
    return tuple(
        Foreign(name, WorkDir(Path(name).resolve()).predictions, "predict", {})
        for name in names
    )


def submission(config: Config, work: WorkDir) -> Artifact:
    """The CSV, and what went into it."""
    knobs = asdict(config.export)
    knobs["folder"] = str(workdir.submissions_folder(config.export.folder))
    knobs["preset"] = config.preset
    return Artifact(
        "submission", work.submission, "export", knobs, (predictions(config, work),)
    )


def validation(config: Config, work: WorkDir) -> Artifact:
    """What the networks say of the galaxies held out."""
    knobs = asdict(config.predict)
    del knobs["also"]  # other runs' networks held out other galaxies
    return Artifact(
        "validation", work.validation, "predict", knobs, members(config, work)
    )


def pace(config: Config, work: WorkDir, minutes: float) -> Artifact:
    """How far the epochs stretch in so many minutes on this machine."""
    trained = members(config.stretched(1.0), work)
    knobs = {artifact.name: artifact.knobs for artifact in trained}
    inputs = (shards(config, work, "train"),)
    return Artifact(
        "pace", work.pace, "benchmark", knobs | {"minutes": minutes}, inputs
    )


def scored(config: Config, work: WorkDir, solutions: Path | None) -> Artifact:
    """Predictions of galaxies whose labels are known: test ones, or those held out."""
    knobs, inputs = {}, (validation(config, work),)
    if solutions:
        knobs = asdict(config.predict) | {"solutions": digest_of(solutions)}
        inputs = (shards(config, work, "test"), *members(config, work))
    return Artifact("scored", work.scored, "benchmark", knobs, inputs)


def classification(config: Config, work: WorkDir) -> Artifact:
    """The simplified problem: three classes, several methods."""
    return Artifact(
        "classify",
        work.classification,
        "classify",
        asdict(config.classify),
        (validation(config, work),),
    )


def report(config: Config, work: WorkDir) -> Artifact:
    """The page of pictures and plots."""
    inputs = (
        validation(config, work),
        predictions(config, work),
        classification(config, work),  # its table joins the page once it is there
    )
    return Artifact("report", work.report, "report", asdict(config.report), inputs)


def all_artifacts(config: Config, work: WorkDir) -> tuple[Artifact, ...]:
    """Every artifact, in the order of making; those beside the stages once wanted."""
    beside = (
        classification(config, work),
        report(config, work),
    )
    made = {item.name for item in beside if item.receipt is not None}
    if config.report.make:
        made.add("report")
    return (
        raw(config, work),
        shards(config, work, "train"),
        shards(config, work, "test"),
        *members(config, work),
        validation(config, work),
        predictions(config, work),
        submission(config, work),
        *(item for item in beside if item.name in made),
    )


def raw_file(raw_artifact: Artifact, role: str) -> Path:
    """Where a competition file lies, from the receipt of the download.

    Raises:
        PipelineError: it has gone since.
    """
    path = raw_artifact.folder / raw_artifact.result["files"][role]
    if not path.exists():
        raise PipelineError(
            f'{path} is gone. Run "./run.sh download --force" to have it again.'
        )
    return path
