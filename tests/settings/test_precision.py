import pytest

from pipeline.errors import PipelineError
from pipeline.settings import precision
from pipeline.settings.backend import backend_name
from pipeline.settings.precision import check_precision, settled
from pipeline.settings.schema import make_settings
from tests.terminal import Terminal

SLOW = (
    "predict.precision=bfloat16 is slower than float32 here: this processor has no "
    "instructions for it"
)


@pytest.fixture
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What computes there, in words: "cpu native"; "cpu old" has no AVX-512."""
    words = request.param.split()
    monkeypatch.setattr(precision, "has_gpu", lambda: "gpu" in words)
    monkeypatch.setattr(precision, "has_bfloat16", lambda: "native" in words)
    monkeypatch.setattr(precision, "can_bfloat16", lambda: "old" not in words)


@pytest.mark.parametrize("section", ["train", "predict"])
@pytest.mark.parametrize("machine", ["cpu old", "cpu"], indirect=True)
def test_auto_is_float32_where_fewer_bits_are_slower(
    section: str, machine: None
) -> None:
    assert settled(section, "auto", "compact") == "float32"


@pytest.mark.skipif(backend_name() != "tensorflow", reason="TensorFlow's kernels")
@pytest.mark.parametrize("machine", ["cpu native"], indirect=True)
def test_auto_takes_fewer_bits_where_they_are_known_to_gain(machine: None) -> None:
    assert settled("predict", "auto") == "bfloat16"
    assert settled("train", "auto", "compact") == "bfloat16"
    assert settled("train", "auto", "efficientnetlite0") == "float32"


@pytest.mark.parametrize("machine", ["gpu"], indirect=True)
def test_auto_is_float16_on_a_gpu(machine: None) -> None:
    assert settled("train", "auto") == "float16"


@pytest.mark.parametrize("machine", ["cpu old"], indirect=True)
def test_bfloat16_that_would_have_no_effect_is_refused(machine: None) -> None:
    with pytest.raises(PipelineError) as refusal:
        settled("predict", "bfloat16")
    assert str(refusal.value) == (
        "predict.precision=bfloat16 needs a processor with AVX-512, or a GPU. Set "
        "predict.precision to auto or float32."
    )


@pytest.mark.parametrize("machine", ["cpu", "gpu"], indirect=True)
@pytest.mark.parametrize("word", ["float32", "bfloat16"])
def test_what_is_typed_is_done(word: str, machine: None) -> None:
    assert settled("train", word) == word


@pytest.mark.parametrize("machine", ["gpu"], indirect=True)
def test_gpus_have_float16(machine: None) -> None:
    assert settled("predict", "float16") == "float16"


@pytest.mark.parametrize("machine", ["cpu native"], indirect=True)
def test_a_cpu_has_no_float16(machine: None) -> None:
    with pytest.raises(PipelineError) as refusal:
        settled("train", "float16")
    assert str(refusal.value) == (
        "train.precision=float16 is for GPUs, and Keras finds none here. Set "
        "train.precision to auto, bfloat16 or float32."
    )


def test_float16_is_refused_before_any_work(terminal: Terminal) -> None:
    words = ("--source=demo", "--preset=tiny", "--set=predict.precision=float16")
    assert terminal.type("all", *words) == 1
    assert terminal.error.startswith("predict.precision=float16 is for GPUs")
    assert not [*terminal.work.glob("raw*")]


def test_another_word_is_a_misuse(terminal: Terminal) -> None:
    assert terminal.type("all", "--set", "train.precision=double") == 2
    assert terminal.error == (
        'train.precision takes one of auto, float32, bfloat16, float16. Got "double".'
    )


@pytest.mark.parametrize(
    ("machine", "stages", "told"),
    [
        ("cpu", ["predict"], [SLOW]),
        ("cpu", ["train", "predict"], [SLOW]),
        ("cpu", ["train"], []),
        ("cpu native", ["predict"], []),
        ("gpu", ["predict"], []),
    ],
    indirect=["machine"],
)
def test_bfloat16_without_instructions_is_told_to_be_slow(
    machine: None, stages: list[str], told: list[str]
) -> None:
    settings = make_settings("demo", "tiny", {"predict.precision": "bfloat16"})
    assert [*check_precision(settings, stages)] == told


@pytest.mark.parametrize("word", ["auto", "float32"])
def test_what_every_machine_has_is_not_looked_at_before_work(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "load_keras", lambda together: pytest.fail("loaded"))
    settings = make_settings("demo", "tiny", {"train.precision": word})
    assert not [*check_precision(settings, ["train", "predict"])]
