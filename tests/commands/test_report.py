import dataclasses
import itertools
import re
import shutil
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.commands.classify import classify
from pipeline.commands.report import report
from pipeline.data.splits import held_out, load_targets
from pipeline.errors import PipelineError
from pipeline.reporting.sections import Expected, extreme_galaxies, standing
from pipeline.runs.contents import load_held_out, submission_csv
from pipeline.runs.graph import Run
from pipeline.runs.paths import plot_file
from tests.finished_run import BAD, words_of
from tests.miniature import TRAIN_IDS

VOID = {"meta", "link", "img", "br"}


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
    assert not read.all("script")
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert len(page) < 6e6


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
    assert any("best epoch RMSE 0.1500 in epoch 2 of 2" in alt for alt in alts)


def test_an_image_left_out_stands_there_with_its_reason(page: str) -> None:
    row = page[page.index(f'<th scope="row">{BAD}</th>') :]
    assert "empty file" in row[:300]
    assert "predicted as the column means" in row[:300]


def test_plots_lie_there_as_png_files_too(page: str, finished: Run) -> None:
    folder = plot_file(finished.report.folder, "any").parent
    names = {path.stem for path in folder.glob("*.png")}
    assert {"learning", "questions", "answers", "density", "calibration"} <= names
    assert {"tree", "shift"} <= names
    assert sum(name.startswith("galaxy_") for name in names) == 3


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


def test_a_run_stands_between_those_it_beats_and_those_it_does_not() -> None:
    found = standing(Expected(0.08, 0.003), comparable=True)
    assert found["place"] == "between 3rd and 9th"
    assert found["place_note"] == (
        "by the RMSE expected on the test set, 0.0800 ± 0.0030: from “2nd (after "
        "0.07492)” to “after 9th (0.08246)”"
    )
    assert [row["who"] for row in found["standings"]] == [
        "1st of 2014",
        "2nd of 2014",
        "3rd of 2014",
        "this run, expected",
        "9th of 2014",
        "central pixel benchmark",
    ]


def test_other_test_galaxies_than_kaggles_have_no_place(page: str) -> None:
    found = standing(Expected(0.08, 0.003), comparable=False)
    assert found["place"] == "not comparable"
    assert all(not row["ours"] for row in found["standings"])
    assert "<dd>not comparable <small>these test galaxies are not" in page
    unknown = standing(None, comparable=True)
    assert unknown["place"] == "unknown"
    assert all(not row["ours"] for row in unknown["standings"])


def test_the_surest_galaxy_of_an_answer_is_shown_for_it() -> None:
    fractions = np.zeros((3, 37))
    fractions[2, 2] = 0.9  # Class1.3
    found = extreme_galaxies(np.array([7, 8, 9]), fractions)
    assert found[2] == (9, "Smooth, or features? star or artifact, 0.90")
