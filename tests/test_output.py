"""What is printed and logged: in one line, visible, and in the output's encoding."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.kaggle.ledger import FIELDS, write_ledger
from pipeline.output import some_of, visible, visible_json
from pipeline.runs.paths import PROJECT
from tests.terminal import Terminal


def start(words: list[str], **env: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\nerror: b\r\t", "a\\nerror: b\\r\\t"),
        ("\x9b31m\u202egpj", "\\x9b31m\\u202egpj"),
        ("\udcff", "\\xff"),
        ("± Ω 東", "± Ω 東"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("", "none"),
        ("a", "a"),
        ("ab", "a and b"),
        ("abc", "a, b and c"),
        ("abcd", "a, b, c and 1 more"),
    ],
)
def test_of_many_names_a_line_has_the_first_few(names: str, text: str) -> None:
    assert some_of(names) == text


def test_json_keeps_its_lines_and_spells_the_rest_as_json_does() -> None:
    assert visible_json('{\n "a": "\x9b\u202e"\n}') == '{\n "a": "\\u009b\\u202e"\n}'


def test_no_escape_sequence_of_a_mistyped_word_reaches_the_terminal(
    terminal: Terminal,
) -> None:
    for words in (
        ["\x1b[31mred"],
        ["status", "\x1b[31mred"],
        ["upload", "--wait=\x1b"],
    ):
        assert terminal.type_anywhere(*words) == 2
        assert "\x1b" not in terminal.err
        assert "\\x1b" in terminal.err


def test_a_name_with_line_ends_begins_no_line(terminal: Terminal) -> None:
    assert terminal.type("status", "--source=no\nerror: all is lost") == 2
    assert len(terminal.err.splitlines()) == 1


def test_a_ledger_from_somebody_else_moves_no_cursor(terminal: Terminal) -> None:
    row = dict.fromkeys(FIELDS, "") | {"file": "\x1b[2J.csv", "sha256": "aa"}
    row |= {"status": "PENDING\nfake.csv  COMPLETE"}
    write_ledger(terminal.submissions / "ledger.csv", [row])
    words = ("--source=demo", f"--set=export.folder={terminal.submissions}")
    assert terminal.type("leaderboard", *words) == 0
    assert "\x1b" not in terminal.out
    assert "\\x1b[2J.csv" in terminal.out
    assert "\nfake" not in terminal.out
    assert terminal.type("leaderboard", "--json", *words) == 0
    assert "\x1b" not in terminal.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_replaced(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.output import LOG, say, start_logging

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in "12")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    start_logging()
    say("0.1 ± 0.2 → 東")
    LOG.warning("東 ±")
    err.flush()
    sign = "+-" if encoding == "ascii" else "±"
    assert out.buffer.getvalue().decode(encoding) == f"0.1 {sign} 0.2 -> \\u6771\n"
    assert err.buffer.getvalue().decode(encoding) == f"\\u6771 {sign}\n"


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    with start(
        ["settings", "--source=demo"], HOME=str(tmp_path), LC_ALL="C"
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, b"")


def test_a_closed_output_is_no_traceback(tmp_path: Path) -> None:
    for closing in (">&-", "2>&-", ">&- 2>&- <&-"):
        words = f"--source=demo {closing}"
        done = subprocess.run(
            ["/bin/sh", "-c", f'"{sys.executable}" -P -m pipeline settings {words}'],
            env={"PYTHONPATH": str(PROJECT), "HOME": str(tmp_path)},
            capture_output=True,
        )
        assert (done.returncode, done.stderr) == (0, b"")
