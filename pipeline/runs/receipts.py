"""One artifact: its recipe, whether it is done, and the receipt that says so."""

import datetime
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import PipelineError
from pipeline.files import read_json, write_json
from pipeline.runs.paths import receipt_file

State = Literal["done", "stale", "incomplete", "missing"]


@dataclass(frozen=True)
class Artifact:
    """A folder that one stage makes from settings and other artifacts."""

    name: str
    folder: Path
    made_by: str
    settings: dict[str, Any]
    inputs: tuple["Artifact", ...] = ()

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings that matter, and each input's digest; None if not current."""
        inputs = {
            item.name: item.digest if item.is_done else None for item in self.inputs
        }
        # through JSON, as the receipt will have been when it is compared
        return json.loads(json.dumps({"settings": self.settings, "inputs": inputs}))

    @property
    def receipt(self) -> dict[str, Any] | None:
        return read_json(receipt_file(self.folder))

    @property
    def state(self) -> State:
        """Whether the folder is what the recipe asks for."""
        receipt = self.receipt
        if receipt is not None:
            return "done" if receipt["recipe"] == self.recipe else "stale"
        full = self.folder.is_dir() and any(self.folder.iterdir())
        return "incomplete" if full else "missing"

    @property
    def is_done(self) -> bool:
        return self.state == "done"

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
    for name, value in now["settings"].items():
        before = then.get("settings", {}).get(name)
        if before != value:
            if not isinstance(value, int | float | str):
                return f"{name} changed"
            return f"made with {name}={before}, now {value}"
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
    receipt_file(artifact.folder).unlink(missing_ok=True)
    if not keep:
        shutil.rmtree(artifact.folder, ignore_errors=True)
    artifact.folder.mkdir(parents=True, exist_ok=True)
    recipe, result = artifact.recipe, {}
    yield result
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = {"at": now, "seconds": round(time.monotonic() - started, 1)}
    write_json(
        receipt_file(artifact.folder),
        {"recipe": recipe, "result": result, "made": made},
    )
