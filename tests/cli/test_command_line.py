"""Every command, option and exit code: well typed, misspelt and misplaced."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.catalogue import COMMANDS, READERS, WITHOUT_RUN, summary
from pipeline.cli.parser import as_set, command_parser
from pipeline.cli.running import coloured
from pipeline.data.tables import write_fractions
from pipeline.runs.paths import PROJECT
from pipeline.runs.receipts import save_receipt
from pipeline.settings.parsing import spoken
from pipeline.settings.schema import SECTIONS, all_settings
from tests.kaggle_shell import isolate
from tests.miniature import TEST_IDS, some_fractions
from tests.terminal import Terminal

JSON = (
    *("status", "runs", "compare", "score", "leaderboard", "show", "doctor"),
    "predict-images",
)
FORCED = {"all", "download", "preprocess", "train", "predict", "export"} | {
    *("report", "classify", "upload")
}
DRY = {"all", "download", "preprocess", "train", "predict", "export"}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-P", "-m", "pipeline", *words],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
    )


def test_no_word_at_all_gives_three_examples(terminal: Terminal) -> None:
    assert terminal.type_anywhere() == 0
    assert terminal.out.count("  ./run.sh ") == 3
    assert len(terminal.out.splitlines()) < 10


def test_help_lists_every_command_within_a_screen(terminal: Terminal) -> None:
    assert terminal.type_anywhere("--help") == 0
    lines = terminal.out.splitlines()
    assert len(lines) <= 40
    for command in COMMANDS:
        assert f"  {command:16}{summary(command)}" in lines
    assert "0 done, 1 cannot be done, 2 mistyped, above 128" in terminal.out


def test_help_starts_at_once() -> None:
    def seconds() -> float:
        """Of the processor, since others may be at work on this machine."""
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    before = seconds()
    assert run("--help").returncode == 0
    assert seconds() - before < 0.4


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_is_short_and_true(command: str) -> None:
    text = command_parser(command).format_help()
    assert len(text.splitlines()) <= 40
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "example: " in text
    options = command_parser(command)._option_string_actions
    assert ("--json" in options) == (command in JSON)
    assert ("--force" in options) == (command in FORCED)
    assert ("--dry-run" in options) == (command in DRY)
    assert ("--work" in options) == (command not in WITHOUT_RUN)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_of_a_command_can_be_parsed(command: str) -> None:
    import shlex

    from pipeline.cli.parser import parse

    text = command_parser(command).epilog.splitlines()[0].removeprefix("example: ")
    words = shlex.split(text.removeprefix("source <(").removesuffix(")"))
    assert words[0] == "./run.sh"
    assert parse(words[1:]).command == command


def test_the_version_is_the_projects(terminal: Terminal) -> None:
    assert terminal.type_anywhere("--version") == 0
    assert f'version = "{terminal.out.split()[1]}"' in (
        (PROJECT / "pyproject.toml").read_text()
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("trian", 'Unknown command "trian". Did you mean "train"?'),
        ("leader", 'Unknown command "leader". Did you mean "leaderboard"?'),
        ("train --forse", 'Unknown option "--forse". Did you mean "--force"?'),
        ("train --epochs 3", 'option "--epochs". Did you mean "--train.epochs"?'),
        ("status --force", 'Unknown option "--force". Did you mean'),
        ("train --train.epoch 3", 'setting "train.epoch". Did you mean "train.epochs"'),
        ("train --trian.epochs 3", 'Did you mean "train.epochs"?'),
        ("train --train.epochs", "--train.epochs takes a value: --train.epochs=VALUE."),
        ("train --train.epochs=x", 'train.epochs takes an integer. Got "x".'),
        ("train --train.loss=mea", "train.loss takes one of mse, huber, votes. Got"),
        ("train --set epochs", '--set takes section.key=value. Got "epochs".'),
        ("train --set", "argument --set: expected one argument."),
        ("train --preset cpuu", 'Unknown preset "cpuu". Did you mean "c'),
        ("train --source kagle", 'There is no "{cwd}/kagle". Did you mean "kaggle"?'),
        ("--work w status", 'The command comes first, then "--work": ./run.sh COMMAND'),
        ("status all", '"all" is one word too many. "./run.sh status --help" says'),
        ("settings trian", 'no section "trian". Did you mean "train"?'),
        ("show", "the following arguments are required: GALAXY."),
        ("show x", 'argument GALAXY: takes a number such as 100008, not "x".'),
        ("compare", "the following arguments are required: RUN."),
        ("completion fish", "argument shell: invalid choice: 'fish'"),
        ("preprocess --train.epochs=3", "is a setting of train, which comes after"),
        ("train --unset train.epoch", 'Did you mean "train.epochs"?'),
        ("upload --wait soon", 'argument --wait: takes seconds, not "soon"; a FILE'),
        ("all --train.epochs=0", "train.epochs must be at least 1. Got 0."),
        ("all --preset=cpu --train.width=9", "train.width=9 does nothing without"),
    ],
)
def test_who_mistypes_is_told_the_right_word_in_a_line(
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    line: str,
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    assert terminal.type_anywhere(*words.split()) == 2
    assert line.format(cwd=tmp_path) in terminal.error
    assert terminal.err == f"error: {terminal.error}\n"  # and of the demo sky no word
    assert terminal.out == ""


def test_what_an_answer_is_about_is_said_before_it(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    assert terminal.type_anywhere("settings", "train") == 0
    assert terminal.err.startswith("No Kaggle credentials found: using the DEMO SKY")
    assert terminal.type_anywhere("upload", "nosuch.csv") == 1
    assert terminal.err == f"error: {Path('nosuch.csv').absolute()} does not exist.\n"


def test_dotted_options_are_settings_in_the_order_of_typing() -> None:
    words = ["--train.epochs", "3", "--set", "train.epochs=4", "--train.epochs=5"]
    assert [*as_set(words)] == [
        *("--set=train.epochs=3", "--set", "train.epochs=4", "--set=train.epochs=5")
    ]
    assert [*as_set(["--message", "--a.b", "-q"])] == ["--message", "--a.b", "-q"]


def test_a_dotted_option_is_a_setting(later: Terminal) -> None:
    assert later.type("train", "--train.epochs", "3", "--train.width=6") == 0
    train = later.run.settings.train
    assert (train.epochs, train.width) == (3, 6)


def test_every_reading_command_ends_well_and_gives_json_where_it_says_so(
    later: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    truth = tmp_path / "truth.csv"
    write_fractions(truth, TEST_IDS, some_fractions(6, seed=5))
    more = {"score": ["--solutions", str(truth)], "show": ["200003"]}
    for command in READERS:
        if command in ("upload", "doctor", "compare", "predict-images"):
            continue
        assert later.type(command, *more.get(command, [])) == 0, later.err
        assert later.out.strip()
        if command in JSON:
            assert later.type(command, *more.get(command, []), "--json") == 0
            assert json.loads(later.out)
    assert later.type("doctor", "--json") in (0, 1)
    states = {finding["state"] for finding in json.loads(later.out)["findings"]}
    assert states <= {"ok", "note", "STOP"}


def test_settings_lists_each_with_type_value_origin_and_help(later: Terminal) -> None:
    assert later.type("settings", "--train.seed=7") == 0
    for key, item in all_settings().items():
        (line,) = [row for row in later.out.splitlines() if row.startswith(f"{key} ")]
        assert spoken(item.type) in line
        assert item.metadata["help"] in line
    rows = {row.split()[0]: row for row in later.out.splitlines() if row}
    assert rows["train.seed"].split()[1:4] == ["7", "command", "line"]
    assert rows["train.epochs"].split()[1:3] == ["2", "saved"]
    assert rows["train.flip"].split()[1:3] == ["true", "default"]
    assert later.type("settings", "train") == 0
    assert "predict.flips" not in later.out
    assert set(SECTIONS) >= {row.partition(".")[0] for row in rows if "." in row}


def test_quiet_leaves_the_path_alone(later: Terminal) -> None:
    assert later.type("all", "-q") == 0
    assert later.err == ""
    (line,) = later.out.splitlines()
    assert Path(line).is_file()
    assert later.type("train", "-q", "--train.epochs=0") == 2
    assert later.error == "train.epochs must be at least 1. Got 0."


def test_a_dry_run_says_what_and_why_and_writes_nothing(
    later: Terminal, terminal: Terminal, folder: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in later.work.rglob("*")}
    assert later.type("all", "--dry-run") == 0
    assert later.out.count("is up to date") == 7
    assert later.type("all", "--dry-run", "--train.width=6") == 0
    assert later.out.count("is up to date") == 3
    assert later.out.count("would be made: it is missing") == 4
    assert later.type("train", "--dry-run", "--force") == 0
    assert "would be made anew: --force" in later.out
    (network,) = [row for row in later.out.splitlines() if row.startswith("models/")]
    assert network.endswith(" s")  # how long it took
    assert re.search(r"^All of it takes about [\d.]+ s\.$", later.out, re.MULTILINE)
    assert later.type("predict", "--dry-run", "--train.width=6") == 0
    assert 'is missing: run "./run.sh train --work' in later.out
    assert {path: path.stat().st_mtime_ns for path in later.work.rglob("*")} == before
    other = later.work.with_name("fresh")
    words = ("all", "--dry-run", "--source", str(folder), "--work", str(other))
    assert later.type_anywhere(*words) == 0
    assert f"free for {other}; about" in later.out
    assert "GB; training and prediction take about 1.4 GB" in later.out  # preset cpu
    assert "Names may change once the competition's files are there." in later.out
    assert not other.exists()


def test_a_dry_run_knows_how_long_a_half_trained_network_takes(
    later: Terminal,
) -> None:
    assert later.type("all", "--train.epochs=4") == 0
    member = later.run.members[0]
    member.folder.rename(member.partial)
    (member.partial / "receipt.json").unlink()
    history = member.partial / "history.csv"
    rows = history.read_text().splitlines(keepends=True)
    history.write_text("".join(rows[:2]))
    assert later.type("train", "--dry-run") == 0
    assert "would be resumed after epoch 1" in later.out


def test_a_dry_run_goes_by_what_took_time_before(later: Terminal) -> None:
    member = later.run.members[0]
    receipt = member.receipt
    receipt["made"]["seconds"] = 100.0
    save_receipt(member.folder, receipt)
    assert later.type("all", "--dry-run", "--train.epochs=6") == 0  # it had 2
    (line,) = [row for row in later.out.splitlines() if row.startswith("models/")]
    assert line.split("  ")[-1].strip() == "5.0 min"


def test_states_have_colours_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "STOP  disk\nraw/x  download  damaged  1 kB\nheld_out  predict  done"
    assert coloured(text) == text
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    shown = coloured(text)
    assert "\x1b[31mSTOP\x1b[0m  disk" in shown
    assert "  \x1b[31mdamaged\x1b[0m  1 kB" in shown
    assert shown.endswith("  \x1b[32mdone\x1b[0m")
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(text) == text


BASH = """
source <({python} -P -m pipeline completion bash)
complete_words() {{
    COMP_WORDS=(./run.sh "$@"); COMP_CWORD=$#; COMPREPLY=()
    $(complete -p run.sh | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    echo "${{COMPREPLY[@]}}"
}}
complete_words {words}
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tr", {"train"}),
        ("le", {"leaderboard"}),
        ("train --train.ep", {"--train.epochs"}),
        ("train --dry", {"--dry-run"}),
        ("train --train.loss ''", {"mse", "huber", "votes"}),
        ("train --train.flip ''", {"true", "false"}),
        ("all --preset ti", {"tiny"}),
        ("settings pre", {"preprocess", "predict"}),
    ],
)
def test_bash_completes_commands_settings_and_choices(
    words: str, expected: set[str]
) -> None:
    script = BASH.format(python=sys.executable, words=words)
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert expected <= set(done.stdout.split()), done.stderr
    assert len(set(done.stdout.split())) <= len(expected) + 1


def test_zsh_gets_completion_of_commands_settings_and_choices(
    terminal: Terminal,
) -> None:
    assert terminal.type_anywhere("completion", "zsh") == 0
    assert terminal.out.startswith("#compdef run.sh")
    assert '"--train.loss[' in terminal.out
    assert "(mse huber votes)" in terminal.out
