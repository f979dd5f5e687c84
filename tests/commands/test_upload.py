"""The upload, by the real Kaggle client, to a stand-in on loopback."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.commands import upload as module
from pipeline.data.tables import write_fractions
from pipeline.files import file_digest, locked
from pipeline.kaggle.ledger import add_to_ledger, read_ledger
from pipeline.runs.graph import Run
from pipeline.runs.paths import PROJECT, SPLITS, SubmissionsDir, WorkDir
from pipeline.runs.receipts import making
from pipeline.settings.schema import make_settings
from tests.kaggle_shell import IMPATIENT, Shell
from tests.kaggle_stand_in import RULES, SECRETS, TOKEN, StandIn, Verdict
from tests.miniature import TEST_IDS, some_fractions


@pytest.fixture
def csv(shell: Shell, stand_in: StandIn) -> Path:
    """A submission to the miniature competition, with its line in the ledger."""
    assert shell.download() == 0
    path = shell.submissions / "kaggle-tiny-1a2b3c4d.csv"
    path.parent.mkdir()
    write_fractions(path, TEST_IDS, some_fractions(6))
    note(shell, path)
    stand_in.calls.clear()
    return path


def note(shell: Shell, path: Path, source: str = "kaggle") -> None:
    row = {"file": path.name, "sha256": file_digest(path), "source": source}
    row |= {"preset": "tiny", "validation_rmse": "0.07800"}
    add_to_ledger(ledger_of(shell), row)


def ledger_of(shell: Shell) -> Path:
    return SubmissionsDir(shell.submissions).ledger


def row_of(shell: Shell, path: Path) -> dict[str, str]:
    rows = read_ledger(ledger_of(shell))
    return [row for row in rows if row["file"] == path.name][-1]


def tag(path: Path) -> str:
    return f"[sha {file_digest(path)[:12]}]"


def send(shell: Shell, path: Path, *words: str, **settings: float) -> int:
    return shell.type("upload", str(path), "--source=kaggle", *words, **settings)


def test_a_submission_is_uploaded_and_its_scores_are_kept(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.verdict = Verdict(looks=3)
    assert send(shell, csv, "--message", "first try") == 0
    assert shell.out == (
        f"{csv.name}, reference 1000: COMPLETE, public 0.07801, private 0.07811, "
        "in 2014: 3rd (after 0.07753)\n"
    )
    assert "uploads today: 1; left: 4, this one included" in shell.err
    row = row_of(shell, csv)
    assert row["reference"] == "1000"
    assert row["status"] == "COMPLETE"
    assert (row["public_score"], row["private_score"]) == ("0.07801", "0.07811")
    assert (row["preset"], row["validation_rmse"]) == ("tiny", "0.07800")
    (entry,) = stand_in.submissions
    assert entry["description"] == f"first try {tag(csv)}"
    assert entry["fileName"] == csv.name
    assert list(stand_in.uploads.values()) == [csv.read_bytes()]
    assert stand_in.leaks == []


def test_the_work_directorys_submission_is_the_default(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    finish(shell, csv)
    assert shell.type("upload", "--source=kaggle", "--preset=tiny") == 0
    assert stand_in.submissions[0]["fileName"] == csv.name
    assert stand_in.submissions[0]["description"] == f"{csv.stem} {tag(csv)}"


def finish(shell: Shell, path: Path) -> None:
    """Gives the work directory a receipt for a submission."""
    folder = {"export.folder": str(shell.submissions)}
    run = Run(make_settings("kaggle", "tiny", folder), WorkDir(shell.work))
    for item in (*map(run.shards, SPLITS), *run.members, run.held_out, run.predictions):
        with making(item):
            pass
    with making(run.submission) as made:
        made.result |= {"csv": path.name, "sha256": file_digest(path)}


def test_without_a_submission_the_stage_to_run_is_named(
    shell: Shell,
    stand_in: StandIn,
) -> None:
    assert shell.type("upload", "--source=kaggle") == 1
    command = f"./run.sh download --source=kaggle --work {shell.work}"
    assert shell.error().endswith(f'is missing. Run "{command}" first.')
    assert not stand_in.calls


def test_a_demo_submission_is_refused_even_by_force(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    demo = csv.with_name("demo.csv")
    write_fractions(demo, TEST_IDS, some_fractions(6, seed=1))
    note(shell, demo, "demo")
    assert send(shell, demo, "--force") == 1
    assert shell.error().startswith(f"{demo} is of the DEMO SKY: Kaggle knows none")
    assert not stand_in.calls


def test_a_stand_in_on_this_machine_takes_the_demo_sky(
    shell: Shell, stand_in: StandIn, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("HTTP_PROXY", stand_in.url)
    demo = csv.with_name("demo.csv")
    write_fractions(demo, TEST_IDS, some_fractions(6, seed=1))
    note(shell, demo, "demo")
    assert send(shell, demo) == 0
    assert "a stand-in for Kaggle on this machine is asked, not Kaggle" in shell.err


def test_what_was_checked_is_what_is_sent(
    shell: Shell, stand_in: StandIn, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = csv.read_bytes()
    send_as_before = module.send_unless_sent

    def change_and_send(*given: Any) -> None:
        csv.write_text("other values")
        send_as_before(*given)

    monkeypatch.setattr(module, "send_unless_sent", change_and_send)
    assert send(shell, csv) == 0
    assert list(stand_in.uploads.values()) == [checked]
    assert stand_in.submissions[0]["fileName"] == csv.name
    digest = hashlib.sha256(checked).hexdigest()
    assert stand_in.submissions[0]["description"].endswith(f"[sha {digest[:12]}]")


def test_what_is_wrong_with_a_file_is_told_by_its_own_path(
    shell: Shell, stand_in: StandIn, csv: Path
) -> None:
    csv.write_text("")
    assert send(shell, csv) == 1
    assert shell.error().startswith(f"{csv} ")
    assert send(shell, csv.with_name("none.csv")) == 1
    assert shell.error() == f"{csv.with_name('none.csv')} does not exist."


def test_words_of_the_server_move_no_cursor(
    shell: Shell, stand_in: StandIn, csv: Path
) -> None:
    stand_in.verdict = Verdict("ERROR", error="no\x1b[2J\nerror: all is lost")
    assert send(shell, csv) == 1
    assert "no\\x1b[2J\\nerror: all is lost" in shell.error()
    assert "\x1b" not in shell.err


def test_a_score_that_is_no_number_is_shown_without_a_place(
    shell: Shell, stand_in: StandIn, csv: Path
) -> None:
    stand_in.verdict = Verdict(private="soon")
    assert send(shell, csv) == 0
    assert shell.out.endswith("COMPLETE, public 0.07801, private soon\n")


def fractions_with(value: float) -> np.ndarray:
    fractions = some_fractions(6)
    fractions[2, 1] = value
    return fractions


@pytest.mark.parametrize(
    ("ids", "fractions", "line"),
    [
        (TEST_IDS, fractions_with(1.5), "has values outside 0 to 1 for 1 galaxies, th"),
        (TEST_IDS[:5], some_fractions(5), "differ in 1 galaxies, the first being 2000"),
        (TEST_IDS + 7, some_fractions(6), "Is it a submission to this competition?"),
        (TEST_IDS, fractions_with(np.nan), 'line 4 has "" for Class1.2'),
    ],
)
def test_what_fails_validation_is_refused(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
    ids: np.ndarray,
    fractions: np.ndarray,
    line: str,
) -> None:
    write_fractions(csv, ids, fractions)
    assert send(shell, csv, "--force") == 1
    assert line in shell.error()
    assert not stand_in.calls


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda text: "\ufeff" + text, "begins with other signs than Kaggle's header"),
        (lambda text: text.replace("Galaxy", "GALAXY"), "begins with other signs than"),
        (lambda text: text.replace("200002,", "200002.0,"), 'has the id "200002.0"'),
        (lambda text: text.replace("200002,", " 200002,"), 'has the id " 200002"'),
    ],
)
def test_what_kaggle_may_not_read_is_refused(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
    change: Callable[[str], str],
    line: str,
) -> None:
    write_fractions(csv, TEST_IDS, some_fractions(6))
    csv.write_text(change(csv.read_text()), encoding="utf-8")
    assert send(shell, csv, "--force") == 1
    assert line in shell.error()
    assert not stand_in.calls


def test_without_the_test_ids_the_number_of_rows_is_checked(
    shell: Shell,
    stand_in: StandIn,
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.csv"
    write_fractions(path, TEST_IDS, some_fractions(6))
    assert send(shell, path) == 1
    assert shell.error() == (
        f"{path} has 6 rows; Kaggle wants 79975, one for each test galaxy."
    )


def test_a_broken_tree_is_warned_of_and_uploaded(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    write_fractions(csv, TEST_IDS, fractions_with(0.001))
    assert send(shell, csv) == 0
    assert "breaks the decision tree at 1 galaxies, the first being 200002" in shell.err
    assert len(stand_in.submissions) == 1


def test_a_second_upload_is_refused_unless_forced(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    send(shell, csv)
    assert send(shell, csv) == 1
    assert shell.error() == (
        f"{csv.name} is uploaded already, as reference 1000: public 0.07801, private "
        "0.07811. --force uploads it again."
    )
    assert len(stand_in.submissions) == 1
    assert send(shell, csv, "--force") == 0
    assert len(stand_in.submissions) == 2
    first, second = read_ledger(ledger_of(shell))
    assert (first["reference"], first["private_score"]) == ("1000", "0.07811")
    assert (second["reference"], second["private_score"]) == ("1001", "0.07811")
    assert (second["preset"], second["validation_rmse"]) == ("tiny", "0.07800")


def test_a_forced_upload_that_is_not_waited_for_keeps_the_known_score(
    shell: Shell, stand_in: StandIn, csv: Path
) -> None:
    send(shell, csv)
    assert send(shell, csv, "--force", "--wait", "0") == 0
    first, second = read_ledger(ledger_of(shell))
    assert (first["status"], first["public_score"]) == ("COMPLETE", "0.07801")
    assert (second["status"], second["public_score"]) == ("PENDING", "")


@pytest.mark.parametrize("by", ["digest", "name"])
def test_an_upload_from_elsewhere_is_found_in_kaggles_list(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
    by: str,
) -> None:
    if by == "digest":
        stand_in.submit("another_name.csv", f"from another machine {tag(csv)}")
    else:
        stand_in.submit(csv.name, "by the web site")
    for number in range(150):  # it is on the list's second page
        stand_in.submit(f"other{number}.csv", "other [sha 0123456789ab]")
    stand_in.verdict = Verdict(private="0.07450")
    assert send(shell, csv) == 1
    assert "is uploaded already, as reference 1000: public" in shell.error()
    assert len(stand_in.submissions) == 151
    assert row_of(shell, csv)["private_score"] == "0.07450"


def test_no_uploads_left_is_told_before_uploading(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.limits = {"numToday": 5, "numTotal": 9, "numAllowedNow": 0}
    assert send(shell, csv) == 1
    assert shell.error().startswith(
        "No uploads are left today: Kaggle counts 5. The next day begins at 00:00 UTC"
    )
    assert stand_in.calls["StartSubmissionUpload"] == 0


def test_a_limit_that_kaggle_does_not_tell_stops_nothing(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.goes_wrong("GetSubmissionLimits", status=404)
    assert send(shell, csv) == 0
    assert "Kaggle does not say how many uploads are left today" in shell.err


def test_an_error_verdict_is_a_failure_with_kaggles_reason(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.verdict = Verdict(
        "ERROR", error="Evaluation: row 3 has no value.", looks=2
    )
    assert send(shell, csv) == 1
    assert shell.error() == (
        f"{csv.name}, reference 1000: Kaggle's verdict is ERROR: Evaluation: row 3 has "
        "no value."
    )
    row = row_of(shell, csv)
    assert (row["status"], row["private_score"]) == ("ERROR", "")
    assert send(shell, csv) == 1
    assert "Kaggle's verdict was ERROR (Evaluation: row 3 has no value.)" in shell.err


def test_a_verdict_that_stays_pending_is_asked_for_by_the_same_command(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.verdict.looks = 10**9
    assert send(shell, csv, "--wait=0.1") == 0
    command = f"./run.sh upload {csv} --work {shell.work}"
    assert f'still PENDING. "{command}" asks for the verdict' in shell.out
    assert row_of(shell, csv)["status"] == "PENDING"
    stand_in.verdict.looks = 0
    assert send(shell, csv) == 0
    assert "it is not uploaded again" in shell.err
    assert "COMPLETE, public 0.07801, private 0.07811" in shell.out
    assert len(stand_in.submissions) == 1
    assert row_of(shell, csv)["status"] == "COMPLETE"


def test_wait_0_does_not_wait(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    assert send(shell, csv, "--wait=0", poll_interval=60) == 0
    assert row_of(shell, csv)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("where", "fault", "line"),
    [
        ("upload", {"status": 403}, "the storage did not take the file"),
        ("upload", {"stall": 0}, "the storage did not take the file"),
        ("StartSubmissionUpload", {"status": 500}, "Kaggle has a server error (500)."),
        ("CreateSubmission", {"status": 400, "message": "Too late"}, "(400: Too late)"),
        ("ListSubmissions", {"status": 403, "message": "rules"}, RULES),
    ],
)
def test_an_upload_that_fails_is_a_failure_and_can_be_repeated(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
    where: str,
    fault: dict,
    line: str,
) -> None:
    stand_in.goes_wrong(where, **fault, times=3)
    assert send(shell, csv, **(IMPATIENT if "stall" in fault else {})) == 1
    assert line in shell.error()
    assert stand_in.submissions == []
    assert row_of(shell, csv)["reference"] == ""
    stand_in.faults.clear()
    assert send(shell, csv) == 0
    assert len(stand_in.submissions) == 1


def test_a_storage_that_stumbles_is_tried_again(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.goes_wrong("upload", status=503, times=2)
    assert send(shell, csv) == 0
    assert len(stand_in.submissions) == 1


def test_a_verdict_that_cannot_be_read_hides_no_upload(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.goes_wrong("ListSubmissions", times=1)  # reconciling works
    stand_in.goes_wrong("ListSubmissions", status=500, times=3)
    assert send(shell, csv) == 1
    assert shell.error() == (
        f"{csv.name}, reference 1000, is uploaded, but its verdict could not be read. "
        "Kaggle has a server error (500). Run it again in some minutes."
    )
    assert row_of(shell, csv)["status"] == "PENDING"
    assert send(shell, csv) == 0
    assert len(stand_in.submissions) == 1


def test_wait_may_stand_alone_and_tells_a_file_from_seconds(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    assert send(shell, csv, "--wait") == 0
    assert shell.type("upload", "--wait", str(csv)) == 2
    assert "a FILE goes before it" in shell.error()
    assert send(shell, csv, "--wait=-1") == 1
    assert shell.error() == "--wait takes a number of seconds. Got -1.0."


def test_an_answer_that_is_lost_is_no_second_upload(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.goes_wrong("CreateSubmission", lose_answer=True)
    assert send(shell, csv) == 0
    assert "The answer to the upload was lost, but Kaggle lists it." in shell.err
    assert "COMPLETE" in shell.out
    assert len(stand_in.submissions) == 1


def test_a_crash_after_the_upload_is_no_second_upload(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.goes_wrong("ListSubmissions", times=1)  # the first look finds nothing
    stand_in.goes_wrong("CreateSubmission", lose_answer=True)
    stand_in.goes_wrong("ListSubmissions", stall=0)
    env = {name: os.environ[name] for name in ("PATH", "HOME")}
    env |= {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": stand_in.url}
    command = [sys.executable, "-m", "pipeline", "upload", str(csv), "--source=kaggle"]
    process = subprocess.Popen(
        [*command, f"--work={shell.work}", f"--set=export.folder={shell.submissions}"],
        env=env | {"KAGGLE_API_TOKEN": TOKEN},
        cwd=PROJECT,
        stderr=subprocess.DEVNULL,
    )
    while not stand_in.submissions:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert row_of(shell, csv)["status"] == "UPLOADING"
    stand_in.faults.clear()
    assert send(shell, csv) == 0
    assert "it is not uploaded again" in shell.err
    assert "reference 1000: COMPLETE" in shell.out
    assert len(stand_in.submissions) == 1


def test_two_uploads_at_once_are_refused(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    with locked(SubmissionsDir(shell.submissions).upload_lock):
        assert send(shell, csv) == 1
    assert "is in use by process" in shell.error()


def test_old_rows_that_were_pending_are_brought_up_to_date(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    stand_in.verdict.looks = 10**9
    send(shell, csv, "--wait=0")
    stand_in.verdict.looks = 0
    other = csv.with_name("other.csv")
    write_fractions(other, TEST_IDS, some_fractions(6, seed=2))
    assert send(shell, other) == 0
    assert row_of(shell, csv)["status"] == "COMPLETE"
    assert row_of(shell, other)["reference"] == "1001"


def test_no_secret_gets_into_the_ledger(
    shell: Shell,
    stand_in: StandIn,
    csv: Path,
) -> None:
    send(shell, csv)
    text = ledger_of(shell).read_text()
    assert not any(secret in text for secret in SECRETS)
