import csv
import dataclasses
import itertools
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.commands.classify import classify
from pipeline.commands.report import report
from pipeline.data.splits import held_out, load_targets
from pipeline.data.tree import QUESTIONS, answer_slice
from pipeline.errors import PipelineError
from pipeline.reporting.sections.overview import header
from pipeline.runs.contents import load_held_out, load_predictions, submission_csv
from pipeline.runs.graph import Run
from pipeline.runs.paths import WorkDir, numbers_file, plot_file, receipt_file
from pipeline.runs.receipts import save_receipt
from pipeline.settings.schema import make_settings
from tests.finished_run import BAD, QUICK, predict_untrained, words_of
from tests.miniature import SMALL, TRAIN_IDS

VOID = {"meta", "link", "img", "br", "input"}
PLOTS = {"learning", "loss", "learning_rate", "questions", "answers"} | {
    *("density", "calibration", "tree", "shift")
}


class Reader(HTMLParser):
    """Every element's name and attributes; complains of what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(finished: Run) -> str:
    shutil.rmtree(finished.classification.folder, ignore_errors=True)
    report(finished)
    return finished.work.page.read_text(encoding="utf-8")


def test_the_page_holds_all_it_shows(page: str) -> None:
    read = Reader(page)
    sources = [attributes["src"] for attributes in read.all("img")]
    assert len(sources) > 20  # plots, galaxies, crops
    assert all(source.startswith("data:image/") for source in sources)
    assert all("src" not in attributes for attributes in read.all("script"))
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert len(page) < 1e6


def test_the_page_can_be_read_without_eyes_or_mouse(page: str) -> None:
    read = Reader(page)
    assert read.all("html")[0]["lang"] == "en"
    assert all(attributes["alt"] for attributes in read.all("img"))
    assert all("scope" in attributes for attributes in read.all("th"))
    assert len(read.all("h1")) == len(read.all("main")) == 1
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in read.all("a"):
        assert attributes["href"].removeprefix("#") in ids
    for attributes in read.all("section"):
        assert attributes["aria-labelledby"] in ids


def test_headings_skip_no_level(page: str) -> None:
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    for earlier, later in itertools.pairwise(levels):
        assert later <= earlier + 1


def test_plots_tell_their_main_number(page: str, finished: Run) -> None:
    data = load_held_out(finished.held_out)
    worst = np.sqrt(((data.fractions - data.targets) ** 2).mean(axis=0)).max()
    alts = [attributes["alt"] for attributes in Reader(page).all("img")]
    assert any(
        f"each of the 37 answers. The largest is {worst:.3f}" in alt for alt in alts
    )
    assert any("epoch RMSE 0.1500 in epoch 2 of 2" in alt for alt in alts)


def test_an_image_left_out_stands_there_with_its_reason(page: str) -> None:
    row = page[page.index(f'<th scope="row">{BAD}</th>') :]
    assert "empty file" in row[:300]
    assert "predicted as the training column means" in row[:300]


def test_plots_lie_there_as_files_with_their_numbers(page: str, finished: Run) -> None:
    folder = plot_file(finished.report.folder, "any").parent
    assert {path.stem for path in folder.glob("*.svg")} == PLOTS
    assert {path.stem for path in folder.glob("*.csv")} == PLOTS | {"galaxies"}
    for name in PLOTS | {"galaxies"}:
        assert f"{name}.csv</span>" in page
    assert str(folder.relative_to(finished.work.root)) in page


def numbers_of(run: Run, name: str) -> list[dict[str, str]]:
    with open(numbers_file(run.report.folder, name), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_numbers_beside_a_plot_are_those_it_shows(page: str, finished: Run) -> None:
    data = load_held_out(finished.held_out)
    rows = numbers_of(finished, "answers")
    assert [rows[0]["answer"], rows[36]["answer"]] == ["Class1.1", "Class11.6"]
    by_hand = np.sqrt(((data.fractions - data.targets) ** 2).mean(axis=0))
    np.testing.assert_allclose([float(row["rmse"]) for row in rows], by_hand, 1e-5)
    means = [float(row["volunteers"]) for row in numbers_of(finished, "tree")]
    np.testing.assert_allclose(means, data.targets.mean(axis=0), 1e-5)
    curve = numbers_of(finished, "loss")
    assert [(row["epoch"], row["loss"]) for row in curve] == [
        ("1", "0.1"),
        ("2", "0.05"),
    ]


def test_the_header_says_what_made_the_run(page: str, finished: Run) -> None:
    made = finished.predictions.receipt["made"]
    top = page[: page.index("<main>")]
    for word in (finished.digest, made["at"][:10], made["commit"], made["processor"]):
        assert word in top
    assert f"Galaxy Zoo: competition, preset {finished.settings.preset}" in top


def test_what_an_earlier_version_did_not_note_is_said_to_be_so(
    finished: Run, tmp_path: Path
) -> None:
    work = shutil.copytree(finished.work.root, tmp_path / "work")
    run = dataclasses.replace(finished, work=WorkDir(work))
    receipt = run.predictions.receipt
    del receipt["made"]["commit"]
    save_receipt(run.predictions.folder, receipt)
    (member,) = run.members
    assert header(run)["commits"] == [member.receipt["made"]["commit"], "not noted"]


def test_no_answer_is_marked_unless_it_is_no_better(page: str, finished: Run) -> None:
    rows = numbers_of(finished, "answers")
    marked = sum(row["better_than_baseline"] == "False" for row in rows)
    answers = page[page.index("Every answer in numbers") :]
    answers = answers[: answers.index("</details>")]
    assert answers.count("no better") == marked > 0
    assert f"{marked} of 37 answers" in page
    num_galaxies = len(load_held_out(finished.held_out).ids)
    assert f"of how many of the {num_galaxies} validation galaxies" in page


def test_a_galaxy_shows_its_five_largest_errors_and_folds_the_rest(
    page: str, finished: Run
) -> None:
    data = load_held_out(finished.held_out)
    card = page[page.index('<article class="galaxy') : page.index("</article>")]
    shown, folded = card.split("<details>")
    assert (shown.count('<th scope="row">'), folded.count('<th scope="row">')) == (
        5,
        32,
    )
    galaxy = int(re.search(r"<h4>(\d+), RMSE", card)[1])
    gaps = np.abs(data.fractions - data.targets)[data.ids == galaxy][0]
    column = int(gaps.argmax())
    question = next(
        question
        for question in QUESTIONS
        if column in range(37)[answer_slice(question)]
    )
    answer = question.answers[column - answer_slice(question).start]
    first = re.search('<th scope="row">(.*?)</th>', shown)[1]
    assert first.replace("&#39;", "'") == f"{question.text} {answer}"


def test_every_validation_galaxy_is_in_the_table(page: str, finished: Run) -> None:
    data = load_held_out(finished.held_out)
    content = json.loads(re.search('id="galaxy-data">(.*?)</script>', page)[1])
    rows = content["rows"]
    assert sorted(row[0] for row in rows) == data.ids.tolist()
    by_hand = np.sqrt(((data.fractions - data.targets) ** 2).mean(axis=1))
    rmse = dict(zip(data.ids.tolist(), by_hand, strict=True))
    for galaxy, error, *places in rows:
        assert error == pytest.approx(rmse[galaxy], abs=5e-5)
        assert places[1] in range(len(content["classes"]))
        assert places[2] in range(37)
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    assert len(content["answers"]) == 37


def test_validation_predictions_are_those_of_the_held_out_galaxies(
    finished: Run,
) -> None:
    data = load_held_out(finished.held_out)
    chosen = held_out(TRAIN_IDS, finished.settings.train, fold=0)
    assert data.ids.tolist() == TRAIN_IDS[chosen].tolist()
    solutions = finished.raw.file("solutions")
    np.testing.assert_array_equal(data.targets, load_targets(solutions, data.ids))
    result = finished.held_out.result
    by_hand = np.sqrt(np.mean((data.fractions - data.targets) ** 2))
    assert result["validation_rmse"] == pytest.approx(by_hand)


def test_a_report_before_predictions_names_the_stage_to_run(ready: Run) -> None:
    with pytest.raises(PipelineError, match='is missing. Run "./run.sh train --work'):
        report(ready)
    assert ready.report.state == "missing"


def test_a_report_again_changes_nothing(page: str, finished: Run) -> None:
    before = finished.work.page.stat().st_mtime_ns
    report(finished)
    assert finished.work.page.stat().st_mtime_ns == before


def test_the_three_classes_join_the_page(page: str, finished: Run) -> None:
    assert "Not computed yet" in page
    classify(finished)
    run = dataclasses.replace(finished)
    assert run.report.state == "missing"
    report(run)
    later = finished.work.page.read_text(encoding="utf-8")
    Reader(later)
    assert "Not computed yet" not in later
    assert '<th scope="row">logistic regression</th>' in later


def test_the_command_writes_a_missing_page_and_ends_with_its_path(
    page: str,
    finished: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    words = ["./run.sh", "report", *words_of(finished)]
    finished.work.page.unlink()
    monkeypatch.setattr(sys, "argv", words)
    assert main() == 0
    assert capsys.readouterr().out == f"{finished.work.page}\n"
    assert finished.work.page.exists()


def test_a_failing_report_never_costs_the_submission(
    finished: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no ink")

    monkeypatch.setattr("pipeline.commands.report.report", fail)
    words = ["./run.sh", "all", *words_of(finished), "--set=report.make=true"]
    monkeypatch.setattr(sys, "argv", words)
    assert main() == 0
    said = capsys.readouterr()
    path = submission_csv(finished)
    assert said.out == f"{path}\n"
    assert path.exists()
    assert "no report, by our mistake" in said.err
    assert "no ink" in said.err


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on the demo sky, its network untrained, with its page."""
    place = tmp_path_factory.mktemp("demo")
    sky = {"demo.num_train": 20, "demo.num_test": 4}
    folder = {"export.folder": str(place / "submissions")}
    run = Run(
        make_settings("demo", "tiny", SMALL | QUICK | sky | folder),
        WorkDir(place / "work"),
    )
    predict_untrained(run)
    report(run)
    return run


def test_a_page_of_rendered_galaxies_says_so(page: str, demo: Run) -> None:
    told = "its scores say nothing about real galaxies"
    assert told in demo.work.page.read_text(encoding="utf-8")
    assert told not in page


def test_the_test_rmse_of_the_demo_sky_is_known(page: str, demo: Run) -> None:
    ids, fractions = load_predictions(demo.predictions)
    truth = np.loadtxt(demo.raw.file("truth"), delimiter=",", skiprows=1)
    np.testing.assert_array_equal(truth[:, 0], ids)
    by_hand = np.sqrt(np.mean((fractions - truth[:, 1:]) ** 2))
    shown = demo.work.page.read_text(encoding="utf-8")
    assert f"<dt>Test RMSE</dt><dd>{by_hand:.4f} <small>±" in shown
    assert "Test RMSE" not in page


def test_a_report_rewrites_nothing_that_it_reads(demo: Run) -> None:
    begun = plot_file(demo.report.folder, "learning").stat().st_mtime_ns
    for item in (demo.raw, demo.held_out, demo.predictions, *demo.members):
        assert receipt_file(item.folder).stat().st_mtime_ns < begun
        assert item.is_done
