"""One word for one thing: texts and identifiers keep to the vocabulary of the field."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
FILES = [
    PROJECT / "README.md",
    *sorted((PROJECT / "docs").glob("*.md")),
    *sorted((PROJECT / "pipeline").rglob("*.py")),
    *sorted((PROJECT / "pipeline").rglob("*.html")),
]
SAY = {  # a pattern that must not occur, and what is said in its place
    r"\bknobs?\b": "setting",
    r"rotated copies|augmented copies|copies per second|copies/s": "views",
    r"galaxies held out\b": "validation galaxies, held-out galaxies",
    r"\bweighed\b|\bweighs\b|\bresembl\w*|\balike\b|worth \d+": "reweighted, weighted",
    r"learnt elsewhere": "pretrained",
    r"(begun|trained|training|begins) from nothing": "trained from scratch",
    r"what is averaged": "network, member, ensemble",
    r"\b(go|goes|going|went) on from\b|goes on where": "resume",
    r"always let by|\blet by\b": "tolerated",
    r"\bis no (readable|whole|complete)\b": "is not a ...",
    r"\b(is|are) no (number|integer|zip|file|folder|link|path|setting)\b": "is not a",
    r"ran away|no number any more|runs away": "training diverged",
    r"\bin trouble\b|went silent|fell silent": "server error, timed out",
    r"within reach": "fetch the competition files",
    r"column means score": "baseline (training column means)",
    r"farthest off|far off\b": "largest error",
    r"same command goes on": "run the same command to resume",
    r"so-many|manieth": "every k-th row",
    r"whole numbers?\b": "integer",
    r"\b1 (networks|views|epochs|images|galaxies|rows|files)\b": "1 network",
    r"\bval_|\bval\b|\bclass_names\b|\bxs\b|\bimgs\b": "validation, images",
    r"\b(test|train|val)_?set_?labels\b": "targets",
}
OLD_SETTINGS = PROJECT / "pipeline" / "settings" / "parsing.py"  # named to be refused


@pytest.mark.parametrize("pattern", SAY)
def test_words_are_those_of_the_vocabulary(pattern: str) -> None:
    found = [
        f"{file.relative_to(PROJECT)}:{number}: {line.strip()}"
        for file in FILES
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
        if re.search(pattern, line, re.IGNORECASE)
        and not (file == OLD_SETTINGS and '": "' in line)
    ]
    assert not found, f"say {SAY[pattern]}: {found}"


def test_four_numbers_have_four_names() -> None:
    names = {
        word
        for file in FILES
        if file.suffix == ".py"
        for word in re.findall(r'"(\w*rmse)"', file.read_text(encoding="utf-8"))
    }
    of_a_network = {
        *("epoch_rmse", "validation_rmse"),
        *("weighted_validation_rmse", "expected_rmse"),
    }
    # of the training batches; of a submission with known solutions, and the baseline's
    others = {"train_rmse", "rmse", "baseline_rmse"}
    assert of_a_network <= names
    assert names <= of_a_network | others
