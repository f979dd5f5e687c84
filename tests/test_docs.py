"""README and docs are true: what they name is there; what they type is a command."""

import re
import shlex
from pathlib import Path

import pytest

from pipeline.cli.parser import parse
from pipeline.settings.parsing import read_settings_file

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
PAGES = (README, *sorted((PROJECT / "docs").glob("*.md")))
MOST_LINES, LONGEST = 200, 120  # of the README
LINK = re.compile(r"\]\(([^)#\s]+)\)")
FILE = re.compile(r"\b((?:tests|docs|pipeline)/[\w/]+\.\w+|\.ci/\w+)")
NO_COMMANDS = ("test", "--help", "--version", "COMMAND")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# of commands that are gone, in a log that says so
OLD = PROJECT / "docs" / "experiments.md"


def commands(page: Path) -> list[str]:
    """The lines and quoted words of a page that call run.sh."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^ {4,}(?:[A-Z_]+=\S+ )*\./run\.sh (.*)", text, re.MULTILINE)
    quoted = re.findall(r"`(?:[A-Z_]+=\S+ )*\./run\.sh ([^`]+)`", text)
    return [line.split("  #")[0].split("| ")[0].strip() for line in lines + quoted]


def test_the_readme_is_read_in_five_minutes() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) < MOST_LINES
    assert max(map(len, lines)) <= LONGEST


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_has_lines_of_a_readable_length(page: Path) -> None:
    if page == OLD:
        return
    for line in page.read_text(encoding="utf-8").splitlines():
        assert len(line) <= LONGEST or line.startswith(("|", "    ")), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
    for name in FILE.findall(text):
        assert (PROJECT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    for file, name in TEST.findall(page.read_text(encoding="utf-8")):
        functions = re.findall(r"^def (test_\w+)\(", (PROJECT / file).read_text(), re.M)
        assert name in functions, f"{file}::{name}"


def test_every_kind_of_fault_names_the_test_that_holds_it() -> None:
    text = (PROJECT / "docs" / "reliability.md").read_text(encoding="utf-8")
    tables = text.partition("## What is the user's")[2]
    rows = [line for line in tables.splitlines() if line.startswith("| ")]
    untested = [row for row in rows if not TEST.search(row)]
    assert set(untested) == {"| what | what happens | test |"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_types_is_a_command(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line)
        if words[0] not in NO_COMMANDS and "..." not in words:
            assert parse(words).command == words[0], line


def test_the_readmes_file_of_settings_is_one(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "mine.toml"
    file.write_text(toml)
    read = read_settings_file(file)
    assert read.preset == "cpu"
    assert read.values == {
        "train.epochs": 30,
        "train.num_seeds": 2,
        "predict.num_zooms": 1,
    }


def test_every_page_is_linked_from_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"(docs/{page.name})" in text
