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


def test_a_file_that_would_run_something_is_refused(tmp_path: Path) -> None:
    state = {"weight": Call(os.getcwd)}
    file = write_torch_file(tmp_path / "bad.pth", state, {})
    with pytest.raises(pickle.UnpicklingError, match="getcwd is no part of a tensor"):
        read_tensors(file)
