"""Imports point one way: pure modules, helpers, stages, the command line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "pipeline"
STAGES = {"download", "preprocess", "train", "predict", "export"}
BESIDE = {
    "score",
    "benchmark",
    "status",
    "upload",
    "leaderboard",
    "doctor",
    "report",
    "show",
    "classify",
}
PURE = {
    *("errors", "config", "presets", "tree", "images", "metrics", "sky", "diagnostics"),
    *("resemblance", "comparison", "spelling"),
}
HEAVY = {"tensorflow", "keras", "kaggle", "matplotlib", "sklearn", "jinja2"}


def level(module: str) -> int:
    if module in PURE:
        return 0
    if module in STAGES | BESIDE:
        return 2
    return 3 if module == "__main__" else 1


def imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "pipeline."
        ):
            found.add(node.module.split(".")[1])
    return found


def modules() -> list[tuple[str, Path]]:
    files = sorted(PACKAGE.rglob("*.py"))
    return [
        (file.relative_to(PACKAGE).parts[0].removesuffix(".py"), file) for file in files
    ]


def test_imports_never_point_upwards() -> None:
    for module, path in modules():
        for imported in imports(path):
            assert level(imported) <= level(module), f"{path} imports {imported}"


def test_stages_meet_only_through_artifacts() -> None:
    for module, path in modules():
        if module in STAGES:
            assert not imports(path) & (STAGES - {module}), path


@pytest.mark.parametrize("module", ["__main__", *sorted(STAGES | BESIDE)])
def test_importing_a_command_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, pipeline.{module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())
