"""Chunks of pictures through every network, in every view."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import keras
import numpy as np

from pipeline.catalogues.answers import Answers
from pipeline.catalogues.reading import Seen
from pipeline.data.shards import images_at_once
from pipeline.data.tree import NUM_ANSWERS
from pipeline.inference.ensemble import obeying_tree, open_network
from pipeline.inference.views import distinct_views, list_views, seen_in
from pipeline.models.heads import HEAD_LAYERS
from pipeline.models.precision import computing
from pipeline.runs.graph import Run
from pipeline.settings.precision import settled
from pipeline.settings.schema import PredictConfig


class Ensemble:
    """The finished networks of a run, ready for pictures.

    Attributes:
        networks: each (B, S, S, 3) -> fractions (B, 37), and the first one's features.
        views: of each picture.
        own_views: those that each network tells apart.
    """

    def __init__(
        self,
        networks: Sequence[keras.Model],
        invariant: Sequence[bool],
        config: PredictConfig,
    ) -> None:
        self.networks = [with_features(network) for network in networks]
        self.config, self.views = config, list_views(config)
        self.own_views = [distinct_views(self.views, own) for own in invariant]

    def answer(self, seen: Seen, features: bool) -> Answers:
        """What they say of a chunk.

        Args:
            seen: its pictures.
            features: keep the first network's, the mean over its views.
        """
        good = np.flatnonzero(seen.trouble == "")
        number, step = (
            len(seen.images),
            images_at_once(self.config.batch_size, seen.images.shape[1]),
        )
        fractions = np.full((number, NUM_ANSWERS), np.nan, np.float32)
        spread = fractions.copy()
        width = self.networks[0].output_shape[1][-1] if features else 0
        kept = np.zeros((number, width), np.float16)
        for start in range(0, len(good), step):
            rows = good[start : start + step]
            mean, deviation, own = self.ask(seen.images[rows])
            fractions[rows] = obeying_tree(self.config, mean)
            spread[rows] = deviation
            if features:
                kept[rows] = own
        brightness = seen.images.mean(axis=(1, 2, 3), dtype=np.float32)
        return Answers(fractions, spread, brightness, seen.side, seen.trouble, kept)

    def ask(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The mean and the standard deviation over networks and views; features.

        Args:
            images: (B, S, S, 3) uint8.

        Returns:
            (B, 37) float64 twice, and (B, F) float64.
        """
        sums, squares = np.zeros((2, len(images), NUM_ANSWERS))
        kept: np.ndarray | float = 0.0
        for view, pixels in zip(self.views, seen_in(images, self.views), strict=True):
            for number, network in enumerate(self.networks):
                if view not in self.own_views[number]:
                    continue
                standing_for = len(self.views) / len(self.own_views[number])
                found, features = network.predict_on_batch(pixels)
                sums += standing_for * found
                squares += standing_for * np.square(found, dtype=np.float64)
                if number == 0:
                    kept = kept + standing_for * features.astype(np.float64)
        count = len(self.views) * len(self.networks)
        mean = sums / count
        deviation = np.sqrt(np.maximum(0, squares / count - mean**2))
        return mean, deviation, kept / len(self.views)


def with_features(network: keras.Model) -> keras.Model:
    """The same network that gives what its head is told, too: (B, 37) and (B, F)."""
    logits = network.get_layer(HEAD_LAYERS[0])
    return keras.Model(network.inputs, [network.outputs[0], logits.input])


@contextmanager
def opened(run: Run) -> Iterator[Ensemble]:
    """The finished networks of a run, computing in its precision."""
    size = run.settings.preprocess.image_size
    networks = [open_network(member, size) for member in run.members]
    invariant = [member.config.is_invariant for member in run.members]
    ensemble = Ensemble(networks, invariant, run.settings.predict)
    precision = settled("predict", run.settings.predict.precision)
    with ExitStack() as stack:
        for network in ensemble.networks:
            stack.enter_context(computing(network, precision))
        yield ensemble
