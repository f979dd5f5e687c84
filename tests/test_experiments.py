"""Settings tried on ranges of ids, on galaxies in miniature."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.data.archives import list_jpegs
from pipeline.data.tables import read_fractions
from pipeline.sources.folder import find_files
from tests import experiments
from tests.experiments import Result, as_table, compare, write_range
from tests.miniature import TRAIN_IDS


def test_the_galaxies_of_a_range_are_the_test_set_and_no_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = ((0, 100_007), (100_008, 100_015), (100_016, 999_999))
    monkeypatch.setattr(experiments, "RANGES", bounds)
    known, fractions = read_fractions(find_files(folder)["solutions"])
    for part in (1, 2, 3):
        out = tmp_path / f"{part}"
        write_range(folder, out, part)
        files = find_files(out)
        ids, labels = read_fractions(files["solutions"])
        inside = TRAIN_IDS[8 * (part - 1) : 8 * part].tolist()
        assert ids.tolist() == [own for own in TRAIN_IDS if own not in inside]
        np.testing.assert_allclose(labels, fractions[np.isin(known, ids)], atol=1e-6)
        assert [*list_jpegs(files["train_images"])] == ids.tolist()
        assert [*list_jpegs(files["test_images"])] == inside
        assert read_fractions(files["sample"])[0].tolist() == inside


def test_what_is_tried_is_held_to_the_preset_on_the_same_galaxies() -> None:
    targets = np.zeros((50, 37))
    plain = Result(np.full((50, 37), 0.10), targets)
    better = Result(np.full((50, 37), 0.09), targets)
    trials = [
        compare(plain, plain, "", part=1, seed=0),
        compare(better, plain, "train.epochs=9", part=1, seed=0),
    ]
    assert [trial.difference for trial in trials] == pytest.approx([0, -0.01])
    first, second = as_table(trials).splitlines()[1:]
    assert first.split() == "as it is 1 0 50 0.1000 ± 0.0000 +0.0000 ± 0.0000".split()
    assert "train.epochs=9" in second
    assert "-0.0100" in second
