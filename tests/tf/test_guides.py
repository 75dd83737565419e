"""Programs in the style of TensorFlow's guides give the numbers that TensorFlow 2.21 with Keras 3.15.1 gave for `guides.py`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.tf.test_learning import HERE, run

STORED = {
    "two_players": [0.2380048, 2.088868, 0.2752299, 1.888632, 0.342549, 2.02585, 0.3901732, 1.95081],
    "gradient_penalty": [0.2109527, 0.1140032, 0.01606891, -0.0817447],
    "frozen_then_tuned": [0.7636921, 0.7555865, 0.7458889, 0.7413527],
    "returns_by_a_loop": [13.37657, 12.56085, 11.87265, 11.24763],
    "image_as_variable": [0.79505, 2.998253, 2.974048, 2.940651],
    "accumulated": [0.5728947, 0.5658376, 0.5500469, 0.5453019, 0.5347581, 0.5386761],
}


@pytest.fixture(scope="module")
def found():
    return json.loads(run(str(HERE / "guides.py"), "wengert.tf"))


@pytest.mark.parametrize("name", STORED)
def test_numbers_are_tensorflows(found, name):
    np.testing.assert_allclose(found[name], STORED[name], rtol=2e-6, atol=1e-7)
