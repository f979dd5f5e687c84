import numpy as np

from pipeline.data.tree import (
    COLUMNS,
    HEADER,
    QUESTIONS,
    answer_slice,
    fractions_to_shares,
    from_top,
    shares_to_fractions,
    tree_violations,
)

# the first galaxy of the training set, as the competition prints it
GALAXY_100008 = np.array(
    """0.383147 0.616853 0 0 0.616853 0.038452149 0.578400851 0.418397819 0.198455181
    0 0.104752126 0.512100874 0 0.054453 0.945547 0.201462524 0.181684476 0 0
    0.0272265 0 0.0272265 0 0 0 0 0 0 0.279952491 0.138445328 0 0 0.092885571 0 0 0
    0.325512248""".split(),
    float,
)[None]


def test_the_header_is_the_competitions() -> None:
    assert len(HEADER) == 38
    assert HEADER[:4] == ("GalaxyID", "Class1.1", "Class1.2", "Class1.3")
    assert HEADER[-6:] == tuple(f"Class11.{answer}" for answer in range(1, 7))


def test_questions_lie_in_the_columns_of_the_published_table() -> None:
    places = [answer_slice(question) for question in QUESTIONS]
    assert [(place.start, place.stop) for place in places] == [
        (0, 3),
        (3, 5),
        (5, 7),
        (7, 9),
        (9, 13),
        (13, 15),
        (15, 18),
        (18, 25),
        (25, 28),
        (28, 31),
        (31, 37),
    ]


def test_questions_from_the_top_come_after_their_parents() -> None:
    order = [question.number for question in from_top()]
    assert sorted(order) == list(range(1, 12))
    for child, parent in ((2, 1), (3, 2), (4, 2), (5, 2), (7, 1), (8, 6), (9, 2)):
        assert order.index(parent) < order.index(child)
    for child in (10, 11):
        assert order.index(4) < order.index(child)


def test_a_real_galaxy_obeys_the_tree() -> None:
    assert not tree_violations(GALAXY_100008).any()


def test_a_moved_vote_is_seen_at_its_question() -> None:
    broken = GALAXY_100008.copy()
    broken[0, COLUMNS.index("Class7.3")] += 0.001
    assert np.flatnonzero(tree_violations(broken)[0]).tolist() == [6]


def test_the_oddness_of_artifacts_counts() -> None:
    # question 6 is asked of everybody, also of the votes for star or artifact
    fractions = np.zeros((1, 37))
    fractions[0, COLUMNS.index("Class1.3")] = 1
    assert np.flatnonzero(tree_violations(fractions)[0]).tolist() == [5]


def test_shares_multiply_down_the_tree() -> None:
    shares = np.zeros((1, 37))
    for column in ("Class2.2", "Class4.1", "Class10.3"):
        shares[0, COLUMNS.index(column)] = 1
    shares[0, COLUMNS.index("Class1.2")] = 0.5
    shares[0, COLUMNS.index("Class4.1")] = 0.4
    fractions = shares_to_fractions(shares)
    assert fractions[0, COLUMNS.index("Class2.2")] == 0.5
    assert fractions[0, COLUMNS.index("Class4.1")] == 0.2
    assert fractions[0, COLUMNS.index("Class10.3")] == 0.2


def test_shares_and_back_is_where_it_began() -> None:
    back = shares_to_fractions(fractions_to_shares(GALAXY_100008))
    np.testing.assert_allclose(back, GALAXY_100008, atol=1e-6)


def test_free_outputs_are_made_to_obey_the_tree() -> None:
    free = np.random.default_rng(0).random((5, 37))
    free[0, 18:25] = 0
    mended = shares_to_fractions(fractions_to_shares(free))
    assert not tree_violations(mended, 1e-12).any()
    assert mended.min() >= 0
    assert mended.max() <= 1
