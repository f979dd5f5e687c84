"""What the pipeline takes beside its networks: views, input, its own start."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

from pipeline.data.shards import Shards, save_array
from pipeline.runs.paths import PROJECT
from pipeline.settings.schema import Settings, make_settings
from tests.benchmarks.measuring import Result, ratio, result, seconds_of
from tests.full_size import write_full_size
from tests.miniature import some_fractions

NUM_IMAGES, SHARD_SIZE = 2048, 1024
NUM_PREDICTED = 256  # of these, each in all views, in a round
CHEAP = (  # what takes long is left out: only that every artifact is there counts
    *("--preset=tiny", "--train.epochs=1"),
    *("--predict.num_rotations=1", "--predict.flips=false"),
)


def some_shards(folder: Path, image_size: int) -> Shards:
    """Images of noise, mapped into memory as those of a run."""
    rng = np.random.default_rng(0)
    shape = (SHARD_SIZE, image_size, image_size, 3)
    paths = [folder / f"{number}.npy" for number in range(NUM_IMAGES // SHARD_SIZE)]
    for path in paths:
        save_array(path, rng.integers(0, 256, shape, np.uint8))
    arrays = [np.load(path, mmap_mode="r") for path in paths]
    return Shards(np.arange(NUM_IMAGES), arrays)


def prepare(folder: Path) -> tuple[Settings, Shards]:
    """The preset cpu, images of its size, and Keras loaded."""
    from pipeline.settings.backend import start_keras

    start_keras()
    settings = make_settings("demo", "cpu", {"train.weights": "none"})
    return settings, some_shards(folder, settings.preprocess.image_size)


def views(rounds: int) -> list[Result]:
    """Prediction of all views, against the network alone on images that lie ready."""
    with tempfile.TemporaryDirectory() as folder:
        speeds = zip(*predict_both(*prepare(Path(folder)), rounds), strict=True)
    whole, bare = map(list, speeds)
    return [
        result("predict, all views", whole, "images/s"),
        result("forward pass on ready batches", bare, "images/s"),
        ratio("predict over forward pass", whole, bare),
    ]


def predict_both(
    settings: Settings, shards: Shards, rounds: int
) -> list[tuple[float, float]]:
    """Images/s of both, each view counted as one, a pair for each round."""
    from pipeline.inference.views import list_views, predict_rows
    from pipeline.models.network import build_network
    from pipeline.models.precision import computing
    from pipeline.settings.precision import settled

    size, batch_size = shards.image_size, settings.predict.batch_size
    network = build_network(settings.train, size, some_fractions(1)[0])
    ready, rows = shards.gather(np.arange(batch_size)), np.arange(NUM_PREDICTED)
    every = list_views(settings.predict)
    num_views = len(rows) * len(every)

    def bare() -> None:
        for _ in range(num_views // batch_size):
            network.predict_on_batch(ready)

    whole = partial(predict_rows, network, shards, rows, every, batch_size)
    with computing(network, settled("predict", settings.predict.precision)):
        whole(), bare()
        return [
            (num_views / seconds_of(whole), num_views / seconds_of(bare))
            for _ in range(rounds)
        ]


def waiting(rounds: int) -> list[Result]:
    """How much of the training's time is spent until the next batch is there."""
    with tempfile.TemporaryDirectory() as folder:
        shares = waiting_shares(*prepare(Path(folder)), rounds)
    return [result("share of training that waits for input", shares)]


def waiting_shares(settings: Settings, shards: Shards, rounds: int) -> list[float]:
    from pipeline.training import batches, fit
    from pipeline.training.training_set import TrainingSet

    rows = np.arange(NUM_IMAGES)
    targets = some_fractions(NUM_IMAGES).astype(np.float32)
    data = TrainingSet(shards, targets, 1.0, train=rows[:512], validation=rows[512:])
    training, waited = fit.Training(settings.train, data), Waiting()

    def timed(*words: object) -> Iterator[batches.Batch]:
        return waited.through(batches.batches(*words))

    with patch.object(fit, "batches", timed):
        training.fit_batches(NoBar())
        return [waited.share_of(training.fit_batches) for _ in range(rounds)]


class NoBar:
    """A progress bar that is not there."""

    def update(self, num_images: int) -> None: ...


class Waiting:
    """Sums the time that an iterator's user waits for it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def through(self, items: Iterator) -> Iterator:
        while True:
            started = time.perf_counter()
            item = next(items, None)
            self.seconds += time.perf_counter() - started
            if item is None:
                return
            yield item

    def share_of(self, action: Callable[[NoBar], object]) -> float:
        self.seconds = 0.0
        seconds = seconds_of(lambda: action(NoBar()))
        return self.seconds / seconds


def starting(rounds: int, share: float = 1.0) -> list[Result]:
    """Commands that have nothing to do, with the competition at full size."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_full_size(place / "files", share=share)
        command = all_of(place)
        run(*command)
        return [
            result(what, [seconds_of(partial(run, *words)) for _ in range(rounds)], "s")
            for what, words in {
                "--help": ("--help",),
                "all, with nothing to do": command,
            }.items()
        ]


def all_of(place: Path) -> list[str]:
    folders = (f"--work={place / 'work'}", f"--export.folder={place / 'csv'}")
    return ["all", f"--source={place / 'files'}", *folders, *CHEAP]


def run(*words: str) -> None:
    command = [str(PROJECT / "run.sh"), *words]
    subprocess.run(command, check=True, capture_output=True)
