import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pipeline import artifacts, pace, workdir
from pipeline import benchmark as command
from pipeline.__main__ import main
from pipeline.benchmark import (
    Outcome,
    benchmark,
    preset_and_settings,
    stretch_within,
)
from pipeline.config import make_config
from pipeline.errors import PipelineError
from pipeline.fractions import write_fractions
from pipeline.predict import predict
from pipeline.score import score
from pipeline.settings import Typed, settle
from tests.conftest import TEST_IDS, make_competition, some_fractions
from tests.test_end_to_end import SMALL

SIGMOID = "tiny+train.head=sigmoid"
RUNAWAY = "tiny+train.learning_rate=1e+30+train.warmup=0"


def here(what: str, task: Callable[..., None], *arguments: object) -> bool:
    """Stands in for the process of its own, which takes seconds to start."""
    task(*arguments)
    return True


def nowhere(what: str, *rest: object) -> bool:
    raise AssertionError(f"{what} is done already")


class Bench(NamedTuple):
    """A benchmark that was run: its options, its solutions and what came of it."""

    typed: Typed
    solutions: Path
    outcome: Outcome

    def run_of(self, model: str) -> tuple:
        """The configuration and the work directory of a model, as remembered."""
        return settle(Typed(work=str(Path(self.typed.work) / model)))


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "in_own_process", here)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    place = tmp_path_factory.mktemp("benchmark")
    folder = make_competition(place / "competition")
    solutions = place / "truth.csv"  # of four test galaxies, not in their order
    write_fractions(solutions, TEST_IDS[[4, 1, 2, 0]], some_fractions(4, seed=5))
    typed = Typed(str(place / "bench"), str(folder), set_values=SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "in_own_process", here)
        outcome = benchmark(typed, f"tiny,{SIGMOID}", solutions=solutions)
    return Bench(typed, solutions, outcome)


def test_each_model_has_a_row_after_the_column_means(bench: Bench) -> None:
    rows, failed = bench.outcome
    assert [row.model for row in rows] == ["column means", "tiny", SIGMOID]
    assert failed == []


@pytest.mark.parametrize("place", [1, 2])
def test_an_rmse_is_what_score_says_of_the_submission(
    bench: Bench, place: int, tmp_path: Path
) -> None:
    row = bench.outcome.rows[place]
    _, work = run = bench.run_of(row.model)
    predict(*run)
    with np.load(workdir.predictions_file(work.predictions)) as file:
        write_fractions(tmp_path / "mine.csv", file["ids"], file["fractions"])
    verdict = score(bench.solutions, tmp_path / "mine.csv")
    assert row.num_galaxies == verdict.num_galaxies == 4
    assert row.rmse == pytest.approx(verdict.rmse, abs=1e-6)
    assert row.standard_error == pytest.approx(verdict.standard_error, abs=1e-6)
    assert row.rmse_per_question == pytest.approx(verdict.rmse_per_question, abs=1e-6)


def test_a_row_says_what_its_run_took(bench: Bench) -> None:
    tiny = bench.outcome.rows[1]
    (member,) = artifacts.members(*bench.run_of("tiny"))
    history = workdir.history_file(member.folder).read_text().splitlines()
    seconds = [float(line.split(",")[-1]) for line in history[1:]]
    assert tiny.effort.epochs == (len(seconds),) == (2,)
    assert tiny.effort.seconds == pytest.approx(sum(seconds))
    assert tiny.effort.copies == 8
    # by hand: 16 px, width 4, two blocks, a dense layer, 37 answers
    assert tiny.effort.multiply_adds == (
        108 * 4 * 8 * 8 + (36 + 72) * 8 * 16 + (72 + 144) * 16 * 4 + 16 * 512 + 512 * 37
    )


def test_the_first_model_is_the_measure(bench: Bench) -> None:
    means, tiny, sigmoid = bench.outcome.rows
    assert (tiny.ratio, tiny.ratio_standard_error) == (1, 0)
    assert sigmoid.ratio == pytest.approx(sigmoid.rmse / tiny.rmse)
    assert means.ratio == pytest.approx(means.rmse / tiny.rmse)
    assert means.effort is None


def test_a_second_call_does_nothing_and_says_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "in_own_process", nowhere)
    again = benchmark(bench.typed, f"tiny,{SIGMOID}", solutions=bench.solutions)
    assert again.rows == bench.outcome.rows
    assert again.failed == []


def test_the_table_is_kept_as_markdown_and_json(bench: Bench) -> None:
    folder = Path(bench.typed.work)
    assert "| tiny " in (folder / "benchmark.md").read_text()
    _, tiny, _ = json.loads((folder / "benchmark.json").read_text())
    assert tiny["rmse"] == bench.outcome.rows[1].rmse


