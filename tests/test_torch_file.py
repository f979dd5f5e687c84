import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.models.torch_file import read_tensors


class Storage:
    """Pickled as PyTorch pickles the elements of tensors: by a name for them."""

    def __init__(self, kind: str, key: str, length: int) -> None:
        self.name = ("storage", Global("torch", kind), key, "cpu", length, None)


class Global:
    """Pickled as the name of something in a module that is not there."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """Pickled as a call of such a thing."""

    def __init__(self, function: Global, *parts: object) -> None:
        self.function, self.parts = function, parts


class TorchPickler(pickle._Pickler):
    """Writes names of modules that cannot be imported here."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def persistent_id(self, item: object) -> tuple[Any, ...] | None:
        return item.name if isinstance(item, Storage) else None

    def save_name(self, item: Global) -> None:
        self.write(f"c{item.module}\n{item.name}\n".encode())

    def save_call(self, item: Call) -> None:
        self.save(item.function)
        self.save(item.parts)
        self.write(pickle.REDUCE)

    dispatch[Global], dispatch[Call] = save_name, save_call


def write_torch_file(
    path: Path, state: dict[str, object], elements: dict[str, np.ndarray]
) -> Path:
    """The layout of `torch.save` before PyTorch 1.6."""
    buffer = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {}, OrderedDict(state), list(elements)):
        TorchPickler(buffer, protocol=2).dump(part)
    for array in elements.values():
        buffer.write(len(array).to_bytes(8, "little") + array.tobytes())
    path.write_bytes(buffer.getvalue())
    return path


def tensor(storage: Storage, offset: int, shape: tuple, strides: tuple) -> Call:
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, OrderedDict())


def test_tensors_are_cut_out_of_their_storages(tmp_path: Path) -> None:
    floats, longs = Storage("FloatStorage", "7", 12), Storage("LongStorage", "8", 1)
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
    state = {"weight": Call(Global("os", "system"), "true")}
    file = write_torch_file(tmp_path / "bad.pth", state, {})
    with pytest.raises(pickle.UnpicklingError, match="os.system is no part"):
        read_tensors(file)
