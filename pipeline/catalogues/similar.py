"""Which training galaxies a network sees as it sees another one."""

import contextlib
from typing import NamedTuple

import numpy as np

from pipeline.bars import progress
from pipeline.data.shards import images_at_once, save_array
from pipeline.errors import PipelineError
from pipeline.runs.contents import as_made, open_shards
from pipeline.runs.graph import Run
from pipeline.runs.paths import features_file
from pipeline.runs.receipts import making


class Neighbours(NamedTuple):
    """Training galaxies, the most similar first.

    Attributes:
        rows: (n,) of the training shards.
        similarity: (n,) the cosine between features, 1 at most.
    """

    rows: np.ndarray
    similarity: np.ndarray


def find_similar(run: Run, image: np.ndarray, number: int) -> Neighbours:
    """The training galaxies whose features are nearest to an image's.

    Reads   models/<first network>/, shards/train-<digest>
    Writes  features-<digest>/features.npy  (N, F) float16, of the training galaxies

    Args:
        run: whose first network's features.
        image: (S, S, 3) uint8.
        number: how many to find, and one more where the image is among them.
    """
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.catalogues.predicting import with_features
    from pipeline.inference.ensemble import open_network

    network = with_features(open_network(run.members[0], len(image)))
    known = kept_features(run)
    if known is None:
        known = features_of_all(run, network)
        with making(run.features) as made:
            save_array(features_file(made.folder), known)
    (own,) = network.predict_on_batch(image[None])[1]
    return nearest(known.astype(np.float32), own.astype(np.float32), number)


def kept_features(run: Run) -> np.ndarray | None:
    """Those of an earlier time; None where there are none, or other bytes."""
    file = features_file(run.features.folder)
    with contextlib.suppress(PipelineError), as_made(run.features, file):
        return np.load(file)
    return None


def features_of_all(run: Run, network: object) -> np.ndarray:
    """(N, F) float16, in the order of the training shards."""
    shards = open_shards(run.shards("train"), every_byte=True)
    step = images_at_once(run.settings.predict.batch_size, shards.image_size)
    parts = []
    with progress(len(shards), "features", "image") as bar:
        for start in range(0, len(shards), step):
            rows = np.arange(start, min(start + step, len(shards)))
            parts.append(network.predict_on_batch(shards.gather(rows))[1])
            bar.update(len(rows))
    return np.concatenate(parts).astype(np.float16)


def nearest(features: np.ndarray, one: np.ndarray, number: int) -> Neighbours:
    """The rows of (N, F) that point most nearly where (F,) does."""
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(one)
    similarity = features @ one / np.maximum(lengths, np.finfo(np.float32).tiny)
    rows = np.argsort(-similarity, kind="stable")[:number]
    return Neighbours(rows, similarity[rows])
