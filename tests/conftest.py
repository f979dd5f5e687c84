"""Runs on a competition in miniature, at several stages of their making."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.machine import num_cores
from pipeline.runs.graph import Run
from pipeline.runs.ownership import claim
from pipeline.runs.paths import WorkDir
from pipeline.settings.backend import load_keras
from tests.finished_run import finished, folded  # noqa: F401
from tests.kaggle_shell import shell, stand_in  # noqa: F401
from tests.miniature import make_competition, small_settings, spoil
from tests.terminal import Terminal

load_keras()  # before a module of tests imports it without our settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")
    parser.addoption("--kills", type=int, default=12, help="how often test_kill kills")
    parser.addoption("--fuzz", type=int, default=150, help="inputs of each test_fuzz")
    parser.addoption("--kill-seed", type=int, help="when: 0 or none for other times")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if not config.getoption("--all"):
        skip = pytest.mark.skip(reason="slow; run with --all")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)
    # a file of minutes that is begun last keeps one core busy while the others wait
    slow = {item.path for item in items if "slow" in item.keywords}
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -sizes[item.path]))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes share the tests: few tests are over before others start."""
    return num_cores() if config.getoption("--all") else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Sends what a test printed as text that one process can send to another."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode())
        for name, text in report.sections
    ]
    return report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The competition's files as Kaggle ships them."""
    return make_competition(tmp_path / "competition")


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    """A run of which nothing is made yet."""
    settings = small_settings(folder, tmp_path / "submissions")
    return Run(settings, WorkDir(tmp_path / "work"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that lacks the training; to be copied by who trains it."""
    from pipeline.stages.download import download
    from pipeline.stages.preprocess import preprocess

    place = tmp_path_factory.mktemp("prepared")
    folder = make_competition(place / "competition")
    run = Run(small_settings(folder, place / "submissions"), WorkDir(place / "work"))
    claim(run)
    download(run)
    preprocess(run)
    return run


@pytest.fixture
def ready(prepared: Run, tmp_path: Path) -> Run:
    """A copy of a run that lacks the training, with submissions of its own."""
    work = WorkDir(shutil.copytree(prepared.work.root, tmp_path / "ready"))
    folder = Path(prepared.settings.source)
    return Run(small_settings(folder, tmp_path / "submissions"), work)


@pytest.fixture
def eager() -> Iterator[None]:
    """Computes step by step: to trace a training takes longer than its few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture(scope="session")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The competition's files; one of the test images is empty."""
    folder = make_competition(tmp_path_factory.mktemp("spoiled") / "competition")
    spoil(folder / "images_test_rev1.zip", {"images_test_rev1/200002.jpg": b""})
    return folder


@pytest.fixture(scope="session")
def done(spoiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Where `all` was typed, and nothing since: for reading only."""
    terminal = Terminal(tmp_path_factory.mktemp("done"))
    assert terminal.run_all(spoiled) == 0
    return terminal


@pytest.fixture
def asking(done: Terminal) -> Terminal:
    """A terminal of one's own where `done` stands, for commands that only read."""
    return Terminal(done.work.parent)


@pytest.fixture
def later(done: Terminal, terminal: Terminal) -> Terminal:
    """One that stands where `done` does, to be continued from there."""
    shutil.copytree(done.work, terminal.work)
    shutil.copytree(done.submissions, terminal.submissions)
    saved = terminal.work / "settings.toml"
    text = saved.read_text().replace(str(done.submissions), str(terminal.submissions))
    saved.write_text(text)
    return terminal
