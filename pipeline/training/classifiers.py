"""The course report's two classifiers of galaxies: what each fits, and how well."""

import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.bars import progress
from pipeline.settings.schema import ClassifyConfig

if TYPE_CHECKING:
    import keras


class Part(NamedTuple):
    """Images (N, S, S, 3) uint8 and their classes (N,), 0 to 2."""

    images: np.ndarray
    classes: np.ndarray


class Fitted(NamedTuple):
    """What a classifier says of the test galaxies, and what that took.

    Attributes:
        predicted: (N,) classes.
        seconds: to fit and to predict.
        zero_share: the share of its weights that are exactly zero; None: it has none.
        note: how the fit went, in a few words.
    """

    predicted: np.ndarray
    seconds: float
    zero_share: float | None
    note: str


def commonest(fit: Part, test: Part) -> Fitted:
    """Says of every galaxy what most galaxies are."""
    from sklearn.dummy import DummyClassifier

    model = DummyClassifier(strategy="most_frequent")
    model.fit(flat(fit.images), fit.classes)
    return Fitted(model.predict(flat(test.images)), 0.0, None, "")


def logistic_regression(config: ClassifyConfig, fit: Part, test: Part) -> Fitted:
    """Multinomial, on pixels scaled to zero mean and unit variance."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    started = time.monotonic()
    scaler = StandardScaler()
    pixels = scaler.fit_transform(flat(fit.images))
    model = LogisticRegression(  # its penalty is l2 unless told otherwise
        solver="sag",
        max_iter=config.max_iterations,
        tol=config.tolerance,
        class_weight="balanced" if config.class_weights else None,
        random_state=config.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told in the note
        model.fit(pixels, fit.classes)
    passes = int(model.n_iter_.max())
    stopped = "stopped" if passes == config.max_iterations else "converged"
    predicted = model.predict(scaler.transform(flat(test.images)))
    return Fitted(
        predicted,
        time.monotonic() - started,
        float((model.coef_ == 0).mean()),
        f"{stopped} after {passes} passes",
    )


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)


def small_cnn(config: ClassifyConfig, fit: Part, watch: Part, test: Part) -> Fitted:
    """The course report's network, trained from scratch; its best epoch counts."""
    from pipeline.settings.backend import start_keras

    start_keras(config.seed)
    import keras

    from pipeline.models.sirressi2020 import build_classifier

    started = time.monotonic()
    network = build_classifier(fit.images.shape[1])
    network.compile(
        keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy()
    )
    weights = balanced_weights(fit.classes) if config.class_weights else None
    rng = np.random.default_rng(config.seed)
    watched: list[float] = []
    best = network.get_weights()
    with progress(config.epochs, "small CNN", "epoch") as bar:
        for _ in range(config.epochs):
            for rows in batches(rng.permutation(len(fit.classes)), config.batch_size):
                network.train_on_batch(
                    fit.images[rows], fit.classes[rows], class_weight=weights
                )
            guessed = predict_classes(network, watch.images, config.batch_size)
            accuracy = float((guessed == watch.classes).mean())
            if accuracy > max(watched, default=-1.0):
                best = network.get_weights()
            watched.append(accuracy)
            bar.update(1)
    network.set_weights(best)
    predicted = predict_classes(network, test.images, config.batch_size)
    values = np.concatenate([weight.ravel() for weight in network.get_weights()])
    return Fitted(
        predicted,
        time.monotonic() - started,
        float((values == 0).mean()),
        "watched accuracy after each epoch, of which the best counts: "
        + ", ".join(f"{100 * accuracy:.0f}" for accuracy in watched)
        + " %",
    )


def predict_classes(
    network: "keras.Model", images: np.ndarray, batch_size: int
) -> np.ndarray:
    """The likeliest class of each image: (N,)."""
    parts = [
        network.predict_on_batch(images[rows]).argmax(axis=1)
        for rows in batches(np.arange(len(images)), batch_size)
    ]
    return np.concatenate(parts)


def batches(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The rows in groups of `size`, the last one smaller where they do not go up."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def balanced_weights(classes: np.ndarray) -> dict[int, float]:
    """For each class, how much rarer it is than if all were as common."""
    from sklearn.utils.class_weight import compute_class_weight

    known = np.unique(classes)
    weights = compute_class_weight("balanced", classes=known, y=classes)
    return dict(zip(known.tolist(), weights.tolist(), strict=True))


def judge(
    name: str, fitted: Fitted, truth: np.ndarray, num_classes: int
) -> dict[str, Any]:
    """Accuracy and confusion of a classifier, as a receipt holds them."""
    from sklearn.metrics import accuracy_score, confusion_matrix, recall_score

    accuracy = float(accuracy_score(truth, fitted.predicted))
    there = np.unique(truth)  # a class without galaxies has no recall
    recall = recall_score(truth, fitted.predicted, labels=there, average="macro")
    confusion = confusion_matrix(truth, fitted.predicted, labels=np.arange(num_classes))
    return {
        "name": name,
        "accuracy": accuracy,
        "standard_error": float(np.sqrt(accuracy * (1 - accuracy) / len(truth))),
        "balanced_accuracy": float(recall),
        "confusion": confusion.tolist(),
        "seconds": round(fitted.seconds, 1),
        "zero_share": fitted.zero_share,
        "note": fitted.note,
    }
