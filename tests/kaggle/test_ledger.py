from pathlib import Path

from pipeline.kaggle.ledger import add_to_ledger, read_ledger, update_ledger


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
