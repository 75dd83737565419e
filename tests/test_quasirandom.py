"""Sobol's sequence."""

import pytest

import wengert
from wengert.quasirandom import SobolEngine

pytest.importorskip("scipy")


def test_the_first_points():
    engine = SobolEngine(3)
    assert engine.draw(3).tolist() == [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25]]
    assert engine.num_generated == 3 and engine.draw(1, dtype=wengert.float64).dtype is wengert.float64
    assert engine.reset().fast_forward(1).draw().tolist() == [[0.5, 0.5, 0.5]]
    assert engine.draw(0).shape == (0, 3)
    out = wengert.empty(0)
    assert engine.draw(2, out=out) is out and out.shape == (2, 3)


@pytest.mark.parametrize("dimension", [1, 5, 40])
def test_the_points_are_the_peers(dimension):
    torch = pytest.importorskip("torch")
    ours, theirs = SobolEngine(dimension), torch.quasirandom.SobolEngine(dimension)
    for n in (1, 7, 20):
        assert ours.draw(n).tolist() == theirs.draw(n).tolist()
    assert ours.fast_forward(100).draw(3).tolist() == theirs.fast_forward(100).draw(3).tolist()


def test_scrambled_points_fill_every_box_once():
    engine = wengert.quasirandom.SobolEngine(4, scramble=True, seed=3)
    points = engine.draw_base2(6)
    for column in (points * 64).floor().long().T:
        assert sorted(column.tolist()) == list(range(64))
    assert wengert.equal(engine.reset().draw(64), points)
    assert repr(engine) == "SobolEngine(dimension=4, scramble=True, seed=3)"


def test_scrambling_follows_the_seed_of_the_process():
    drawn = []
    for seed in (1, 1, 2):
        wengert.manual_seed(seed)
        drawn.append(SobolEngine(2, scramble=True).draw(4).tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_wrong_requests():
    with pytest.raises(ValueError, match=r"\[1, 21201\]"):
        SobolEngine(0)
    engine = SobolEngine(2)
    engine.draw(3)
    with pytest.raises(ValueError, match=r"3\+2\*\*2=7"):
        engine.draw_base2(2)
    with pytest.raises(RuntimeError, match="got -1"):
        engine.draw(-1)
    with pytest.raises(TypeError, match="must be int"):
        engine.draw(1.5)
