"""What users of earlier versions suffered, as they would type it: never again."""

import csv
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.tables import write_fractions
from pipeline.errors import typed
from pipeline.files import file_digest
from pipeline.kaggle.ledger import read_ledger, update_ledger
from pipeline.output import visible
from pipeline.runs.paths import (
    ids_file,
    network_file,
    predictions_file,
    receipt_file,
    shard_file,
)
from pipeline.runs.receipts import Artifact
from tests.miniature import SMALL, TEST_IDS, make_competition, some_fractions
from tests.terminal import Terminal

SETS = [f"--set={key}={value}" for key, value in SMALL.items()]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# what is the user's is never deleted, replaced or mistaken


def test_a_source_inside_the_work_directory_is_refused(
    terminal: Terminal, folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    source = shutil.move(folder, data / "raw")
    before = contents(data)
    words = ("all", "--source", str(source), "--work", str(data))
    assert terminal.type_anywhere(*words) == 1
    assert terminal.error == (
        f"The source {source} and {data}, where a run would write, must not lie in one "
        f"another. Use --work {source}-work."
    )
    assert contents(data) == before


@pytest.mark.parametrize("place", ["", "work"])
def test_a_work_directory_in_the_source_is_refused(
    terminal: Terminal, folder: Path, place: str
) -> None:
    before = contents(folder)
    work = str(folder / place)
    assert terminal.type_anywhere("all", "--source", str(folder), "--work", work) == 1
    assert f"Use --work {folder}-work." in terminal.error or "is not a work" in (
        terminal.error
    )
    assert contents(folder) == before


def test_submissions_in_the_source_are_refused(
    terminal: Terminal, folder: Path
) -> None:
    words = ("--source", str(folder), f"--set=export.folder={folder}")
    assert terminal.type("all", *words) == 1
    assert "Use --set export.folder=" in terminal.error


@pytest.mark.parametrize(
    "name", ["validation", "report", "predictions", "thesis.tex", "settings.json"]
)
def test_somebody_elses_folder_is_no_work_directory(
    terminal: Terminal, folder: Path, name: str
) -> None:
    mine = terminal.work / name
    mine.mkdir(parents=True)
    (mine / "results.txt").write_text("mine")
    assert terminal.run_all(folder) == 1
    assert terminal.error == (
        f"{terminal.work} is not a work directory: {name} is in it. Give --work a new "
        "folder, an empty one, or one that holds just raw/ with the competition's "
        "files."
    )
    assert contents(terminal.work) == {f"{name}/results.txt": b"mine"}


@pytest.mark.parametrize("content", ['{"my": "notes"}', "[]", "{"])
def test_a_file_that_just_has_the_name_of_our_marker_stays(
    terminal: Terminal, folder: Path, content: str
) -> None:
    terminal.work.mkdir()
    mine = terminal.work / "galaxy-zoo.json"
    mine.write_text(content)
    assert terminal.run_all(folder) == 1
    assert "galaxy-zoo.json is in it. Give --work a new folder" in terminal.error
    assert mine.read_text() == content


@pytest.mark.parametrize("name", ["notes.txt", "train"])
def test_a_raw_folder_with_other_files_is_not_taken(
    terminal: Terminal, folder: Path, name: str
) -> None:
    (terminal.work / "raw").mkdir(parents=True)
    (terminal.work / "raw" / name).touch()
    assert terminal.run_all(folder) == 1
    assert f"is not a work directory: raw/{name} is in it" in terminal.error


def test_an_empty_folder_and_what_a_desktop_leaves_there_will_do(
    terminal: Terminal, folder: Path
) -> None:
    terminal.work.mkdir()
    (terminal.work / ".DS_Store").touch()
    words = ("--source", str(folder), "--preset", "tiny")
    assert terminal.type("download", *words) == 0
    assert (terminal.work / "galaxy-zoo.json").is_file()


def test_a_work_directory_of_an_older_version_says_how_to_reuse_its_download(
    terminal: Terminal,
) -> None:
    (terminal.work / "raw").mkdir(parents=True)
    (terminal.work / "settings.json").write_text("{}")
    assert terminal.type("status") == 1
    assert f"Reuse its download with --source {terminal.work / 'raw'}" in terminal.error


def test_links_in_a_received_work_directory_are_never_written_through(
    later: Terminal, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "precious").write_text("mine")
    for name in ("lock", "settings.toml", "raw", "runs"):
        path = later.work / name
        kept = path.rename(tmp_path / "kept")
        path.symlink_to(target if kept.is_dir() else target / "precious")
        assert later.type("all", "--set=train.epochs=3") == 1
        assert later.error.startswith(f"{path} is a link. A work directory holds no l")
        path.unlink()
        kept.rename(path)
    assert contents(target) == {"precious": b"mine"}


def test_going_back_to_a_setting_finds_what_it_made(later: Terminal) -> None:
    before = contents(later.work / "models")
    assert later.type("all", "--set=train.width=6") == 0
    assert later.type("all", "--set=train.width=4") == 0
    assert later.err.count("up to date") == 7
    after = contents(later.work / "models")
    assert {name: after[name] for name in before} == before


def test_one_submissions_folder_serves_two_work_directories(
    later: Terminal, spoiled: Path, tmp_path: Path
) -> None:
    assert later.type("all", "--set=export.name=mine") == 0
    first = Path(later.out.strip())
    content = first.read_bytes()
    other = Terminal(tmp_path / "other")
    other.submissions = later.submissions
    words = ("--set=export.name=mine", "--set=train.seed=5")
    assert other.run_all(spoiled, *words) == 0
    second = Path(other.out.strip())
    assert first.parent == second.parent
    assert first != second
    assert first.read_bytes() == content
    for terminal, path in ((later, first), (other, second)):
        truth = tmp_path / "truth.csv"
        write_fractions(truth, TEST_IDS, some_fractions(6, seed=5))
        assert terminal.type("score", "--solutions", str(truth), "--json") == 0
        assert json.loads(terminal.out)["submission"] == str(path)


def test_a_submission_edited_by_hand_is_told_by_status_score_and_upload(
    later: Terminal, tmp_path: Path
) -> None:
    path = later.submissions / later.run.submission.result["csv"]
    rows = path.read_text().replace("0.", "0.1", 1)
    path.write_text(rows)
    assert later.type("status") == 0
    assert "the file was changed since its export" in later.out
    write_fractions(tmp_path / "truth.csv", TEST_IDS, some_fractions(6, seed=5))
    later.type("score", "--solutions", str(tmp_path / "truth.csv"))
    assert f"{path} was changed since its export" in later.err
    assert later.type("upload") == 1
    assert later.error == (
        f'{path} was changed since its export. Run "./run.sh export --work '
        f'{later.work}", which writes it anew and keeps what is changed.'
    )
    assert later.type("export") == 0
    assert path.with_name(f"{path.stem}.changed-1.csv").read_text() == rows
    path.unlink()
    assert later.type("upload") == 1
    assert f"{path} is gone. Run" in later.error


@pytest.mark.parametrize("name", ["ledger", "Ledger"])
def test_the_ledger_is_no_name_for_a_submission(terminal: Terminal, name: str) -> None:
    assert terminal.type("all", "--source=demo", f"--set=export.name={name}") == 2
    assert terminal.error == (
        "export.name=ledger is taken: ledger.csv lists the submissions."
    )
    assert not terminal.work.exists()


def test_a_ledger_that_a_spreadsheet_saved_is_read(later: Terminal) -> None:
    ledger = later.submissions / "ledger.csv"
    before = read_ledger(ledger)
    ledger.write_bytes(b"\xef\xbb\xbf" + ledger.read_bytes())
    assert read_ledger(ledger) == before
    update_ledger(ledger, [before[0] | {"reference": "7"}])
    assert read_ledger(ledger) == [before[0] | {"reference": "7"}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a;b\n1;2\n".encode("utf-16"), "it holds NUL bytes"),
        (b"file;sha256;preset\na.csv;aa;cpu\n", 'it has no column "file"'),
        (b"file,sha256\na.csv,aa,cpu\n", "line 2 has more cells than the first"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_refused_before_work_and_left_alone(
    later: Terminal, content: bytes, reason: str
) -> None:
    ledger = later.submissions / "ledger.csv"
    ledger.write_bytes(content)
    assert later.type("all", "--set=train.epochs=3") == 1
    assert later.error.startswith(f"{ledger} is not a readable ledger: ")
    assert reason in later.error
    assert "epoch" not in later.err.splitlines()[1]
    assert ledger.read_bytes() == content


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "--set=predict.blend_with=/nope"),
        ("train", "--set=train.weights=/nope.h5", "--set=train.model=resnet50"),
        ("train", "--set=train.view_size=99"),
        ("all", "--set=export.name=a/b"),
        ("all", "--set=export.folder=/dev/null/submissions"),
        ("all", "--set=train.head=linear", "--set=predict.obey_tree=false"),
    ],
)
def test_settings_of_a_command_that_cannot_be_are_not_saved(
    later: Terminal, words: tuple[str, ...]
) -> None:
    before = (later.work / "settings.toml").read_bytes()
    assert later.type(*words) in (1, 2)
    assert (later.work / "settings.toml").read_bytes() == before
    assert later.type("all") == 0


