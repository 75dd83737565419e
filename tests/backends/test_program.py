"""What a compiled program takes for an array."""

from __future__ import annotations

import numpy as np
import pytest

from tests.loops.tools import compiled
from tests.rules.harness import Program, node_of
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives


class Own(np.ndarray):
    """An array of a kind of its own."""


THREE = np.frombuffer(b" " + np.float32(3.0).tobytes(), np.float32, 1, 1)[0:1].reshape(())  # at an odd address


@pytest.mark.parametrize(
    "value",
    [np.float32(3.0), np.array(3.0, np.float32).view(Own), THREE],
    ids=["a NumPy scalar", "a subclass", "an odd address"],
)
def test_what_is_no_plain_array_is_read_through_one(value):
    with separate_tape(), tracking(False):
        x = node_of(np.array(1.0, np.float32))
        program = Program([x], [primitives.add(x, x)])
    (found,) = compiled(program.graph).run([value])
    assert found.dtype == np.float32 and found == 6
