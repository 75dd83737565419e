"""What was remembered of one program never changes another: programs of few structures and many numbers, run again and
again, give what they give when nothing is remembered."""

import random
from math import inf

import numpy as np
import pytest

import wengert
from wengert.derive.recall import passes
from wengert.nn import functional as F
from wengert.runtime import tiers
from wengert.runtime.flush import flush
from wengert.settings import settings

# Numbers that rules write down too (-1 to 2) among others: equal and different ones must not be mixed up.
NUMBERS = [-1, 0, 1, 2, 3, 0.5, -2.5, 1.0, inf]

OPERATIONS = [
    lambda x, a, b: wengert.where(x <= a, b, x),
    lambda x, a, b: wengert.where(x >= a, x * b, 1),
    lambda x, a, b: x.clamp(min=min(a, b), max=max(a, b)),
    lambda x, a, b: x * a + b,
    lambda x, a, b: (x - a) * (x - b),
    lambda x, a, b: (x.abs() + 1) ** a - b,
    lambda x, a, b: wengert.maximum(x, wengert.tensor(a, dtype=x.dtype)) - b,
    lambda x, a, b: F.threshold(x, a, b),
    lambda x, a, b: F.leaky_relu(x, a) + x.masked_fill(x > b, a),
    lambda x, a, b: wengert.addcmul(x, x, x, value=a) + wengert.add(x, x, alpha=b),
    lambda x, a, b: wengert.full_like(x, a) * x + b,
    lambda x, a, b: wengert.nan_to_num(x / (a + 0.25), nan=0.0) + wengert.lerp(x, x * b, 0.5),
    lambda x, a, b: wengert.tanh(x) * a + wengert.cumsum(x, 0) * b,
    lambda x, a, b: x.roll(1) * a + x.flip(0) * b,
]


def run(program, numbers, dtype, cotangent):
    drawn = iter(numbers)
    x = wengert.tensor([-3.0, -1, 0, 0.5, 2, 3], dtype=dtype, requires_grad=True)
    y = x
    for operation in program:
        y = operation(y, next(drawn), next(drawn))
    y.backward(wengert.ones(6, dtype=dtype) * cotangent)
    return np.concatenate([y.detach().numpy(), x.grad.numpy()])


def forget():
    flush()
    passes.clear()
    tiers.clear()


@pytest.fixture(autouse=True)
def fresh():
    yield
    forget()


def cases(drawn, programs, count):
    known = [[drawn.choice(OPERATIONS) for _ in range(drawn.randint(1, 3))] for _ in range(programs)]
    for _ in range(count):
        program = drawn.choice(known)
        among = drawn.choices(NUMBERS, k=2) if drawn.random() < 0.5 else NUMBERS
        numbers = drawn.choices(among, k=2 * len(program))
        yield program, numbers, drawn.choice([wengert.float64, wengert.float32]), drawn.choice(NUMBERS[:-1])


@pytest.mark.parametrize(("tier", "seeds", "count"), [("interpret", range(6), 60), ("compile", [0], 25)])
def test_results_do_not_depend_on_what_ran_before(tier, seeds, count):
    for seed in seeds:
        drawn = random.Random(seed)
        each = list(cases(drawn, count * 2 // 3, count))
        wanted = []
        for case in each:
            with settings.scope(tier="interpret"):
                forget()
                wanted.append(run(*case))
        forget()
        with settings.scope(tier=tier):
            for k in [*range(count), *drawn.sample(range(count), count), *drawn.sample(range(count), count)]:
                np.testing.assert_allclose(run(*each[k]), wanted[k], rtol=1e-5, err_msg=f"seed {seed}, case {k}")