def test_a_stage_saves_its_own_settings_alone(later: Terminal) -> None:
    words = ("--set=preprocess.image_size=20", "--set=train.epochs=3")
    assert later.type("preprocess", words[0]) == 0
    assert later.type("train", *words) == 0
    assert "for this command alone: preprocess.image_size" in later.err
    settings = later.run.settings
    assert (settings.train.epochs, settings.preprocess.image_size) == (3, 20)
    assert later.type("preprocess", "--unset=preprocess.image_size") == 0
    assert later.run.settings.preprocess.image_size == 32


def test_settings_of_a_later_stage_are_refused(later: Terminal) -> None:
    assert later.type("train", "--set=predict.num_rotations=2") == 2
    assert later.error == (
        "predict.num_rotations is a setting of predict, which comes after train. Give "
        'it to "./run.sh predict" or "./run.sh all".'
    )


def test_the_first_line_says_which_saved_settings_apply(later: Terminal) -> None:
    assert later.type("all", "--set=train.width=6") == 0
    assert later.type("status") == 0
    assert later.type("all") == 0
    first = later.err.splitlines()[0]
    assert "train.width=6" in first
    assert first.endswith("(--unset preprocess.image_size drops it)")
    assert "train.seed" not in first


# no dead ends


def test_what_needs_no_source_works_without_it(
    later: Terminal, spoiled: Path, folder: Path, tmp_path: Path
) -> None:
    source = shutil.copytree(spoiled, tmp_path / "source")
    assert later.type("download", f"--source={source}") == 0
    gone = shutil.move(source, tmp_path / "gone")
    write_fractions(tmp_path / "truth.csv", TEST_IDS, some_fractions(6, seed=5))
    for words in (
        *(["status"], ["runs"], ["settings"], ["verify"], ["leaderboard"], ["all"]),
        *(
            ["train"],
            ["predict"],
            ["export", "--force"],
            ["report"],
            ["show", "200003"],
        ),
        ["score", "--solutions", str(tmp_path / "truth.csv")],
    ):
        assert later.type(*words) == 0, (words, later.err)
    galaxy = later.run.held_out.folder
    with np.load(galaxy / "held_out.npz") as data:
        (first, *_) = data["ids"]
    assert later.type("show", str(first)) == 0
    assert "volunteers" in later.out
    page = (later.work / "report.html").read_text()
    assert "files are not at hand: the pictures here are" in page
    assert later.type("train", "--set=train.epochs=3") == 1
    assert later.error.endswith(
        "training_solutions_rev1.zip is gone. Bring it back, or let --source name the "
        "folder that has the competition files now."
    )
    digest = later.run.digest
    file = str(later.run.work.run(digest))  # names where the source was
    assert later.type("status", "--config", file) == 0
    assert later.type("train", f"--source={gone}", "--set=train.epochs=3") == 0
    assert f"{gone} holds what {source} held: it is used from there now" in later.err
    assert later.type("all", f"--source={folder}") == 1  # other content
    assert "holds runs on" in later.error


