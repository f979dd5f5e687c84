"""How fast this machine trains and predicts with a network: the first steps, timed."""

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.inference.views import distinct_views, list_views, seen_in
from pipeline.models.precision import computing
from pipeline.runs.contents import load_ids
from pipeline.runs.graph import Member, Run
from pipeline.settings.planning import Pace
from pipeline.settings.precision import settled
from pipeline.training.batches import Batch, batch_sizes, batches
from pipeline.training.fit import Training
from pipeline.training.galaxy_weights import thinned
from pipeline.training.training_set import TrainingSet, load_training_set

TIMED_SECONDS = 6.0
WARM_CALLS = 3  # the first of them compiles


def measure_pace(run: Run, member: Member) -> Pace:
    """Times the steps of a training, which is thrown away, and views of its images.

    Reads   shards/, raw/ (solutions)
    """
    started = time.monotonic()
    data = load_training_set(run, member)
    training = Training(member.config, data)
    endless = endless_batches(training)
    with computing(training.network, training.precision):
        step = seconds_each(lambda: training.devices.fit(next(endless)))
    precision = settled("predict", run.settings.predict.precision)
    with computing(training.network, precision):
        view = seconds_per_view(run, training, data)
    beside = time.monotonic() - started - 2 * TIMED_SECONDS
    num_test, num_validation = len(load_ids(run.shards("test"))), len(data.validation)
    if data.test is not None:
        beside += view * sum(map(len, map(thinned, (data.targets, data.test.rows))))
    return Pace(
        epoch=step * batch_sizes(member.config, data).steps + view * num_validation,
        view=view * (num_test + num_validation),
        beside=max(0.0, beside),
    )


def endless_batches(training: Training) -> Iterator[Batch]:
    for epoch in itertools.count():
        weights = training.state.weights
        yield from batches(training.config, training.data, weights, epoch)


def seconds_per_view(run: Run, training: Training, data: TrainingSet) -> float:
    """Of one image in one view, the mean over all that are asked for."""
    config, every = run.settings.predict, list_views(run.settings.predict)
    images = data.shards.gather(np.arange(min(config.batch_size, len(data.targets))))
    own = distinct_views(every, training.config.is_invariant)
    seen = seen_in(images, itertools.cycle(own))

    def look() -> None:
        training.network.predict_on_batch(next(seen))

    return seconds_each(look) / len(images) * len(own) / len(every)


def seconds_each(call: Callable[[], object]) -> float:
    """The mean time of a call, once it is warm."""
    for _ in range(WARM_CALLS):
        call()
    started, calls = time.monotonic(), 0
    while (spent := time.monotonic() - started) < TIMED_SECONDS:
        call()
        calls += 1
    return spent / calls
