import io
import os
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.models.torch_file import read_tensors


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """As much of PyTorch as its files name."""

    def _rebuild_tensor_v2(*parts: object) -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = utils
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


class Storage:
    """Elements of tensors; pickled as their name."""

    def __init__(self, kind: type, key: str, length: int) -> None:
        self.name = ("storage", kind, key, "cpu", length, None)


class Call:
    """Pickled as a call of the function."""

    def __init__(self, function: Any, *parts: object) -> None:
        self.reduced = function, parts

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return self.reduced


class NamingPickler(pickle.Pickler):
    def persistent_id(self, item: object) -> tuple[Any, ...] | None:
        return item.name if isinstance(item, Storage) else None


def write_torch_file(
    path: Path, state: dict[str, object], elements: dict[str, np.ndarray]
) -> Path:
    """The layout of `torch.save` before PyTorch 1.6."""
    buffer = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {}, OrderedDict(state), list(elements)):
        NamingPickler(buffer, protocol=2).dump(part)
    for array in elements.values():
        buffer.write(len(array).to_bytes(8, "little") + array.tobytes())
    path.write_bytes(buffer.getvalue())
    return path


def test_tensors_are_cut_out_of_their_storages(
    torch: ModuleType, tmp_path: Path
) -> None:
    def tensor(storage: Storage, offset: int, shape: tuple, strides: tuple) -> Call:
        rest = False, OrderedDict()
        rebuild = torch._utils._rebuild_tensor_v2
        return Call(rebuild, storage, offset, shape, strides, *rest)

    floats, longs = (
        Storage(torch.FloatStorage, "7", 12),
        Storage(torch.LongStorage, "8", 1),
    )
    state = {
        "whole": tensor(floats, 0, (3, 4), (4, 1)),
        "turned": tensor(floats, 4, (4, 2), (1, 4)),
        "counted": tensor(longs, 0, (), ()),
    }
    elements = {"7": np.arange(12, dtype="<f4"), "8": np.array([5], "<i8")}
    found = read_tensors(write_torch_file(tmp_path / "a.pth", state, elements))
    np.testing.assert_array_equal(found["whole"], np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(found["turned"], [[4, 8], [5, 9], [6, 10], [7, 11]])
    assert found["counted"] == 5


def spoiled_file(
    torch: ModuleType, path: Path, place: tuple = (0, (3, 4), (4, 1)), **other: object
) -> Path:
    """A file whose one tensor of twelve elements lies where it is told."""
    changed = {"kind": torch.FloatStorage, "key": "7", "length": 12} | other
    storage = Storage(changed["kind"], changed["key"], changed["length"])
    rebuild = torch._utils._rebuild_tensor_v2
    state = {"a": Call(rebuild, storage, *place, False, OrderedDict())}
    return write_torch_file(path, state, {"7": np.arange(12, dtype="<f4")})


HUGE = 2**62


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ((1, (3, 4), (4, 1)), "a reaches out of its storage"),
        ((-1, (3, 4), (4, 1)), "a reaches out of its storage"),
        ((0, (3, 4), (5, 1)), "a reaches out of its storage"),
        ((0, (3, 4), (4, -1)), "a reaches out of its storage"),
        ((0, (-3, 4), (4, 1)), "a reaches out of its storage"),
        ((0, (HUGE, HUGE), (0, 0)), "a reaches out of its storage"),
        ((0, (3,), (1, 1)), "a reaches out of its storage"),
        ((0, ("3",), (1,)), "a reaches out of its storage"),
        ((0, 12, 1), "Value after * must be an iterable, not int"),
    ],
)
def test_a_tensor_that_reaches_out_of_its_storage_is_refused(
    torch: ModuleType, tmp_path: Path, place: tuple, reason: str
) -> None:
    file = spoiled_file(torch, tmp_path / "a.pth", place)
    with pytest.raises(PipelineError) as refusal:
        read_tensors(file)
    assert str(refusal.value) == (
        f"{file} does not hold the tensors of a network: {reason}. Is it whole?"
    )


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"length": 13}, "storage 7 is cut off, or of another length"),
        ({"length": 11}, "a reaches out of its storage"),
        ({"length": HUGE}, "storage 7 is cut off, or of another length"),
        ({"key": "8"}, "'7'"),
    ],
)
def test_a_storage_that_is_not_what_is_said_of_it_is_refused(
    torch: ModuleType, tmp_path: Path, other: dict, reason: str
) -> None:
    file = spoiled_file(torch, tmp_path / "a.pth", **other)
    with pytest.raises(PipelineError) as refusal:
        read_tensors(file)
    assert f"tensors of a network: {reason}. Is it whole?" in str(refusal.value)


def test_a_file_cut_short_anywhere_is_refused(
    torch: ModuleType, tmp_path: Path
) -> None:
    whole = spoiled_file(torch, tmp_path / "a.pth").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "a.pth").write_bytes(whole[:length])
        with pytest.raises(PipelineError, match="does not hold the tensors"):
            read_tensors(tmp_path / "a.pth")


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"a": {"b": 2}}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    file = tmp_path / "a.pth"
    file.write_bytes(b"".join(pickle.dumps(part) for part in ({}, {}, {}, content, [])))
    with pytest.raises(PipelineError, match=r"holds no table|a is no tensor"):
        read_tensors(file)


def test_a_file_that_would_run_something_is_refused(tmp_path: Path) -> None:
    state = {"weight": Call(os.getcwd)}
    file = write_torch_file(tmp_path / "bad.pth", state, {})
    with pytest.raises(PipelineError, match="getcwd is no part of a tensor"):
        read_tensors(file)