def test_a_moved_work_directory_has_nothing_to_do(
    later: Terminal, tmp_path: Path
) -> None:
    later.work = shutil.move(later.work, tmp_path / "moved")
    assert later.type("all") == 0
    assert later.err.count("up to date") == 7


def test_paths_in_settings_mean_the_same_from_everywhere(
    later: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert later.type("all", "--set=export.folder=../mine") == 0
    first = Path(later.out.strip())
    assert first.parent.resolve() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path / "there")
    assert later.type("all") == 0
    assert Path(later.out.strip()) == first
    assert later.type("all", "--set=export.folder=~/mine") == 0
    assert Path(later.out.strip()).parent == tmp_path / "home" / "mine"


def damage(item: Artifact, how: str) -> None:
    file = {
        "models/": network_file,
        "shards/": lambda folder: shard_file(folder, 0),
        "ids": ids_file,
        "predictions/": predictions_file,
    }.get(how.split(" ")[0], receipt_file)(item.folder)
    if how.endswith("cut"):
        file.write_bytes(file.read_bytes()[:-5])
    elif how.endswith("gone"):
        file.unlink()
    else:
        file.write_text("" if how.endswith("emptied") else "{}")


@pytest.mark.parametrize(
    ("which", "how"),
    [
        ("models", "models/ cut"),
        ("models", "models/ gone"),
        ("shards", "shards/ cut"),
        ("shards", "shards/ gone"),
        ("shards", "ids cut"),
        ("predictions", "predictions/ cut"),
        ("predictions", "receipt emptied"),
        ("models", "receipt {}"),
        ("shards", "receipt gone"),
    ],
)
def test_damage_is_told_and_made_anew(later: Terminal, which: str, how: str) -> None:
    run = later.run
    item = {
        "models": run.members[0],
        "shards": run.shards("train"),
        "predictions": run.predictions,
    }[which]
    submission = later.submissions / run.submission.result["csv"]
    before = submission.read_bytes()
    damage(item, how)
    assert later.states()[item.name] == "damaged"
    assert later.type("all") == 0
    assert set(later.states().values()) == {"done"}
    assert submission.read_bytes() == before


