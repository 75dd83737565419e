"""Tapes compared by machine code: a tape fits where every fact about it is the same, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from tests.tapes import compared
from wengert.backends.llvm import tapes
from wengert.dtypes import float32, float64
from wengert.graph.likeness import Album, Likeness
from wengert.graph.node import Node, array_type
from wengert.graph.rule import primitives

pytestmark = pytest.mark.skipif(not tapes.layout_is_known(), reason="another layout of Python's objects")

TYPES = [array_type((3,), float32), array_type((3,), float64)]
PRIMITIVES = [primitives.mul, primitives.add]


@pytest.fixture(autouse=True)
def by_machine_code():
    with compared(True):
        yield


def node(primitive=0, params=(), type=0, tracked=False, mark=0, watch=None, value=None, inputs=()):
    made = Node(PRIMITIVES[primitive], tuple(inputs), params, TYPES[type], tracked, 0, None)
    made.mark, made.watch, made.value = mark, watch, value
    return made


def tape(facts=({}, {}), inputs=((0, 1), (2, 0)), outer=({}, {})):
    """Nodes whose inputs are named by number: those from outside come first."""
    nodes = [node(**about) for about in outer]
    for about, reads in zip(facts, inputs):
        nodes.append(node(**about, inputs=[nodes[i] for i in reads]))
    return nodes[len(outer) :], nodes[: len(outer)]


def likeness(counted=False, **of):
    nodes, outer = tape(**of)
    return Likeness(nodes, outer, counted)


def test_the_same_again_fits():
    assert likeness().fits(tape()[0])
    assert Likeness([], [], True).fits([])


@pytest.mark.parametrize(
    "about",
    [{"primitive": 1}, {"params": (1,)}, {"type": 1}, {"tracked": True}, {"mark": 2}, {"watch": object()}, {"value": 1.0}],
    ids=lambda about: next(iter(about)),
)
def test_every_fact_of_every_node_is_compared(about):
    for place in range(2):
        facts = [{}, {}]
        facts[place] = about
        assert not likeness().fits(tape(facts)[0])
        assert not likeness(facts=facts).fits(tape()[0])
        assert likeness(facts=facts).fits(tape(facts)[0])
        seen = next(iter(about)) not in ("params", "watch", "value")  # of a node from outside
        assert likeness().fits(tape(outer=facts)[0]) != seen


def test_which_node_is_read_is_compared():
    assert not likeness().fits(tape(inputs=((0, 1), (2, 1)))[0])
    assert not likeness().fits(tape(inputs=((0, 1), (0, 2)))[0])
    assert not likeness().fits(tape(inputs=((0, 1), (0, 0)))[0])
    assert not likeness().fits(tape(inputs=((0, 1), (2,)))[0])
    assert not likeness().fits(tape(inputs=((0, 1), (2, 0, 0)))[0])
    assert not likeness().fits(tape()[0][:1]) and not likeness().fits([])
    assert not likeness(inputs=((0, 0), (1, 0))).fits(tape(inputs=((0, 1), (1, 0)))[0])


def test_nodes_from_outside_that_are_not_all_different_fit_nowhere():
    nodes, (x, _) = tape(inputs=((0, 0), (0, 0)))
    assert not Likeness(nodes, [x, x], False).fits(nodes)


def test_references_are_counted_where_they_matter():
    nodes, outer = tape()
    plain, counted = Likeness(nodes, outer, False), Likeness(nodes, outer, True)
    assert counted.fits(nodes)
    holder = nodes[1]
    assert plain.fits(nodes) and not counted.fits(nodes)
    del holder
    assert counted.fits(nodes)


def test_a_node_may_have_to_be_the_very_same():
    nodes, outer = tape()
    same = Likeness(nodes, outer, False, frozenset(outer[1:]))
    assert same.fits(nodes) and not same.fits(tape()[0])
    assert same.fits([Node(*[getattr(x, name) for name in ("primitive", "inputs", "params", "type", "tracked")], 0, None)
                      for x in nodes[:1]] + nodes[1:]) is False  # fmt: skip


def renewed(value):
    """An equal object that is another one, as far as Python makes one."""
    if isinstance(value, tuple):
        return tuple([renewed(x) for x in value])
    return value if isinstance(value, (bool, str)) or value is None else type(value)(repr(value))


PARAMS = st.recursive(
    st.one_of(
        st.integers(-(2**29), 2**29), st.floats(allow_nan=False), st.booleans(), st.none(), st.sampled_from(["sum", "mean"])
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
).map(lambda made: made if isinstance(made, tuple) else (made,))


@settings(deadline=None, max_examples=200)
@given(PARAMS, PARAMS)
def test_parameters_are_compared_by_value(params, others):
    with compared(True):
        seen = likeness(facts=({"params": params}, {}))
        assert seen.fits(tape(({"params": renewed(params)}, {}))[0])
        if seen.fits(tape(({"params": others}, {}))[0]):
            assert repr(others) == repr(params)  # 0.0 is not -0.0 here, and 1 neither 1.0 nor True


def test_whole_numbers_of_several_digits_are_only_the_same_object():
    large = 1 << 70
    assert likeness(facts=({"params": (large,)}, {})).fits(tape(({"params": (large,)}, {}))[0])
    assert not likeness(facts=({"params": (large,)}, {})).fits(tape(({"params": (large + 1,)}, {}))[0])


def test_an_album_is_bounded():
    album = Album()
    for length in range(200):
        nodes, outer = tape(facts=[{}] * length, inputs=[(0, 1)] + [(2, 0)] * (length - 1) if length else [])
        for number in range(10):
            album.keep(nodes, Likeness(nodes, outer if length else [], False), (length, number))
        assert album.find(nodes) == (length, 9)
    assert len(album._seen) <= Album.LENGTHS and all(len(seen) <= Album.OF_ONE for seen in album._seen.values())
    album.clear()
    assert album.find(nodes) is None
