"""The tensors of a file that PyTorch wrote, read without PyTorch."""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

NUM_PREAMBLES = 3  # a magic number, the protocol and the writing machine
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Place(NamedTuple):
    """Where a tensor lies in its storage, counted in elements."""

    storage: tuple[Any, ...]  # "storage", its dtype, its key, ...
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class StateUnpickler(pickle.Unpickler):
    """Unpickles tensors as `Place`, and runs nothing else that a file may name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *parts: Place(*parts[:4])
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")

    def persistent_load(self, storage: tuple[Any, ...]) -> tuple[Any, ...]:
        return storage


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state_dict by their names.

    Args:
        path: written by `torch.save` as it was before PyTorch 1.6: a few pickles, then
            the elements of each storage behind their number (int64).

    Raises:
        pickle.UnpicklingError: there is more in it than tensors.
    """
    with open(path, "rb") as file:
        for _ in range(NUM_PREAMBLES):
            StateUnpickler(file).load()
        places = StateUnpickler(file).load()
        keys = StateUnpickler(file).load()
        dtypes = {place.storage[2]: place.storage[1] for place in places.values()}
        storages = {key: read_storage(file, dtypes[key]) for key in keys}
    return {name: cut_out(storages, place) for name, place in places.items()}


def read_storage(file: BinaryIO, dtype: str) -> np.ndarray:
    """The elements of the storage that the file stands at, (N,)."""
    (length,) = np.frombuffer(file.read(8), "<i8")
    return np.frombuffer(file.read(int(length) * np.dtype(dtype).itemsize), dtype)


def cut_out(storages: dict[str, np.ndarray], place: Place) -> np.ndarray:
    elements = storages[place.storage[2]][place.offset :]
    strides = [stride * elements.itemsize for stride in place.strides]
    return np.lib.stride_tricks.as_strided(elements, place.shape, strides).copy()
