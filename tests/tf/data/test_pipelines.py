"""Every pipeline of `pipelines.py` gives TensorFlow's elements, in its order, with its specs and cardinality."""

from __future__ import annotations

import json
import os

import pytest

import wengert.tf as tf
from tests.tf.data.pipelines import PIPELINES, STORED, found

THEIRS = json.loads(STORED.read_text())


@pytest.mark.parametrize("name", PIPELINES)
def test_elements_are_those_stored_of_tensorflow(name):
    assert found(tf, name) == THEIRS[name]


def test_what_is_stored_is_what_tensorflow_gives():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")
    tensorflow.autograph.set_verbosity(0)
    for name in PIPELINES:
        assert json.loads(json.dumps(found(tensorflow, name))) == THEIRS[name], name
