"""The tensors of a file that PyTorch wrote, read without PyTorch."""

import math
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from pipeline.errors import PipelineError

NUM_PREAMBLES = 3  # a magic number, the protocol and the writing machine
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Storage(NamedTuple):
    """The numbers of one or several tensors."""

    word: str  # "storage"
    dtype: str
    key: str
    device: str
    length: int
    view: None


class Place(NamedTuple):
    """Where a tensor lies in its storage, counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def is_inside(self) -> bool:
        """Whether all of it lies in its storage, and is no more than that."""
        counts = (self.offset, *self.shape, *self.strides)
        if not all(type(count) is int and count >= 0 for count in counts):
            return False
        if len(self.shape) != len(self.strides) or 0 in self.shape:
            return False
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((size - 1) * stride for size, stride in steps)
        return max(last + 1, math.prod(self.shape)) <= self.storage.length


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

    def persistent_load(self, storage: tuple[Any, ...]) -> Storage:
        return Storage(*storage)


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state_dict by their names.

    Args:
        path: written by `torch.save` as it was before PyTorch 1.6: a few pickles, then
            the elements of each storage behind their number (int64).

    Raises:
        PipelineError: there is more in it than tensors, or less.
    """
    try:
        with open(path, "rb") as file:
            return read_state(file)
    # what a damaged pickle ends in, or one made to do harm
    except (pickle.UnpicklingError, EOFError, LookupError, MemoryError) as error:
        reason = error
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        reason = error
    raise PipelineError(
        f"{path} does not hold the tensors of a network: {reason}. Is it whole?"
    ) from reason


def read_state(file: BinaryIO) -> dict[str, np.ndarray]:
    for _ in range(NUM_PREAMBLES):
        StateUnpickler(file).load()
    places = StateUnpickler(file).load()
    keys = StateUnpickler(file).load()
    needed = checked_storages(places)
    storages = {key: read_storage(file, needed[key]) for key in keys}
    return {name: cut_out(storages, place) for name, place in places.items()}


def checked_storages(places: Any) -> dict[str, Storage]:
    """The storages of all tensors by their keys.

    Raises:
        ValueError: a tensor is none, or reaches out of its storage.
    """
    if not isinstance(places, dict):
        raise ValueError("it holds no table of tensors")
    storages: dict[str, Storage] = {}
    for name, place in places.items():
        if not isinstance(place, Place) or not isinstance(place.storage, Storage):
            raise ValueError(f"{name} is no tensor")
        if place.storage.dtype not in DTYPES.values():
            raise ValueError(f"{name} is of an unknown type")
        if type(place.storage.length) is not int or not place.is_inside:
            raise ValueError(f"{name} reaches out of its storage")
        if storages.setdefault(place.storage.key, place.storage) != place.storage:
            raise ValueError(f"{name} takes its storage for another")
    return storages


def read_storage(file: BinaryIO, storage: Storage) -> np.ndarray:
    """The elements of the storage that the file stands at, (N,)."""
    (length,) = np.frombuffer(file.read(8), "<i8")
    num_bytes = storage.length * np.dtype(storage.dtype).itemsize
    left = os.fstat(file.fileno()).st_size - file.tell()
    if length != storage.length or num_bytes > left:
        raise ValueError(f"storage {storage.key} is cut off, or of another length")
    return np.frombuffer(file.read(num_bytes), storage.dtype)


def cut_out(storages: dict[str, np.ndarray], place: Place) -> np.ndarray:
    elements = storages[place.storage.key][place.offset :]
    strides = [stride * elements.itemsize for stride in place.strides]
    return np.lib.stride_tricks.as_strided(elements, place.shape, strides).copy()
