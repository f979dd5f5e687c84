import csv
import os
from pathlib import Path

import pytest

from pipeline import files
from pipeline.errors import PipelineError
from pipeline.kaggle.ledger import add_to_ledger, lock_of, read_ledger, update_ledger


def test_a_ledger_of_before_the_uploads_is_read_and_added_to(tmp_path: Path) -> None:
    old = "file,sha256,source,preset,validation_rmse,commit,time,my notes\n"
    path = tmp_path / "ledger.csv"
    path.write_text(f"{old}a.csv,aa,demo,cpu,0.1,c,t,keep me\n")
    assert read_ledger(path)[0]["reference"] == ""
    add_to_ledger(path, {"file": "b.csv", "sha256": "bb"})
    update_ledger(path, [{"file": "b.csv", "sha256": "bb", "reference": 7}])
    first, second = read_ledger(path)
    assert (first["preset"], first["my notes"]) == ("cpu", "keep me")
    assert (second["reference"], second["my notes"]) == ("7", "")


def test_an_update_without_news_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    row = {"file": "a.csv", "sha256": "aa", "status": "COMPLETE"}
    update_ledger(path, [row])
    before = path.stat().st_mtime_ns
    update_ledger(path, [row])
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
        ("+1 try", "'+1 try"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("'=1", "''=1"),
        ("'+=1", "''+=1"),
        ("-0.25", "-0.25"),
        ("+1e-3", "+1e-3"),
        ("'quoted'", "'quoted'"),
        ("two\nlines, and a comma", "two\nlines, and a comma"),
    ],
)
def test_no_cell_is_a_formula_and_each_is_read_back_as_it_was(
    tmp_path: Path, cell: str, written: str
) -> None:
    path = tmp_path / "ledger.csv"
    add_to_ledger(path, {"file": "a.csv", "sha256": "aa", "message": cell, cell: "x"})
    with open(path, newline="") as file:
        header, row = csv.reader(file)
    assert row[header.index("message")] == written
    (read,) = read_ledger(path)
    assert (read["message"], read[cell]) == (cell, "x")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("file,sha256,file\na,b,c\n", 'it has 2 columns "file"'),
        ("file,sha256\na\n", "line 2 has fewer cells than the first"),
        ("file,sha256\na,b\n\na,b,c\n", "line 4 has more cells than the first"),
        ("file,sha256\na,\0\n", "it holds NUL bytes"),
        (f"file,sha256\n{'a' * 200_000},b\n", "field larger than field limit (131072)"),
        ('file,sha256\na,"b\n', "unexpected end of data"),
    ],
)
def test_a_damaged_ledger_is_refused_and_left_as_it_is(
    tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(content)
    with pytest.raises(PipelineError) as refusal:
        add_to_ledger(path, {"file": "a.csv", "sha256": "aa"})
    assert str(refusal.value).startswith(f"{path} is not a readable ledger: {reason}.")
    assert path.read_text() == content


def test_a_folder_in_the_place_of_a_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="not a readable ledger: it is not a file"):
        read_ledger(tmp_path)


def test_a_lock_that_somebody_holds_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LONGEST_WAIT", 0.1)
    path = tmp_path / "ledger.csv"
    with (
        files.locked(lock_of(path)),
        pytest.raises(
            PipelineError, match=rf"in use by process {os.getpid()}, and was"
        ),
    ):
        add_to_ledger(path, {"file": "a.csv", "sha256": "aa"})