def test_verify_reads_every_byte_and_says_how_to_repair(later: Terminal) -> None:
    assert later.type("verify") == 0
    assert "every byte as it was made" in later.out
    shards = later.run.shards("train")
    path = shard_file(shards.folder, 0)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert later.states()[shards.name] == "done"  # size and time tell nothing
    assert later.type("verify") == 1
    assert f"{shards.name}/00000.npy is not as it was made" in later.out
    assert later.error == (
        f'1 file is not as made. To repair: "rm -r {shards.folder}", then '
        f'"./run.sh all --work {later.work}"'
    )
    shutil.rmtree(shards.folder)
    assert later.type("all") == 0
    assert later.type("verify") == 0


@pytest.mark.parametrize(
    ("kind", "content"),
    [("models", ""), ("held_out", "{}"), ("submission", "[]"), ("raw", "{}")],
)
def test_verify_tells_a_receipt_that_is_not_ours(
    later: Terminal, kind: str, content: str
) -> None:
    (receipt,) = (later.work / kind).glob("*/receipt.json")
    receipt.write_text(content)
    assert later.type("verify") == 1
    name = receipt.parent.relative_to(later.work)
    assert f"{name} has no receipt of ours" in later.out
    assert later.type("all") == 0
    assert later.type("verify") == 0


def test_verify_tells_a_file_where_networks_should_be(later: Terminal) -> None:
    shutil.rmtree(later.work / "models")
    (later.work / "models").write_text("mine")
    assert later.type("verify") == 1
    assert "models is not a folder of ours: move it away" in later.out
    assert "rm -r" not in later.error
    assert later.type("all") == 1
    assert later.error == (
        f"{later.work / 'models'} is a file, where a folder should be. Move it away."
    )
    assert (later.work / "models").read_text() == "mine"


def test_a_report_of_a_damaged_network_says_which_command_mends_it(
    later: Terminal,
) -> None:
    (receipt,) = (later.work / "models").glob("*/receipt.json")
    receipt.write_text("{}")
    assert later.type("report", "--force") == 1
    assert later.error == (
        f'{receipt.parent} is damaged. Run "./run.sh train --work {later.work}" first.'
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("train", "--member=77", "--set=train.epochs=3"), 2),
        (("all", "--minutes=0.0001"), 2),
        (("train", "--set=train.validation_fraction=0.97"), 1),
        (("all", "--set=export.folder=/proc/nope", "--set=train.epochs=3"), 1),
    ],
)
def test_what_is_refused_while_a_command_runs_is_not_saved_either(
    later: Terminal, words: tuple[str, ...], code: int
) -> None:
    before = later.run.work.settings.read_bytes()
    assert later.type(*words) == code, later.err
    assert later.run.work.settings.read_bytes() == before
    assert later.type("all") == 0
    assert later.err.count("up to date") == 7


def test_settings_of_what_has_begun_stay_whatever_fails_later(later: Terminal) -> None:
    assert later.type("train", "--set=train.epochs=3") == 0
    shutil.rmtree(later.submissions)
    later.submissions.write_text("a file")
    assert later.type("all") == 1
    assert later.run.settings.train.epochs == 3


def test_emptied_settings_do_not_make_the_demo_sky_of_real_galaxies(
    later: Terminal,
) -> None:
    later.run.work.settings.write_text("")
    assert later.type("all", "--preset=tiny") == 1
    assert "settings.toml names no source. Name --source and --preset" in later.error


