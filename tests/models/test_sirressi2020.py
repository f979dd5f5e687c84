from pathlib import Path

from tests.networks import assert_survives_saving, build, build_small, noise, predict


def test_the_course_reports_network_has_its_layers() -> None:
    network = build("sirressi2020")
    convolutions = (7 * 7 * 3 + 1) * 10 + (5 * 5 * 10 + 1) * 10
    dense = (26 * 26 * 10 + 1) * 128 + (128 + 1) * 37  # 212 px / 4 / 2 = 26 of 53
    assert network.count_params() == convolutions + dense
    assert predict(network, noise(2, 212)).shape == (2, 37)


def test_the_course_reports_network_survives_saving(tmp_path: Path) -> None:
    network = build_small(model="sirressi2020", head="linear")
    assert_survives_saving(network, noise(3, 32), tmp_path / "model.keras")
