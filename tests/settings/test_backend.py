import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.runs.paths import PROJECT
from pipeline.settings import backend
from pipeline.settings.backend import backend_name, check_backend, kept_variables
from tests.networks import build_small
from tests.terminal import Terminal

CHANNELS_FIRST = {
    "backend": "jax",
    "floatx": "float16",
    "epsilon": 1e-3,
    "image_data_format": "channels_first",
}
TELL = """
import json, os, sys
told = keras.config
print(json.dumps([told.backend(), told.floatx(), told.epsilon(),
    told.image_data_format(), told.dtype_policy().name, told.max_epochs()]))
print(keras.saving.load_model(sys.argv[1]).output_shape[1], os.listdir(sys.argv[2]))
"""


def python(code: str, *words: object, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "file"),
    [
        ("import pipeline.models, keras", json.dumps(CHANNELS_FIRST)),
        ("import keras, pipeline.models", '{"image_data_format": "channels_first"}'),
    ],
)
def test_a_notebook_has_our_settings_and_layers_whatever_keras_is_told(
    first: str, file: str, tmp_path: Path
) -> None:
    network, home = tmp_path / "model.keras", tmp_path / "home"
    build_small().save(network)
    home.mkdir()
    (home / "keras.json").write_text(file)
    (tmp_path / "matplotlibrc").write_bytes(b"text.usetex: True\n\xff")
    names = {"KERAS_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    if first.startswith("import pipeline"):  # else Keras has read them before us
        names |= {"KERAS_MAX_EPOCHS": "many", "TF_XLA_FLAGS": "--nonsense"}
        names |= {"XLA_FLAGS": "--xla_gpu_cuda_data_dir=/cuda --nonsense"}
        names |= {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    else:
        (tmp_path / "matplotlibrc").unlink()
    environment = {**os.environ, **names}
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)  # of this process's own Keras
    done = python(first + TELL, network, home, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    settings, rest = done.stdout.splitlines()
    assert json.loads(settings) == [
        *("tensorflow", "float32", 1e-7, "channels_last", "float32", None)
    ]
    assert rest == "37 ['keras.json']"
    assert (home / "keras.json").read_text() == file
    if "XLA_FLAGS" in names:
        assert done.stderr == (
            "ignored, since results would depend on it: KERAS_MAX_EPOCHS=many, "
            "TF_XLA_FLAGS=--nonsense, XLA_FLAGS=--nonsense\n"
        )


def test_an_unknown_backend_is_refused_in_every_command_that_names_networks(
    later: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "pytorch")
    for command in ("all", "status"):
        assert later.type(command) == 2
        assert later.error == (
            'KERAS_BACKEND takes tensorflow, torch, jax. Got "pytorch". '
            'Did you mean "torch"?'
        )


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_a_backend_that_is_not_installed_is_told_before_any_work(
    name: str, terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert terminal.run_all(folder) == 1
    release = {"torch": "torch==2.13.0", "jax": "jax==0.10.2"}[name]
    assert terminal.error == (
        f"Keras needs the package {name}, which is not installed. Run "
        f'"{sys.executable} -m pip install {release}", or unset KERAS_BACKEND.'
    )
    assert not terminal.work.exists()


@pytest.mark.parametrize(
    ("found", "words", "line"),
    [
        ("3.3.3", (), "The pipeline needs Keras 3.4 or newer, and this Python has "),
        ("2.15.0", (), "The pipeline needs Keras 3.4 or newer, and this Python has "),
        (
            "3.12.4",
            ("--set=train.optimizer=muon",),
            "train.optimizer=muon needs Keras 3.13 or newer, and this Python has ",
        ),
    ],
)
def test_an_old_keras_is_told_before_any_work(
    found: str,
    words: tuple[str, ...],
    line: str,
    terminal: Terminal,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: found)
    assert terminal.run_all(folder, *words) == 1
    assert terminal.error.startswith(f"{line}{found}. Run ")
    assert not (terminal.work / "raw").exists()


def test_its_remedy_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "3.3.3")
    with pytest.raises(PipelineError) as refusal:
        check_backend()
    assert str(refusal.value).endswith(
        f"Run \"{sys.executable} -m pip install 'keras>=3.4'\"."
    )


def test_an_empty_variable_means_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert backend_name() == "tensorflow"
    check_backend()


def test_keras_loaded_with_another_backend_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = "jax" if backend_name() != "jax" else "torch"
    loaded = backend_name()
    monkeypatch.setenv("KERAS_BACKEND", other)
    with pytest.raises(PipelineError) as refusal:
        backend.load_keras()
    assert str(refusal.value) == (
        f"Keras was loaded with the backend {loaded}, not {other}. Set KERAS_BACKEND "
        "before Keras is imported."
    )


def test_the_releases_are_those_that_tests_and_runs_install() -> None:
    tests = Path(__file__).parents[1]
    pinned = (tests / "requirements-backends.txt").read_text()
    pinned += (tests.parent / "requirements.txt").read_text()
    for release in backend.BACKENDS.values():
        assert release in pinned


def test_what_fits_keras_to_the_machine_is_kept_and_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*backend.KEPT, "XLA_FLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backend, "instructions", set)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/cuda")
    backend.drop_variables()
    assert os.environ["XLA_FLAGS"] == "--xla_gpu_cuda_data_dir=/cuda"
    assert kept_variables() == {"OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize(
    ("flags", "noted"),
    [
        ("avx2 fma", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
        ("avx2 avx512f", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
        ("avx2 avx512f avx512_vnni", {}),  # there it is on unasked
        ("avx2 avx_vnni", {}),
        ("sse4_1", {}),
    ],
)
def test_onednn_is_asked_for_where_tensorflow_would_do_without_and_noted(
    flags: str, noted: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in backend.KEPT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backend, "instructions", lambda: set(flags.split()))
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # the user's own does not count
    assert kept_variables() == noted


def test_a_keras_that_was_imported_before_us_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backend, "instructions", lambda: {"avx2"})
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    backend.load_keras()
    assert "Keras was imported before the pipeline" in caplog.text
    caplog.clear()
    backend.load_keras()
    assert not caplog.records


def test_the_users_own_lists_of_the_rewrite_are_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL"
    monkeypatch.setenv(name, "TREAT_INFER_AS_DENY")
    backend.drop_variables()
    assert name not in os.environ
    assert f"{name}=TREAT_INFER_AS_DENY" in caplog.text


@pytest.mark.parametrize(
    ("gpu", "wished", "asked"), [(True, True, 1), (True, False, 0), (False, True, 0)]
)
def test_a_gpu_repeats_itself_unless_train_deterministic_says_no(
    gpu: bool, wished: bool, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(backend, "has_gpu", lambda: gpu)
    monkeypatch.setattr(backend, "backend_name", lambda: "tensorflow")
    monkeypatch.setattr(backend, "load_keras", lambda together: None)
    monkeypatch.setattr(
        "tensorflow.config.experimental.enable_op_determinism", lambda: calls.append(1)
    )
    backend.start_keras(deterministic=wished)
    assert len(calls) == asked


LAST_WORDS = """
import ctypes, os, sys
from pipeline.settings.backend import silence
with silence("tensorflow"):
    os.write(2, b"I0000 chatter\\nF0000 Unknown flag --nonsense\\n")
    if sys.argv[1] == "exit":
        ctypes.CDLL(None).exit(1)
    if sys.argv[1] == "abort":
        os.abort()
    if sys.argv[1] == "error":
        raise ImportError("no such library")
    if sys.argv[1] == "interrupt":
        raise SystemExit(130)
"""
DIED = (
    "F0000 Unknown flag --nonsense\nerror: the process ended while tensorflow was "
    "loading; what that said last, if anything, is above. "
    '"./run.sh doctor" looks closer.\n'
)


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("none", 0, ""),
        ("interrupt", 130, ""),
        ("exit", 1, DIED),
        ("abort", -6, DIED),
        ("error", 1, "F0000 Unknown flag --nonsense\nTraceback"),
    ],
)
def test_native_code_has_its_last_words_where_it_ends_the_process(
    ending: str, code: int, said: str
) -> None:
    done = python(LAST_WORDS, ending)
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert bool(done.stderr) == bool(said)


def test_a_broken_package_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keras.py").write_text("raise ImportError('libcuda.so: no such file')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(PipelineError) as refusal:
        backend.import_keras("tensorflow")
    assert str(refusal.value) == (
        "Keras does not load with the backend tensorflow: libcuda.so: no such file. "
        "Is the package tensorflow==2.21.0 installed whole, and built for this machine?"
    )