def test_networks_that_minutes_decide_are_not_asked_for(later: Terminal) -> None:
    assert later.type("all", "--minutes=5", "--set=train.num_seeds=3") == 2
    assert later.error == (
        "train.num_seeds does nothing beside minutes, which decide how many networks "
        "there are. Leave one of the two out."
    )


def test_another_runs_network_in_the_folder_is_not_used(later: Terminal) -> None:
    assert later.type("train", "--set=train.seed=3") == 0
    other = network_file(later.run.members[0].folder).read_bytes()
    assert later.type("train", "--unset=train.seed") == 0
    file = network_file(later.run.members[0].folder)
    size = file.stat().st_size
    file.write_bytes((other + b"0" * size)[:size])
    assert later.type("predict", "--force") == 1
    assert f"{file} is not what was made there." in later.error


def test_the_remedy_works_as_it_is_printed(
    terminal: Terminal, folder: Path, tmp_path: Path
) -> None:
    sets = [*SETS[:2], "--set=train.epochs=1", "--set=train.validation_fraction=0.3"]
    words = ("predict", "--source", str(folder), "--preset", "tiny", *sets)
    for _ in range(4):
        if terminal.type(*words) == 0:
            break
        command = terminal.error.partition('"./run.sh ')[2].partition('"')[0]
        assert f"--work {terminal.work}" in command
        assert terminal.type_anywhere(*command.split()) == 0, terminal.err
    assert terminal.type(*words) == 0


def test_a_remedy_with_a_blank_in_its_path_can_be_pasted(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "my galaxies")
    assert terminal.type("export", "--source=demo", "--preset=tiny") == 1
    command = terminal.error.partition('"./run.sh ')[2].partition('"')[0]
    assert shlex.split(command) == ["download", "--work", str(terminal.work)]


def test_the_file_of_a_run_selects_it(later: Terminal) -> None:
    first = later.run
    assert later.type("all", "--set=train.width=6", "--set=train.epochs=1") == 0
    assert later.run.digest != first.digest
    assert later.type("runs") == 0
    assert [line.split()[0] for line in later.out.splitlines()[1:3]] == [
        later.run.digest,
        first.digest,
    ]
    file = str(first.work.run(first.digest))
    assert later.type("all", "--config", file) == 0
    assert later.err.count("up to date") == 7
    assert later.run.digest == first.digest


def test_clean_removes_just_what_no_run_needs(later: Terminal) -> None:
    needed = set(contents(later.work))
    assert later.type("all", "--set=train.width=6") == 0
    other = later.run
    other_csv = later.submissions / other.submission.result["csv"]
    assert later.type("all", "--set=train.width=4") == 0
    assert later.type("clean") == 0
    assert "Nothing was removed" in later.out  # no terminal to say yes at
    key = {"file": other_csv.name, "sha256": file_digest(other_csv)}
    ledger = later.submissions / "ledger.csv"
    update_ledger(ledger, [key | {"reference": "1000"}])
    assert later.type("clean", "--yes") == 0
    assert "everything there is needed" in later.out  # it was uploaded
    with open(ledger, newline="") as file:
        rows = [row | {"reference": ""} for row in csv.DictReader(file)]
    with open(ledger, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    mine = later.work / "models" / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("mine")
    assert later.type("clean", "--yes") == 0
    assert other.members[0].name in later.out
    assert "Removed 4 folders" in later.out
    assert mine.is_dir()
    shutil.rmtree(mine)
    left = set(contents(later.work)) - {f"runs/{other.digest}.toml"}
    assert left == needed
    assert set(later.states().values()) == {"done"}


def test_clean_never_goes_by_settings_that_are_not_saved(later: Terminal) -> None:
    before = contents(later.work)
    typo = later.work.with_name("wrok")
    words = ("clean", "--yes", "--source=demo", "--work", str(typo))
    assert later.type_anywhere(*words) == 1
    assert later.error == f"There is nothing to clean in {typo}."
    assert not typo.exists()
    for words in (["--preset=cpu"], ["--set=train.epochs=9"]):
        assert later.type("clean", "--yes", *words) == 1
        assert later.error.startswith("clean keeps what the settings saved in ")
    source = later.run.settings.source
    (later.work / "settings.toml").unlink()
    assert later.type("clean", "--yes", "--source", source) == 1
    before.pop("settings.toml")
    assert contents(later.work) == before


def test_status_tells_a_half_trained_network_and_who_is_at_work(
    later: Terminal,
) -> None:
    run = later.run
    member = run.members[0]
    member.folder.rename(member.partial)
    receipt_file(member.partial).unlink()
    assert later.type("status") == 0
    assert "half made" in later.out
    assert "epoch 2 of 2 is done" in later.out
    (member.partial / "maker").write_text(f"{os.getpid()}\n")
    from pipeline.files import locked

    with locked(run.work.lock):
        assert later.type("status") == 0
        assert f"being made by process {os.getpid()}" in later.out
        assert later.type("all") == 1
        assert f"{later.work} is in use by process {os.getpid()}." in later.error
        assert later.type("runs") == 0  # who only reads never waits


def test_a_path_may_hold_any_bytes(tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b'my "sky" \xff\n')
    terminal, source = Terminal(place), place / "competition"
    place.mkdir()
    make_competition(source)
    assert terminal.run_all(source, "--set=report.make=true") == 0
    (csv_file,) = terminal.submissions.glob("*-*.csv")
    assert terminal.out == f"{visible(str(csv_file))}\n"
    for command in ("all", "status", "runs", "leaderboard", "report", "verify"):
        assert terminal.type(command) == 0, terminal.err
    assert terminal.type("show", "200000", "--set=train.seed=8") == 1
    command = typed("--work", str(terminal.work))
    assert command in terminal.error


def test_a_command_is_spelled_as_a_shell_reads_it(tmp_path: Path) -> None:
    words = [os.fsdecode(b"it's\\ \xff\n"), "plain", "two words", "\u00e9"]
    told = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {typed(*words)}"],
        capture_output=True,
        check=True,
    )
    assert [os.fsdecode(word) for word in told.stdout.split(b"\0")[:-1]] == words


