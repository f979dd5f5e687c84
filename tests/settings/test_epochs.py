import pytest

from pipeline.errors import Misuse
from pipeline.settings.epochs import Epochs, epochs_of, part_of


def test_without_cuts_each_epoch_is_an_equal_share() -> None:
    epochs = epochs_of(4, "")
    assert epochs.total == 4
    assert [epochs.share_over(number) for number in range(5)] == [0, 0.25, 0.5, 0.75, 1]


def test_what_is_left_after_a_cut_is_spread_over_fewer_epochs() -> None:
    epochs = epochs_of(10, "5:7")
    assert epochs.total == 7
    shares = [epochs.share_over(number) for number in (4, 5, 6, 7)]
    assert shares == pytest.approx([0.4, 0.5, 0.75, 1.0])


def test_cuts_are_spelled_as_they_are_read() -> None:
    epochs = Epochs(14).cut(8, 12).cut(10, 11)
    assert epochs.spelled == "8:12,10:11"
    assert epochs_of(14, epochs.spelled) == epochs
    assert epochs.share_over(11) == pytest.approx(1)


def test_each_network_has_its_own_part() -> None:
    assert [part_of("8:12//0:3", number) for number in range(4)] == [
        *("8:12", "", "0:3", "")
    ]


@pytest.mark.parametrize(
    "text", ["8", "8:", "12:8", "8:8", "8:14", "8:12,7:11", "8:12,9:12", "-1:3", "a:b"]
)
def test_what_lowers_nothing_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="takes AFTER:EPOCHS"):
        epochs_of(14, text)
