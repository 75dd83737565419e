"""Which inputs decide whether a program's indices are within bounds."""

import numpy as np
import pytest

from wengert.dtypes import bfloat16, bool_, float16, float32, int8, int64, uint8
from wengert.graph.node import array_type
from wengert.loops.indices import needed
from wengert.loops.nest import Add, Apply, Axis, Load, Lookup, Nest, Number, Program, Store

TABLE, INDEX, NINE, MADE, OUT = range(5)


def program(*steps):
    """Inputs: a table and an index; a constant, 9; then a buffer of whole numbers, and the result."""
    types = array_type((10,), float32), array_type((4,), int64), array_type((), int64), array_type((4,), int64)
    return Program((*types, array_type((4,), float32)), 2, (np.array(9),), steps, ((OUT, (4,)),))


def looked_up(*values):
    """out[i] = table[the last of these values], with a bound of 10."""
    at = len(values)
    more = Number(10, int64), Apply("bounded", (at - 1, at), int64), Lookup(TABLE, (0,), 0, at + 1, 1, float32)
    return Nest((4,), (), (*values, *more), (Store(OUT, (1,), 0, at + 2),))


HERE, MADE_HERE = Load(INDEX, (1,), 0, int64), Load(MADE, (1,), 0, int64)


def test_an_input_is_held_below_the_bound():
    assert needed(program(looked_up(HERE))) == {INDEX: 10}


def test_a_number_and_a_constant_are_known():
    assert needed(program(looked_up(Number(3, int64)))) == {}
    assert needed(program(looked_up(Load(NINE, (0,), 0, int64)))) == {}
    assert needed(program(looked_up(Number(10, int64)))) is None


def test_an_index_that_counts_along_an_axis_is_known():
    """Rows of a table for all places, as a model of language looks up."""
    counted = Nest((4,), (), (Axis(0, int64),), (Store(MADE, (1,), 0, 0),))
    assert needed(program(counted, looked_up(MADE_HERE))) == {}
    assert needed(program(looked_up(Axis(0, int64)))) == {}
    beyond = Axis(0, int64), Number(7, int64), Apply("add", (0, 1), int64)  # 7 to 10
    assert needed(program(looked_up(*beyond))) is None


def test_what_wraps_below_zero_is_taken_as_it_is_where_it_is_not():
    below = Number(0, int64), Apply("lt", (0, 1), bool_), Number(10, int64), Apply("add", (0, 3), int64)
    assert needed(program(looked_up(HERE, *below, Apply("where", (2, 4, 0), int64)))) == {INDEX: 10}


def test_what_is_only_compared_may_be_anything():
    """A target that stands for no class: where(t == -100, 0, t)."""
    other = Load(MADE, (1,), 0, int64), Apply("eq", (0, 1), bool_), Number(0, int64), Apply("where", (2, 3, 0), int64)
    assert needed(program(looked_up(HERE, *other))) == {INDEX: 10}


def test_whole_numbers_go_through_types_that_hold_them():
    """Keras hands labels to losses as floating numbers."""
    for dtype in (float32, float16, bfloat16, int8, uint8):
        there_and_back = HERE, Apply("convert", (0,), dtype), Apply("convert", (1,), int64)
        assert needed(program(looked_up(*there_and_back))) == {INDEX: 10}
    below = Number(-1, int64), Apply("convert", (0,), uint8), Apply("convert", (1,), int64)
    assert needed(program(looked_up(*below))) is None
    large = Number(257, int64), Apply("convert", (0,), bfloat16), Apply("convert", (1,), int64)
    assert needed(program(looked_up(*large))) is None
    truth = HERE, Apply("convert", (0,), bool_), Number(3, int64), Number(10, int64)
    assert needed(program(looked_up(*truth, Apply("where", (1, 2, 2), int64)))) == {INDEX: 10}
    assert needed(program(looked_up(*truth, Apply("where", (1, 3, 2), int64)))) is None


def test_floating_inputs_may_be_anything():
    there = Load(TABLE, (1,), 0, float32), Apply("convert", (0,), int64)
    assert needed(program(looked_up(*there))) is None


def test_what_a_step_stores_is_followed():
    copied = Nest((4,), (), (HERE,), (Store(MADE, (1,), 0, 0),))
    assert needed(program(copied, looked_up(MADE_HERE))) == {INDEX: 10}


@pytest.mark.parametrize("op", ["mul", "add"])
def test_other_sums_and_products_may_be_anything(op):
    assert needed(program(looked_up(HERE, HERE, Apply(op, (0, 1), int64)))) is None


def test_sums_that_grow_in_a_buffer_may_be_anything():
    one = Number(1, int64)
    filled = Nest((4,), (), (one,), (Store(MADE, (1,), 0, 0),))
    places = HERE, Number(4, int64), Apply("bounded", (0, 1), int64), one
    growing = Nest((4,), (), places, (Add(MADE, (0,), 0, 3, 2),))
    assert needed(program(filled, looked_up(MADE_HERE))) == {}
    assert needed(program(filled, growing, looked_up(MADE_HERE))) is None
