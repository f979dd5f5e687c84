"""One artifact: its recipe and name, the state it is in, and the receipt it carries."""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

from pipeline.errors import PipelineError, remedy
from pipeline.files import (
    PARTIAL,
    file_digest,
    naming,
    read_json,
    refuse_link,
    write_json,
)
from pipeline.runs.paths import (
    PLAN,
    checkpoint_file,
    maker_file,
    partial_folder,
    receipt_file,
)
from pipeline.runs.provenance import made_now

State = Literal["done", "outdated", "damaged", "half made", "missing"]
DIGITS = 8  # of a digest, in a folder's name
UNLISTED = {receipt_file(Path()).name, checkpoint_file(Path()).name}  # in receipts
KEYS = {"recipe", "inputs", "content", "files", "result", "made"}  # of a receipt
SEAL = "seal"  # the digest of these

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artifact:
    """A folder that one stage makes from settings and other artifacts.

    Attributes:
        kind: the folder's name in the work directory but for the digest.
        root: the work directory.
        made_by: the command that makes it.
        settings: the values it depends on.
        names: what it is made from: names of artifacts, contents of source files.
        inputs: the artifacts that must be done before, and as they were then.
        needs: those that must be done before, whatever else they hold.
        method: raised when a change of the code alters the result.
    """

    kind: str
    root: Path
    made_by: str
    settings: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple["Artifact", ...] = ()
    needs: tuple["Artifact", ...] = ()
    method: int = 1

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """What the result follows from: no path, no time, no result."""
        recipe = {
            "method": self.method,
            "settings": dict(self.settings),
            "inputs": dict(self.names),
        }
        # through JSON, as the receipt will have been when it is compared
        return json.loads(json.dumps(recipe))

    @cached_property
    def digest(self) -> str:
        text = json.dumps(self.recipe, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    @cached_property
    def name(self) -> str:
        return self.kind + ("" if self.kind.endswith("/") else "-") + self.digest

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def partial(self) -> Path:
        """Where it is made."""
        return partial_folder(self.folder)

    @property
    def receipt(self) -> dict[str, Any] | None:
        return read_receipt(self.folder)

    @property
    def state(self) -> State:
        """Whether the folder is what the recipe asks for, whole and up to date."""
        receipt = self.receipt
        if receipt is None and not self.folder.exists():
            return "half made" if self.partial.exists() else "missing"
        if receipt is None or receipt["recipe"] != self.recipe:
            return "damaged"
        if wrong_files(self.folder, receipt["files"]):
            return "damaged"
        return "outdated" if self.changed_input else "done"

    @property
    def changed_input(self) -> str | None:
        """An input that was made anew since, with another content."""
        then = self.receipt["inputs"]
        for item in self.inputs:
            now = item.receipt
            if (
                now is not None
                and then.get(item.name, now["content"]) != now["content"]
            ):
                return item.name
        return None

    @property
    def is_done(self) -> bool:
        return self.state == "done"

    @property
    def maker(self) -> str | None:
        """The process that fills its folder, or did when it was killed."""
        file = maker_file(self.partial)
        return file.read_text().strip() if file.is_file() else None

    @property
    def result(self) -> dict[str, Any]:
        """What the finished artifact's receipt says of it."""
        return Result(self, require(self).receipt["result"])


class Result(dict[str, Any]):
    """What a receipt says of the result; what it does not say is told in a line."""

    def __init__(self, artifact: Artifact, said: Mapping[str, Any]) -> None:
        super().__init__(said)
        self.artifact = artifact

    def __missing__(self, key: str) -> NoReturn:
        again = remedy(self.artifact.made_by, self.artifact.root, "--force")
        raise PipelineError(
            f"{receipt_file(self.artifact.folder)} does not say its {key}: another "
            f"version has written it. Run {again} to make it anew."
        )


class NotDone(PipelineError):
    """An artifact is needed that is not done.

    Attributes:
        trouble: what is wrong with it.
        made_by: the command that makes it.
        root: the work directory.
    """

    def __init__(self, trouble: str, made_by: str, root: Path) -> None:
        super().__init__(trouble, made_by, root)  # all, to be pickled
        self.trouble, self.made_by, self.root = trouble, made_by, root

    def __str__(self) -> str:
        return self.told([])

    def told(self, words: Sequence[str]) -> str:
        """The same with the words that the command needs beside `--work`."""
        command = remedy(self.made_by, self.root, *words)
        return f"{self.trouble}. Run {command} first."


@dataclass
class Making:
    """An artifact in the making: where, and what its receipt will say of the result."""

    folder: Path
    result: dict[str, Any]


def read_receipt(folder: Path) -> dict[str, Any] | None:
    """A folder's receipt; None where there is not a complete one, as we wrote it."""
    receipt = read_json(receipt_file(folder))
    if not isinstance(receipt, dict) or receipt.keys() - {SEAL} != KEYS:
        return None
    if SEAL not in receipt:  # of an earlier version, whose networks took hours
        return receipt if is_well_formed(receipt) else None
    return receipt if receipt[SEAL] == seal_of(receipt) else None


def is_well_formed(receipt: Mapping[str, Any]) -> bool:
    """Whether the parts of a receipt are of the kinds that we write."""
    tables = KEYS - {"content"}
    return all(isinstance(receipt[key], dict) for key in tables) and all(
        isinstance(note, dict) and note.keys() == {"size", "sha256"}
        for note in receipt["files"].values()
    )


def save_receipt(folder: Path, receipt: Mapping[str, Any]) -> None:
    """Writes a receipt with its seal, which tells whether it was changed since."""
    content = json.loads(json.dumps(receipt))  # as it will be read
    write_json(receipt_file(folder), content | {SEAL: seal_of(content)})


def seal_of(receipt: Mapping[str, Any]) -> str:
    """The digest of all that a receipt says."""
    text = json.dumps({key: receipt[key] for key in KEYS}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def wrong_files(
    folder: Path, files: Mapping[str, Any], every_byte: bool = False
) -> list[str]:
    """The files of a receipt that are gone or not what they were."""
    wrong = []
    for name, noted in files.items():
        path = folder / name
        good = path.is_file() and path.stat().st_size == noted["size"]
        if good and every_byte:
            good = file_digest(path) == noted["sha256"]
        if not good:
            wrong.append(name)
    return wrong


def untouched(artifact: Artifact, file: Path) -> Path:
    """A file of a finished artifact, once its bytes are seen to be those made.

    Raises:
        PipelineError: they are not, or the artifact is not done.
    """
    name = str(file.relative_to(artifact.folder))
    noted = {name: require(artifact).receipt["files"][name]}
    if wrong_files(artifact.folder, noted, every_byte=True):
        raise not_as_made(artifact, file)
    return file


def not_as_made(artifact: Artifact, file: Path) -> PipelineError:
    again = remedy(artifact.made_by, artifact.root, "--force")
    return PipelineError(
        f"{file} is not what was made there. Run {again} to make it anew."
    )


def require(artifact: Artifact) -> Artifact:
    """Refuses an artifact that is not done, naming the first command to run.

    Raises:
        NotDone: it is not, or what it is made from is not.
    """
    state = artifact.state
    if state == "done":
        return artifact
    for item in (*artifact.needs, *artifact.inputs):
        require(item)
    trouble = f"is {state}"
    if state == "outdated":
        trouble = f"is outdated: {artifact.changed_input} has changed"
    command = "all" if artifact.kind == PLAN else artifact.made_by
    raise NotDone(f"{artifact.folder} {trouble}", command, artifact.root)


def is_up_to_date(artifact: Artifact, force: bool) -> bool:
    """Whether a stage has nothing to make; says so where it has not."""
    finish_rename(artifact)
    if artifact.is_done and not force:
        log.info("%s is up to date", artifact.name)
        return True
    return False


@contextmanager
def making(artifact: Artifact, keep: bool = False) -> Iterator[Making]:
    """Lets the block fill a folder beside the artifact's, which then takes its place.

    Args:
        artifact: what is made; an older one stays until the new one is whole.
        keep: go on with what an interrupted making has left.
    """
    started = time.monotonic()
    inputs = {item.name: require(item).receipt["content"] for item in artifact.inputs}
    if artifact.partial.exists() and not keep:
        discard(artifact.partial)
    refuse_links(artifact)
    artifact.partial.mkdir(parents=True, exist_ok=True)
    made = Making(artifact.partial, {})
    with naming(artifact.partial):
        # made anew: what lies there may be a link to somewhere else
        maker_file(artifact.partial).unlink(missing_ok=True)
        maker_file(artifact.partial).write_text(f"{os.getpid()}\n")
        yield made
    maker_file(artifact.partial).unlink(missing_ok=True)
    write_receipt(artifact, inputs, made, time.monotonic() - started)
    replace_old(artifact)


def write_receipt(
    artifact: Artifact, inputs: dict[str, str], made: Making, seconds: float
) -> None:
    files = {
        str(path.relative_to(made.folder)): {
            "size": path.stat().st_size,
            "sha256": file_digest(path),
        }
        for path in sorted(made.folder.rglob("*"))
        if path.is_file() and path.name not in UNLISTED
    }
    receipt = {
        "recipe": artifact.recipe,
        "inputs": inputs,
        "content": content_digest(files, made.result),
        "files": files,
        "result": made.result,
        "made": made_now(seconds),
    }
    save_receipt(made.folder, receipt)


def content_digest(files: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """What an artifact holds: a network its weights, any other its files."""
    if "weights" in result:
        return result["weights"]
    text = json.dumps({name: noted["sha256"] for name, noted in files.items()})
    return hashlib.sha256(text.encode()).hexdigest()


def replace_old(artifact: Artifact) -> None:
    """Gives a finished folder its name; what had it makes room.

    Killed at any moment, `finish_rename` completes it.
    """
    old = partial_folder(artifact.folder.with_name(f"{artifact.folder.name}.old"))
    if artifact.folder.exists():
        if artifact.receipt is None:
            set_aside(artifact.folder)
        else:
            if old.exists():
                discard(old)
            artifact.folder.rename(old)
    artifact.partial.rename(artifact.folder)
    if old.exists():
        discard(old)


def finish_rename(artifact: Artifact) -> None:
    """Completes a making that was killed after the receipt was written."""
    if artifact.partial == artifact.folder:  # it is filled in its place
        return
    receipt = read_receipt(artifact.partial)
    if receipt is not None and receipt["recipe"] == artifact.recipe:
        if wrong_files(artifact.partial, receipt["files"]):
            return
        replace_old(artifact)


def set_aside(folder: Path) -> None:
    """Renames a folder that is in the way and carries no receipt of ours."""
    number = 1
    while (other := folder.with_name(f"{folder.name}.set-aside-{number}")).exists():
        number += 1
    folder.rename(other)
    log.warning("%s has no receipt and was set aside as %s", folder, other.name)


def discard(folder: Path) -> None:
    """Removes a folder that is ours: half made, or with a receipt, which goes first.

    Raises:
        PipelineError: it is neither, or a link.
    """
    ours = folder.name.endswith(PARTIAL) or read_receipt(folder) is not None
    if folder.is_symlink() or not ours:
        raise PipelineError(
            f"{folder} is not of this pipeline's making, so it stays. Move it away."
        )
    receipt_file(folder).unlink(missing_ok=True)
    shutil.rmtree(folder)


def refuse_links(artifact: Artifact) -> None:
    """Refuses to make an artifact behind a link."""
    path = artifact.partial
    while path != artifact.root:
        refuse_link(path)
        path = path.parent


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(
        os.lstat(os.path.join(place, name)).st_size
        for place, _, names in os.walk(folder)
        for name in names
    )