def test_a_run_whose_saved_settings_are_gone_is_not_made_another(
    later: Terminal,
) -> None:
    source = later.run.settings.source
    (later.work / "settings.toml").unlink()
    (kept,) = (later.work / "runs").glob("*.toml")
    for command in ("all", "status"):
        assert later.type(command) == 1
        assert later.error == (
            f"{later.work / 'settings.toml'} is gone. Name --source and --preset, or "
            f"take up a run: --config {kept}."
        )
    assert later.type("status", "--source", source, "--preset=tiny") == 0
    assert later.type("all", "--config", str(kept)) == 0
    assert set(later.states().values()) == {"done"}


def test_a_comma_in_the_folder_of_submissions_is_no_list(
    later: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "Smith, John" / "csv"
    assert later.type("export", f"--set=export.folder={folder}") == 0
    assert Path(later.out.strip()).parent == folder


@pytest.mark.parametrize("option", ["--work=", "--source=", "--preset=", "--config="])
def test_a_variable_that_is_not_set_is_no_default(later: Terminal, option: str) -> None:
    assert later.type_anywhere("status", option) == 2
    assert later.error.endswith(" got an empty word. Is a variable not set?")


@pytest.mark.parametrize("galaxy", ["9" * 30, "9" * 5000, "-1", "1e3", "\u0663"])
def test_what_is_no_galaxy_is_said(later: Terminal, galaxy: str) -> None:
    assert later.type("show", galaxy) == 2
    assert "Traceback" not in later.err


@pytest.mark.parametrize("place", ["predictions/x", "models", "report-1/csv", "raw"])
def test_submissions_in_what_is_made_anew_are_refused(
    later: Terminal, place: str
) -> None:
    folder = later.work / place
    assert later.type("export", f"--set=export.folder={folder}") == 1
    assert later.error == (
        f"export.folder={folder} lies in {later.work / place.split('/')[0]}, which "
        f"holds what stages make. Name another: --set export.folder="
        f"{later.work / 'submissions'}."
    )
    own = later.work / "submissions"
    assert later.type("export", f"--set=export.folder={own}") == 0
    assert later.type("predict", "--force") == 0
    assert len([*own.glob("*.csv")]) == 2


def test_a_score_against_the_wrong_file_is_told(later: Terminal, folder: Path) -> None:
    submission = later.submissions / later.run.submission.result["csv"]
    for solutions, told in (
        (submission, f"{submission} has the very numbers of {submission}"),
        (folder / "all_zeros_benchmark.zip", "breaks the decision tree at 6 of 6"),
    ):
        assert later.type("score", "--solutions", str(solutions)) == 0
        assert told in later.err
