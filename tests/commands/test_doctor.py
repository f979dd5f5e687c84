import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.commands import doctor as module
from pipeline.commands.doctor import Finding, describe
from pipeline.runs.graph import Run
from pipeline.settings.schema import make_settings
from tests.kaggle_shell import Shell
from tests.kaggle_stand_in import RULES, TOKEN, StandIn
from tests.miniature import TRAIN_IDS, write_zip


@pytest.fixture(autouse=True)
def no_tensorflow(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spares the seconds it takes to load, where it is not what is tested."""
    if "tensorflow" not in request.node.name:
        script = 'print(\'{"version": "2", "cuda": null, "gpus": 0}\')'
        monkeypatch.setattr(module, "TENSORFLOW", script)


def line_of(shell: Shell, what: str) -> str:
    lines = shell.out.splitlines()
    (number,) = [n for n, line in enumerate(lines) if line[6:].startswith(what)]
    below = lines[number + 1 : number + 2]
    remedy = [line for line in below if line.strip().startswith("->")]
    return " ".join(" ".join([lines[number], *remedy]).split())


def test_a_machine_that_can_do_it_passes(
    shell: Shell,
    stand_in: StandIn,
) -> None:
    assert shell.type("doctor", "--source=kaggle") == 0
    assert line_of(shell, "Python").startswith(f"ok Python {sys.version.split()[0]}")
    assert line_of(shell, "TensorFlow") == "ok TensorFlow 2, built for the CPU, no GPU"
    assert "usable" in line_of(shell, "cores")
    assert line_of(shell, "disk").startswith("ok disk")
    assert line_of(shell, "credentials") == (
        "ok credentials an access token in KAGGLE_API_TOKEN"
    )
    assert (
        line_of(shell, "Kaggle") == "ok Kaggle answers, and gives access to the files"
    )
    assert len(shell.out.splitlines()) < 24
    assert not shell.work.exists()


def test_the_real_tensorflow_is_described(
    shell: Shell,
    stand_in: StandIn,
) -> None:
    assert module.check_tensorflow().found.startswith("2.21.0, built for ")


def test_a_tensorflow_that_does_not_load_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TENSORFLOW", "import no_such_module")
    finding = module.check_tensorflow()
    assert finding.state == "STOP"
    assert finding.found.endswith("No module named 'no_such_module'")
    assert "requirements.txt" in finding.remedy


def test_without_a_temporary_folder_tensorflow_is_not_blamed(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "not there")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [nowhere])
    remedy = "No folder for temporary files may be written. Name one: TMPDIR=DIR."
    assert shell.type("doctor", "--source=kaggle") == 1
    assert line_of(shell, "temporary") == f"STOP temporary none -> {remedy}"
    assert "TensorFlow" not in shell.out
    assert shell.type("all", "--source=kaggle") == 1
    assert shell.error() == remedy
    assert not (shell.work / "raw").exists()


def test_a_damaged_environment_can_be_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prefix = tmp_path / "my venv"
    prefix.mkdir()
    (prefix / "tested-requirements.txt").touch()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(module, "TENSORFLOW", "import no_such_module")
    assert module.check_tensorflow().remedy == (
        f"Run \"rm '{prefix}/tested-requirements.txt' && ./run.sh doctor\", which "
        "installs what is damaged."
    )


@pytest.mark.parametrize(
    ("variant", "remedy"),
    [
        ("cpu", 'To use an NVIDIA GPU, run "GALAXY_ZOO_VARIANT=gpu ./run.sh doctor".'),
        ("gpu", "Does nvidia-smi list a GPU, and is its driver made for CUDA 12?"),
    ],
)
def test_a_driver_without_a_gpu_is_noted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variant: str, remedy: str
) -> None:
    (tmp_path / "nvidia-smi").write_text("")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GALAXY_ZOO_VARIANT", variant)
    finding = module.check_tensorflow()
    assert (finding.state, finding.remedy) == ("note", remedy)


def test_no_module_of_the_current_folder_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the intruder ran')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    script = 'import json; print(\'{"version": "2", "cuda": null, "gpus": 1}\')'
    monkeypatch.setattr(module, "TENSORFLOW", script)
    assert module.check_tensorflow().state == "ok"


def test_missing_credentials_stop_only_what_needs_kaggle(
    shell: Shell,
    stand_in: StandIn,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert shell.type("doctor", "--source=kaggle") == 1
    assert line_of(shell, "credentials").startswith("STOP credentials none for Kaggle")
    assert line_of(shell, "Kaggle").startswith("note Kaggle answers; not logged in")
    assert shell.error().startswith('1 of these would stop "./run.sh all"')
    assert shell.type("doctor", "--source=demo") == 0
    assert line_of(shell, "credentials").startswith("note credentials none for Kaggle")
    shutil.copytree(folder, shell.raw)
    assert shell.type("doctor", "--source=kaggle") == 0


@pytest.mark.parametrize(
    ("method", "fault", "line"),
    [
        (
            "DownloadDataFile",
            {"status": 403},
            f"Accept the competition's rules at {RULES}",
        ),
        (
            "ListDataFiles",
            {"status": 401},
            "STOP Kaggle answers, and refuses the credentials",
        ),
        ("ListDataFiles", {"status": 503}, "Kaggle has a server error (503)."),
    ],
)
def test_what_keeps_kaggle_away_stops_with_its_remedy(
    shell: Shell,
    stand_in: StandIn,
    method: str,
    fault: dict,
    line: str,
) -> None:
    stand_in.goes_wrong(method, **fault, times=99)
    assert shell.type("doctor", "--source=kaggle") == 1
    assert line_of(shell, "Kaggle").startswith("STOP Kaggle ")
    assert line in line_of(shell, "Kaggle")


def test_a_token_that_kaggle_refuses_stops_where_kaggle_is_needed(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "another-secret")
    assert shell.type("doctor", "--source=kaggle") == 1
    assert line_of(shell, "credentials") == (
        "STOP credentials Kaggle refuses an access token in KAGGLE_API_TOKEN (401): it "
        "is wrong, expired or revoked. Make a new token at "
        "https://www.kaggle.com/settings and put it there."
    )
    assert shell.type("doctor", "--source=demo") == 0
    assert line_of(shell, "credentials").startswith("note credentials Kaggle refuses")
    assert "another-secret" not in shell.out + shell.err


def test_credentials_that_others_may_read_are_a_note_with_the_remedy(
    shell: Shell, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    path = tmp_path / "home/.kaggle/access_token"
    path.parent.mkdir()
    path.write_text(TOKEN)
    path.chmod(0o644)
    line = f"{path} may be read by other users. Close it: chmod 600 {path}"
    assert shell.type("doctor", "--source=kaggle") == 0
    assert line_of(shell, "credentials") == (
        f"note credentials an access token in {path} -> {line}"
    )
    assert line in shell.err.splitlines()
    path.chmod(0o600)
    assert shell.type("doctor", "--source=kaggle") == 0
    assert line_of(shell, "credentials").startswith("ok credentials")


def test_a_broken_credential_stops_where_kaggle_is_needed(
    shell: Shell, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    path = tmp_path / "home/.kaggle/kaggle.json"
    path.parent.mkdir()
    path.write_text('{"username": "me", ')
    assert shell.type("doctor", "--source=kaggle") == 1
    assert line_of(shell, "credentials").startswith(
        f"STOP credentials {path} is not whole JSON. Make a new one at"
    )


@pytest.mark.parametrize("password", ["hunter2/", "hunter2#", "hunter2?", "[hunter2"])
def test_a_proxy_whose_password_ends_its_host_is_refused_and_not_shown(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    for name in ("https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://me:{password}@proxy.test:3128")
        assert shell.type("doctor", "--source=kaggle") == 1
        shown = f"{name.upper()}=proxy.test:3128"
        assert f"proxies {shown}" in line_of(shell, "proxies")
        assert "hunter2" not in shell.out + shell.err
        assert shell.download() == 1
        assert shell.error().startswith(
            "The user name or password in "
            f"{name.upper()} (of proxy.test:3128) holds a character that ends a host"
        )
        assert "hunter2" not in shell.out + shell.err
        monkeypatch.delenv(name)


def test_proxies_are_shown_without_their_passwords(
    shell: Shell,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://me:hunter2@proxy.test:3128")
    shell.type("doctor", "--source=demo")
    assert line_of(shell, "proxies") == "ok proxies HTTPS_PROXY=proxy.test:3128"
    assert "hunter2" not in shell.out


def test_a_disk_too_small_stops(
    shell: Shell,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = type("Usage", (), {"free": 2_000_000_000, "total": 9_000_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert shell.type("doctor", "--source=kaggle") == 1
    # 1.81 GB of zips, 3.91 GB of shards at 96 px, 0.10 GB of network
    assert line_of(shell, "disk").startswith("STOP disk 2.0 GB free for ")
    assert "; about 5.8 GB are to come" in line_of(shell, "disk")


def test_a_folder_without_the_files_stops(
    shell: Shell,
    stand_in: StandIn,
    tmp_path: Path,
) -> None:
    (tmp_path / "bare").mkdir()
    assert shell.type("doctor", f"--source={tmp_path / 'bare'}") == 1
    assert line_of(shell, "source").startswith("STOP source")
    assert "lacks images_training_rev1 and" in line_of(shell, "source")


@pytest.mark.parametrize(
    ("gigabytes", "state"), [(1, "STOP"), (2, "note"), (4, "ok"), (64, "ok")]
)
def test_memory_is_told_of_where_a_preset_takes_much_of_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, gigabytes: int, state: str
) -> None:
    monkeypatch.setattr(module, "memory_bytes", lambda: gigabytes * 10**9)
    cpu = Run(make_settings("demo", "cpu"), run.work)
    found = module.check_memory(cpu)
    assert found.state == state
    need = "training and prediction take about 1.4 GB"
    assert found.found == f"{gigabytes}.0 GB; {need}"
    assert ("lower train.batch_size" in found.remedy) == (state != "ok")


def test_a_remedy_stands_below_its_problem() -> None:
    findings = [Finding("ok", "Python", "3"), Finding("STOP", "disk", "full", "Dig.")]
    facts = {"findings": [asdict(finding) for finding in findings]}
    assert describe(facts).splitlines() == [
        "ok    Python  3",
        "STOP  disk    full",
        "              -> Dig.",
    ]


def test_a_backend_that_is_not_installed_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.find_backend() == Finding("ok", "backend", "tensorflow")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = module.find_backend()
    assert (found.state, found.found) == ("STOP", "torch")
    assert found.remedy.startswith("Keras needs the package torch, which is not inst")


def test_what_download_would_say_of_the_files_is_said(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    images = {f"images_training_rev1/{galaxy}.jpg": b"x" for galaxy in TRAIN_IDS[:5]}
    write_zip(folder / "images_training_rev1.zip", images)
    assert shell.type("doctor", f"--source={folder}") == 0
    assert line_of(shell, "source").startswith("note source")
    assert "has 5 images for 24 labelled galaxies" in line_of(shell, "source")
    (folder / "training_solutions_rev1.zip").write_bytes(b"PK")
    assert shell.type("doctor", f"--source={folder}") == 1
    assert line_of(shell, "source").startswith("STOP source")
