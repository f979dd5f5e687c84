"""Rooms on floors: each imports only from rooms above it in this list, or its own."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "pipeline"
# no subject of their own, and what makes the environment
BASE = (
    *("errors", "signals", "machine", "output", "bars", "tables", "parts"),
    *("parallel", "files", "environment"),
)
ROOMS = (
    *("base", "settings", "data", "kaggle", "sky", "models", "sources", "runs"),
    *("inference", "training", "reporting", "catalogues", "stages", "commands"),
    *("cli", "__main__"),
)
MOST_FILES = 15  # in a room
STAGES = ("download", "preprocess", "train", "predict", "export")
HEAVY = {"tensorflow", "keras", "kaggle", "matplotlib", "sklearn", "jinja2", "skimage"}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """The room of a module that is named from the package on, such as `data.tree`."""
    first = module.split(".")[0]
    return "base" if first in BASE else first


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


def imports(file: Path) -> Iterator[str]:
    """The modules of this package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.startswith("pipeline."):
                yield node.module.removeprefix("pipeline.")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("pipeline."):
                    yield alias.name.removeprefix("pipeline.")


def test_every_module_is_in_a_room() -> None:
    outside = {file.stem for file in PACKAGE.glob("*.py")}
    assert outside == {"__init__", "__main__", *BASE}
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(ROOMS) - {"base", "__main__"}


def test_no_room_is_crowded() -> None:
    for folder in {file.parent for file in files()}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder


def test_imports_never_point_to_a_later_room() -> None:
    floors = {room: floor for floor, room in enumerate(ROOMS)}
    for file in files():
        own = room_of(module_of(file))
        for module in imports(file):
            if own != "__init__":
                assert floors[room_of(module)] <= floors[own], f"{file}: {module}"


def test_the_imports_are_read_at_all() -> None:
    found = set(imports(PACKAGE / "stages" / "train.py"))
    assert {"runs.graph", "runs.receipts", "training.fit", "settings.backend"} <= found


def test_stages_meet_only_through_artifacts() -> None:
    assert {f.stem for f in (PACKAGE / "stages").glob("*.py")} == {"__init__", *STAGES}
    for stage in STAGES:
        found = set(imports(PACKAGE / "stages" / f"{stage}.py"))
        assert not {module for module in found if room_of(module) == "stages"}


def modules_started_with() -> list[str]:
    """What the command line loads for one command or another."""
    commands = (module_of(file) for file in (PACKAGE / "commands").glob("*.py"))
    return ["__main__", *(f"stages.{stage}" for stage in STAGES), *sorted(commands)]


@pytest.mark.parametrize("module", modules_started_with())
def test_importing_a_command_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, pipeline.{module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())
