from pipeline.commands.leaderboard import describe, leaderboard
from pipeline.kaggle.ledger import FIELDS, update_ledger
from pipeline.runs.graph import Run


def row(file: str, **known: str) -> dict[str, str]:
    return dict.fromkeys(FIELDS, "") | {"file": file, "sha256": f"of {file}"} | known


def test_an_empty_ledger_says_how_to_fill_it(run: Run) -> None:
    command = f"./run.sh all --work {run.work.root}"
    assert describe(leaderboard(run)).endswith(f'is empty. "{command}" adds a line.')


def test_every_submission_has_a_line_the_best_first(run: Run) -> None:
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
    folder = run.submissions.root
    update_ledger(run.submissions.ledger, rows)
    assert [line.split() for line in describe(leaderboard(run)).splitlines()] == [
        line.split()
        for line in (
            "file preset validation expected public private "
            "private - validation in 2014",
            "best.csv gpu 0.07500 0.07700 0.07510 +0.00010 2nd (after 0.07492)",
            "good.csv gpu 0.08000 0.07700 0.07990 -0.00010 between 3rd and 9th",
            "demo.csv cpu 0.11000 demo, not for Kaggle",
            "new.csv cpu 0.10000 0.10500 not uploaded",
            "open.csv PENDING",
            f'open.csv has no verdict yet: "./run.sh upload {folder}/open.csv --work '
            f'{run.work.root}" asks for it',
        )
    ]
