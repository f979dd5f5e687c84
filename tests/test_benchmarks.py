"""What the benchmarks count and say; they themselves are run by hand."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from tests.benchmarks import __main__ as command
from tests.benchmarks.measuring import (
    Result,
    alternate,
    as_run_sh_does,
    ratio,
    result,
)
from tests.benchmarks.overheads import NoBar, Waiting


def test_a_result_is_the_median_and_the_quartiles() -> None:
    assert result("steps", [5, 1, 4, 2, 3], "images/s") == (
        *("steps", "images/s"),
        *(3, 2, 4),
    )
    assert result("once", [7.0]) == Result("once", "", 7.0, 7.0, 7.0)


def test_speeds_are_compared_round_by_round() -> None:
    # the machine was at half its speed in the second round
    assert ratio("ours over theirs", [30, 15, 30], [20, 10, 20]).median == 1.5


def test_each_contender_has_a_process_of_its_own_that_lasts() -> None:
    found = alternate({"one": os.getpid, "other": os.getpid}, rounds=3)
    assert [len(set(pids)) for pids in found.values()] == [1, 1]
    assert len({*found["one"], *found["other"], os.getpid()}) == 3
    assert len(found["one"]) == 3  # the first turn only warmed up


def test_processes_get_the_environment_of_run_sh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    as_run_sh_does()
    assert os.environ["GLIBC_TUNABLES"].startswith("glibc.malloc.arena_max=1:glibc.")


def test_only_what_is_waited_for_counts() -> None:
    waited = Waiting()

    def use(bar: NoBar) -> None:
        bar.update(sum(waited.through(iter([1, 2, 3]))))

    assert 0 < waited.share_of(use) < 1
    assert [*waited.through(iter("ab"))] == ["a", "b"]


def test_what_is_not_installed_is_told_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = f'Run "{sys.executable} -m pip install torch==2.13.0 timm==1.0.31" first.'
    with pytest.raises(PipelineError) as caught:
        command.against_torch(rounds=1)
    assert str(caught.value).endswith(line)


def test_benchmarks_end_in_a_table_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def broken(rounds: int) -> list[Result]:
        raise PipelineError("It needs a telescope.")

    chosen = {"one": lambda rounds: [result("seconds", [rounds], "s")], "two": broken}
    monkeypatch.setattr(command, "BENCHMARKS", chosen)
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["benchmarks", str(out), "--rounds=5"])
    command.main()
    printed = capsys.readouterr().out
    assert "two is left out: It needs a telescope." in printed
    assert printed.splitlines()[-1].split() == ["seconds", "5", "5", "5", "s"]
    found = json.loads(out.read_text())
    assert found["results"][0]["median"] == 5
    assert {"date", "commit", "processor", "cores", "python", "keras"} <= {*found}
    with pytest.raises(SystemExit, match="is there already. Name another file."):
        command.main()  # nothing is overwritten


def test_the_named_benchmark_alone_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    names = ("views", "waiting")
    fakes = {
        name: partial(lambda name, _: called.append(name) or [], name) for name in names
    }
    monkeypatch.setattr(command, "BENCHMARKS", fakes)
    command.run_all(["waiting"], rounds=1)
    assert called == ["waiting"]
