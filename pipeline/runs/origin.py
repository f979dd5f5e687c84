"""The competition files of a run: where they are, what they hold, their receipt."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.runs.paths import WorkDir
from pipeline.runs.provenance import made_now
from pipeline.runs.receipts import Artifact, State, save_receipt
from pipeline.settings.schema import Settings, recipe_settings
from pipeline.sources.everything import find_everything
from pipeline.sources.fingerprint import EVERYTHING, Located, digest_lines, locate
from pipeline.sources.folder import find_some_files

UNKNOWN = "not there yet"  # the content of what is still to be downloaded
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Demo(Artifact):
    """The rendered sky, whose files follow from its settings."""

    def named(self, *roles: str) -> dict[str, str]:
        """What recipes call these files."""
        return dict.fromkeys(roles, self.name)

    def find(self, role: str) -> Path | None:
        """Where a competition file is, if it is at hand."""
        return self.file(role) if self.is_done else None

    def file(self, role: str) -> Path:
        return self.folder / self.result["files"][role]


@dataclass(frozen=True, kw_only=True)
class InPlace(Artifact):
    """Files of the user's, used where they are; only their receipt is ours.

    Attributes:
        source: the folder that holds the files.
        fetched: whether they can be fetched again where they are gone.
    """

    source: Path
    fetched: bool

    @cached_property
    def name(self) -> str:
        return self.kind

    @property
    def partial(self) -> Path:
        return self.folder

    @property
    def noted(self) -> dict[str, Located]:
        """What the files held when they were last checked; empty if they never were."""
        receipt = self.receipt
        files = receipt["result"]["files"] if receipt else {}
        return {
            role: Located(Path(note["path"]), note["content"], note["stamp"])
            for role, note in files.items()
        }

    @cached_property
    def present(self) -> dict[str, Located]:
        """What is there now."""
        return self.look(self.noted)

    def look(self, known: Mapping[str, Located]) -> dict[str, Located]:
        """Finds what is there; what is known and untouched since is not read again."""
        found = {}
        for role, path in self.paths.items():
            try:
                found[role] = locate(role, path, known.get(role))
            except PipelineError:  # whoever needs the file says what is wrong with it
                found[role] = Located(path, UNREADABLE, "")
        return found

    @property
    def paths(self) -> dict[str, Path]:
        """Where each competition file is: with the user, else as it was unpacked."""
        found = find_some_files(self.folder) | find_some_files(self.source)
        archive = find_everything(self.source)
        return found | ({EVERYTHING: archive} if archive else {})

    @property
    def state(self) -> State:
        noted, present = self.noted, self.present
        if not noted:
            return "half made" if present and self.fetched else "missing"
        if any(found.content == UNREADABLE for found in present.values()):
            return "damaged"
        if any(role not in noted for role in present):
            return "outdated"
        if any(noted[role].content != found.content for role, found in present.items()):
            return "outdated"
        # a folder that is not at hand takes nothing from what was made of it
        at_hand = self.fetched or self.source.is_dir()
        return "damaged" if at_hand and noted.keys() - present.keys() else "done"

    @property
    def changed_input(self) -> str | None:
        return str(self.source)

    @property
    def lost(self) -> bool:
        """Whether files are gone, while those that are left are as they were."""
        noted, present = self.noted, self.present
        same = all(role in noted for role in present) and all(
            noted[role].content == found.content for role, found in present.items()
        )
        return same and len(present) < len(noted)

    @property
    def is_noted(self) -> bool:
        """Whether the receipt knows each file where it is, as it is."""
        noted = self.noted
        return all(noted.get(role) == found for role, found in self.present.items())

    def named(self, *roles: str) -> dict[str, str]:
        """What recipes call these files: their content."""
        known = self.noted | self.present
        return {
            role: known[role].content if role in known else UNKNOWN for role in roles
        }

    def find(self, role: str) -> Path | None:
        """Where a competition file is, if it is at hand."""
        return self.present[role].path if role in self.present else None

    def file(self, role: str) -> Path:
        """Where a competition file is.

        Raises:
            PipelineError: it has gone.
        """
        if path := self.find(role):
            return path
        path = self.noted[role].path if role in self.noted else self.source / role
        raise PipelineError(
            f"{path} is gone. Bring it back, or let --source name the folder that has "
            "the competition files now."
        )

    def note(self, result: Mapping[str, Any], seconds: float) -> None:
        """Writes the receipt: what is there now, and what else there is to say.

        Raises:
            PipelineError: a file cannot be read.
        """
        # looked at again, since files may just have been fetched
        known = self.__dict__.get("present", {})
        found = {
            role: locate(role, path, known.get(role))
            for role, path in self.paths.items()
        }
        self.__dict__["present"] = found
        files = {
            role: located._asdict() | {"path": str(located.path)}
            for role, located in sorted(found.items())
        }
        content = digest_lines(
            f"{role} {note['content']}" for role, note in files.items()
        )
        receipt = {
            "recipe": self.recipe,
            "inputs": {},
            "content": content,
            "files": {},
            "result": dict(result) | {"files": files},
            "made": made_now(seconds),
        }
        save_receipt(self.folder, receipt)


def origin_of(settings: Settings, work: WorkDir) -> Demo | InPlace:
    """The competition files that a run's source gives."""
    source, made_by = settings.source, "download"
    if source == "demo":
        demo = recipe_settings(settings.demo)
        return Demo("raw/demo", work.root, made_by, demo)
    fetched = source == "kaggle"
    folder = kaggle_folder(work) if fetched else Path(source)
    kind = "raw/kaggle" if fetched else "raw/folder"
    if folder == work.raw:
        kind = "raw"
    return InPlace(kind, work.root, made_by, {}, source=folder, fetched=fetched)


def kaggle_folder(work: WorkDir) -> Path:
    """Where Kaggle's files are, or will be: in raw/ if somebody put them there."""
    usual = work.raw / "kaggle"
    if find_some_files(work.raw) and not find_some_files(usual):
        return work.raw
    return usual
