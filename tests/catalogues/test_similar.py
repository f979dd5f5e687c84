import numpy as np

from pipeline.catalogues.similar import nearest


def test_the_nearest_point_the_same_way_however_long_they_are() -> None:
    features = np.array([[1, 0], [0, 5], [3, 3], [-1, 0], [0, 0]], np.float32)
    found = nearest(features, np.array([2, 2.1], np.float32), 3)
    assert found.rows.tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.similarity, [0.9997, 0.7241, 0.6897], atol=1e-4)
    assert nearest(features, np.ones(2, np.float32), 9).rows[-1] == 3