@pytest.mark.parametrize(
    ("seconds", "per_epoch", "epochs"),
    [(60, 10, 6), (60, 25, 2), (60, 23, 3), (60, 1000, 1), (0.1, 3, 1)],
)
def test_as_many_epochs_as_come_nearest_to_the_time(
    seconds: float, per_epoch: float, epochs: int
) -> None:
    config = make_config("demo", "tiny")
    stretch = stretch_within(seconds, config.members(), {"": per_epoch})
    (member,) = config.stretched(stretch).members()
    assert member.train.epochs == epochs


def test_minutes_are_shared_out_by_the_epochs_of_each_network(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "seconds_per_epoch", lambda training: 0.25)
    minutes = 2.5 / 60  # twice the 2 epochs of the run's own and the 3 of its partner
    _, row = benchmark(bench.typed, "tiny+train.partners=tiny", minutes).rows
    assert row.effort.epochs == (4, 6)


def test_minutes_set_the_epochs_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MEASURED_SECONDS", 0.05)
    model, minutes = "tiny+train.batch_size=4", 0.01
    _, row = benchmark(bench.typed, model, minutes).rows
    config, work = bench.run_of(model)
    found = artifacts.pace(config, work, minutes).result
    seconds = found["seconds_per_epoch"][""]
    assert seconds > 0
    assert config.train.stretch == found["stretch"]
    assert row.effort.epochs == (max(1, round(60 * minutes / seconds)),)
    monkeypatch.setattr(command, "in_own_process", nowhere)
    _, again = benchmark(bench.typed, model, minutes).rows
    assert again == row
    # without solutions, the galaxies held out were scored
    held_out = artifacts.validation(config, work).result
    assert row.num_galaxies == held_out["num_validation"]
    assert row.rmse == pytest.approx(held_out["validation_rmse"])


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ("tiny,tyni", 'Unknown preset "tyni". Did you mean "tiny"?'),
        ("tiny,tiny+train.epoch=3", 'Unknown setting "train.epoch"'),
        ("tiny,sirressi2020,tiny", '--models has "tiny" twice.'),
    ],
)
def test_models_that_cannot_be_are_refused_before_any_work(
    bench: Bench, tmp_path: Path, models: str, message: str
) -> None:
    with pytest.raises(PipelineError, match=message):
        benchmark(replace(bench.typed, work=str(tmp_path / "bench")), models)
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["lock"]


def test_models_scored_on_other_galaxies_are_refused(bench: Bench) -> None:
    with pytest.raises(
        PipelineError, match=r"tiny would be scored on \d+ .* and tiny.* on \d+ which"
    ):
        benchmark(bench.typed, "tiny,tiny+train.validation_fraction=0.6")


def test_solutions_of_other_galaxies_are_refused(bench: Bench, tmp_path: Path) -> None:
    write_fractions(tmp_path / "o.csv", np.arange(3), some_fractions(3))
    with pytest.raises(PipelineError, match="o.csv has labels of none of the 6 test"):
        benchmark(bench.typed, "tiny", solutions=tmp_path / "o.csv")


def test_settings_follow_a_plus_which_a_number_may_have() -> None:
    assert preset_and_settings("cpu") == ("cpu", [])
    assert preset_and_settings(RUNAWAY) == (
        "tiny",
        ["train.learning_rate=1e+30", "train.warmup=0"],
    )


def type_words(monkeypatch: pytest.MonkeyPatch, bench: Bench, *words: str) -> int:
    sets = [f"--set={key}={value}" for key, value in SMALL.items()]
    where = [f"--work={bench.typed.work}", f"--source={bench.typed.source}"]
    monkeypatch.setattr(sys, "argv", ["./run.sh", "benchmark", *where, *sets, *words])
    return main()


def test_a_model_that_fails_in_its_process_costs_only_its_own_row(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
) -> None:
    monkeypatch.undo()  # here the process is real
    models = f"--models={RUNAWAY},tiny,{SIGMOID}"
    solutions = f"--solutions={bench.solutions}"
    assert type_words(monkeypatch, bench, models, solutions, "--json") == 1
    out, err = capfd.readouterr()
    assert [row["model"] for row in json.loads(out)] == [
        "column means",
        "tiny",
        SIGMOID,
    ]
    assert f"error: {RUNAWAY}: The training ran away" in err
    assert f"error: No score for {RUNAWAY}: the log above says why." in err


def test_a_preset_is_no_option_of_a_comparison(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    assert type_words(monkeypatch, bench, "--models=tiny", "--preset=cpu") == 1
    assert "takes its presets from --models, not --preset" in capfd.readouterr().err
