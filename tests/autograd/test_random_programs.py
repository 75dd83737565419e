"""Random programs of views, in-place operations, detours through no_grad, checkpoints and values asked for in between:
numbers, gradients and errors are PyTorch's."""

import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import wengert
from tests.autograd.both import leaf

torch = pytest.importorskip("torch")


class Program:
    """Draws operations from a seed and applies them to the tensors of either library."""

    def __init__(self, seed, steps, risky):
        self.seed, self.steps, self.risky = seed, steps, risky

    def run(self, lib):
        draw = random.Random(self.seed)
        pool = [leaf(lib, 3, 4, seed=1), leaf(lib, 4, seed=2), leaf(lib, 3, 4, seed=3).detach()]
        leaves = pool[:2]
        for _ in range(self.steps):
            self._step(lib, draw, pool)
        total = sum([(y * (i + 1)).sum() for i, y in enumerate(pool[2:])])
        bars = [None, None]
        if total.requires_grad:
            bars = lib.autograd.grad(total, leaves, allow_unused=True, create_graph=draw.random() < 0.3)
            if any(b is not None and b.requires_grad for b in bars):
                second = sum([(b**2).sum() for b in bars if b is not None])
                bars = [*bars, *lib.autograd.grad(second, leaves, allow_unused=True)]
        return [y.detach() for y in pool], [b if b is None else b.detach() for b in bars]

    def _step(self, lib, draw, pool):
        x = draw.choice(pool)
        other = draw.choice([y for y in pool if y.shape == x.shape])
        kind = draw.randrange(12 if self.risky else 9)
        if kind == 0:
            pool.append(x * other)
        elif kind == 1:
            pool.append(x.sin() + other)
        elif kind == 2:
            pool.append((x * 0.5).tanh())
        elif kind == 3 and x.ndim == 2:
            pool.append(x[draw.randrange(3)])
        elif kind == 4 and x.ndim == 2:
            pool.append(x.t().reshape(3, 4) if draw.random() < 0.5 else x.flip(0))
        elif kind == 5 and x.ndim == 1:
            pool.append(x.expand(3, 4) * 2)
        elif kind == 6:
            with lib.no_grad():
                pool.append(x * 2)
        elif kind == 7:
            assert x.sum().item() is not None
        elif kind == 8:
            checkpoint = (wengert if lib is wengert else torch).utils.checkpoint.checkpoint
            pool.append(checkpoint(lambda a, b: (a * b).exp().clamp(max=3).sin(), x, other, use_reentrant=False))
        elif kind == 9 and not x.is_leaf:
            x.mul_(0.5) if draw.random() < 0.5 else x.add_(other.detach())
        elif kind == 10 and not x.is_leaf and x.ndim == 2:
            x[draw.randrange(3)] = draw.choice([y for y in pool if y.ndim == 1]) * 2
        elif kind == 11 and x.ndim == 2 and not x.is_leaf:
            pool.append(x[:, 1:3])
            pool[-1].mul_(2)
            pool[-1] = (pool[-1] * 1).sum(1).new_zeros(4) + 1


def answer(program, lib):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return program.run(lib)
        except RuntimeError as error:
            return error


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 25), st.booleans())
def test_programs_agree(seed, steps, risky):
    program = Program(seed, steps, risky)
    theirs, ours = answer(program, torch), answer(program, wengert)
    if isinstance(theirs, RuntimeError) or isinstance(ours, RuntimeError):
        assert isinstance(ours, RuntimeError) and isinstance(theirs, RuntimeError), (ours, theirs)
        return
    for a, b in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]]):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-10)
