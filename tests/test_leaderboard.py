from pathlib import Path

import pytest

from pipeline.config import Config, make_config
from pipeline.leaderboard import leaderboard
from pipeline.ledger import FIELDS, add_to_ledger, read_ledger, update_ledger
from pipeline.standings import place_2014
from pipeline.workdir import WorkDir


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config("demo", "tiny", {"export.folder": str(tmp_path)})


def row(file: str, **known: str) -> dict[str, str]:
    return dict.fromkeys(FIELDS, "") | {"file": file, "sha256": f"of {file}"} | known


def test_an_empty_ledger_says_how_to_fill_it(config: Config, work: WorkDir) -> None:
    assert leaderboard(config, work).endswith('is empty. "./run.sh all" adds a line.')


def test_every_submission_has_a_line_the_best_first(
    config: Config, work: WorkDir, tmp_path: Path
) -> None:
    done = {"preset": "gpu", "status": "COMPLETE", "public_score": "0.07700"}
    rows = [
        row("demo.csv", source="demo", preset="cpu", validation_rmse="0.11000"),
        row(
            *("new.csv",),
            **{"source": "kaggle", "preset": "cpu", "validation_rmse": "0.10000"},
            expected_rmse="0.10500",
        ),
        row("good.csv", validation_rmse="0.08000", private_score="0.07990", **done),
        row("best.csv", validation_rmse="0.07500", private_score="0.07510", **done),
        row("open.csv", status="PENDING", reference="12"),
    ]
    update_ledger(tmp_path, rows)
    assert [line.split() for line in leaderboard(config, work).splitlines()] == [
        line.split()
        for line in (
            "file preset validation expected public private "
            "private - validation in 2014",
            "best.csv gpu 0.07500 0.07700 0.07510 +0.00010 2nd (after 0.07492)",
            "good.csv gpu 0.08000 0.07700 0.07990 -0.00010 between 3rd and 9th",
            "demo.csv cpu 0.11000 demo, not for Kaggle",
            "new.csv cpu 0.10000 0.10500 not uploaded",
            "open.csv PENDING",
            f'open.csv has no verdict yet: "./run.sh upload {tmp_path}/open.csv" asks '
            "for it",
        )
    ]


@pytest.mark.parametrize(
    ("score", "place"),
    [
        (0.0725, "1st (the winner had 0.07492)"),
        (0.07492, "1st (the winner had 0.07492)"),
        (0.0760, "2nd (after 0.07492)"),
        (0.0780, "3rd (after 0.07753)"),
        (0.0800, "between 3rd and 9th"),
        (0.1018, "after 9th (0.08246)"),
        (0.1640, "behind the central pixel benchmark (0.1619)"),
    ],
)
def test_a_score_has_its_place_in_2014(score: float, place: str) -> None:
    assert place_2014(score) == place


def test_a_ledger_of_before_the_uploads_is_read_and_added_to(tmp_path: Path) -> None:
    old = "file,sha256,source,preset,validation_rmse,commit,time,my notes\n"
    path = tmp_path / "ledger.csv"
    path.write_text(f"{old}a.csv,aa,demo,cpu,0.1,c,t,keep me\n")
    assert read_ledger(tmp_path)[0]["reference"] == ""
    add_to_ledger(tmp_path, {"file": "b.csv", "sha256": "bb"})
    update_ledger(tmp_path, [{"file": "b.csv", "sha256": "bb", "reference": 7}])
    first, second = read_ledger(tmp_path)
    assert (first["preset"], first["my notes"]) == ("cpu", "keep me")
    assert (second["reference"], second["my notes"]) == ("7", "")


def test_an_update_without_news_leaves_the_file_alone(tmp_path: Path) -> None:
    update_ledger(tmp_path, [row("a.csv", status="COMPLETE")])
    before = (tmp_path / "ledger.csv").stat().st_mtime_ns
    update_ledger(tmp_path, [row("a.csv", status="COMPLETE")])
    assert (tmp_path / "ledger.csv").stat().st_mtime_ns == before
