"""Reverse mode from memory: what it gives, and raises, is what a walk step by step does."""

import gc
import random
import weakref

import numpy as np
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

import wengert
from wengert.derive import recall as recalling
from wengert.derive.recall import passes
from wengert.derive.remember import STEPS, Memory
from wengert.graph.record import recorder
from wengert.graph.rule import primitives as p
from wengert.runtime.flush import flush
from wengert.settings import settings


@pytest.fixture(autouse=True)
def empty_memory():
    passes.clear()
    with settings.scope(tier="interpret"):
        yield
    passes.clear()


def leaf(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return wengert.tensor(values, requires_grad=True)


def calls_of(monkeypatch, primitive):
    """A list that grows with every call of a primitive's rule."""
    calls, rule = [], type(primitive).vjp

    def counted(self, *args, **kwargs):
        calls.append(1)
        return rule(self, *args, **kwargs)

    monkeypatch.setattr(type(primitive), "vjp", counted)
    return calls


def test_rules_run_once_for_a_structure(monkeypatch):
    calls = calls_of(monkeypatch, p.sigmoid)
    x = leaf(3)
    for round in range(3):
        x.grad = None
        (wengert.sigmoid(x) * (round + 1.0)).sum().backward()  # the number is an input
        y = wengert.sigmoid(x.detach())
        np.testing.assert_allclose(x.grad.numpy(), (round + 1) * (y * (1 - y)).numpy())
    assert len(calls) == 1 and len(passes) == 1


def test_a_recalled_pass_is_one_node_and_its_values():
    x, w = leaf(4, 3), leaf(3, 2)
    for _ in range(2):
        x.grad = w.grad = None
        y = (x @ w).relu().sum()
        flush()
        y.backward()
        names = [node.primitive.name for node in recorder.tape]
        assert names == ["expand"] * (names[0] == "expand") + ["replay", "element", "element"]


class Program:
    """Draws operations from a seed. Its shape is the same in every run, its numbers are not."""

    def __init__(self, seed, steps):
        self.seed, self.steps = seed, steps

    def run(self, round):
        draw = random.Random(self.seed)
        pool = [leaf(3, 4, seed=round), leaf(4, seed=round + 10), leaf(3, 4, seed=round + 20).detach()]
        leaves = pool[:2]
        for _ in range(self.steps):
            self._step(draw, pool)
        total = sum([(y * (i + 1)).sum() for i, y in enumerate(pool[2:])])
        if draw.random() < 0.3:
            total.item()
        if not total.requires_grad:
            return []
        if draw.random() < 0.5:
            found = list(wengert.autograd.grad(total, leaves, allow_unused=True, retain_graph=True))
            found += wengert.autograd.grad(total, [pool[-1]], allow_unused=True) if pool[-1].requires_grad else []
            return [None if bar is None else bar.numpy() for bar in found]
        total.backward(retain_graph=True)
        if draw.random() < 0.5:
            total.backward()
        return [None if x.grad is None else x.grad.numpy() for x in leaves]

    def _step(self, draw, pool):
        x = draw.choice(pool)
        other = draw.choice([y for y in pool if y.shape == x.shape])
        kind = draw.randrange(10)
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
            pool.append(x.expand(3, 4).softmax(0))
        elif kind == 6:
            with wengert.no_grad():
                pool.append(x * 2)
        elif kind == 7 and not x.is_leaf:
            x.mul_(0.5) if draw.random() < 0.5 else x.add_(other.detach())
        elif kind == 8 and not x.is_leaf and x.ndim == 2:
            x[draw.randrange(3)] = draw.choice([y for y in pool if y.ndim == 1]) * 2
        elif kind == 9 and x.ndim == 2:
            pool.append(x.sort(dim=1)[0] @ wengert.ones(4, 4, dtype=wengert.float64))


def answer(program, round):
    try:
        return program.run(round)
    except RuntimeError as error:
        return str(error).split("  (")[0]


@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 20))
def test_random_programs_agree_with_the_rules(seed, steps):
    program = Program(seed, steps)
    passes.clear()
    remembering = [answer(program, round) for round in (0, 1, 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recalling, "LONGEST", -1)
        walking = [answer(program, round) for round in (0, 1, 2)]
    for a, b in zip(remembering, walking):
        if isinstance(a, str) or isinstance(b, str):
            assert a == b
            continue
        for x, y in zip(a, b, strict=True):
            assert (x is None) == (y is None)
            if x is not None:
                np.testing.assert_array_equal(x, y)


# --- structures that are not the same ------------------------------------------------------------------------------------


def test_shapes_dtypes_and_what_is_tracked_make_a_structure():
    for shape, dtype in (((3,), "float32"), ((4,), "float32"), ((3,), "float64")):
        for both in (True, False):
            for _ in range(2):
                x = wengert.ones(*shape, dtype=getattr(wengert, dtype), requires_grad=True)
                y = wengert.ones(*shape, dtype=getattr(wengert, dtype), requires_grad=both) * 1
                (x * y * y).sum().backward()
                assert x.grad.dtype is x.dtype and x.grad.shape == x.shape
    assert len(passes) == 6


def test_the_same_tensor_twice_is_another_structure():
    for _ in range(2):
        x, y = leaf(3), leaf(3, seed=1)
        (x * y).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
        x = leaf(3)
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), 2 * x.detach().numpy())


def test_a_cotangent_that_is_a_value_of_the_graph_is_another_structure():
    w = leaf(3, seed=1).detach()
    for _ in range(2):
        x = leaf(3)
        (x * w).backward(w)
        np.testing.assert_array_equal(x.grad.numpy(), (w * w).numpy())
        x = leaf(3)
        (x * w).backward(2 * w)
        np.testing.assert_array_equal(x.grad.numpy(), (2 * w * w).numpy())


def test_a_number_that_a_rule_writes_too_is_not_one_that_the_user_gave():
    """where(x <= low, low, x): the rule of `where` records a zero, which is no `low` the next time."""
    for low in (0, -1, 2, 3, 0):
        x = wengert.tensor([-2.0, 2.5], requires_grad=True)
        wengert.where(x <= low, low, x).sum().backward()
        assert x.grad.tolist() == [0.0, float(low < 2.5)], low
    for number in (1, 2, 0.5, 1):
        x = wengert.tensor([3.0], requires_grad=True)
        (x**number * number).backward(wengert.tensor([1.0]) * number)
        assert x.grad.item() == pytest.approx(number**3 * 3.0 ** (number - 1))


def test_targets_are_part_of_the_structure():
    for _ in range(2):
        x, y = leaf(3), leaf(3, seed=1)
        z = x * y
        out = (z * z).sum()
        (by_z,) = wengert.autograd.grad(out, z, retain_graph=True)
        (by_x,) = wengert.autograd.grad(out, x, retain_graph=True)
        out.backward(inputs=[y])
        np.testing.assert_array_equal(by_z.numpy(), 2 * z.detach().numpy())
        np.testing.assert_allclose(by_x.numpy(), (2 * z * y).detach().numpy())
        assert x.grad is None
        np.testing.assert_allclose(y.grad.numpy(), (2 * z * x).detach().numpy())


def test_a_gradient_may_be_the_cotangent_itself():
    for _ in range(2):
        x, y = leaf(3), leaf(3, seed=1)
        bar = leaf(3, seed=2).detach()
        (x + y).backward(bar)
        np.testing.assert_array_equal(x.grad.numpy(), bar.numpy())
        np.testing.assert_array_equal(y.grad.numpy(), bar.numpy())


# --- what is not ordinary --------------------------------------------------------------------------------------------------


def step(x, hook=None):
    x.grad = None
    y = x * 2
    if hook is not None:
        y.register_hook(hook)
    (y * y).sum().backward()
    return x.grad.numpy().copy()


def test_hooks_that_come_later_are_called():
    x = leaf(3)
    plain = step(x), step(x)
    np.testing.assert_array_equal(*plain)
    np.testing.assert_array_equal(step(x, lambda bar: bar * 3), 3 * plain[0])
    handle = x.register_hook(lambda bar: bar * 5)
    np.testing.assert_array_equal(step(x), 5 * plain[0])
    handle.remove()
    np.testing.assert_array_equal(step(x), plain[0])
    seen = []
    x.register_post_accumulate_grad_hook(lambda tensor: seen.append(tensor.grad.numpy().copy()))
    np.testing.assert_array_equal(step(x), plain[0])
    np.testing.assert_array_equal(seen[0], plain[0])


def test_hooks_on_operations_and_retained_gradients():
    x = leaf(3)
    for _ in range(2):
        seen = []
        y = x * 2
        out = (y * y).sum()
        out.backward(retain_graph=True)
        y.grad_fn.register_hook(lambda x_bars, y_bars: seen.append(y_bars[0].numpy().copy()))  # noqa: B023
        y.retain_grad()
        out.backward()
        np.testing.assert_array_equal(seen[0], 2 * y.detach().numpy())
        np.testing.assert_array_equal(y.grad.numpy(), seen[0])


def test_a_function_of_the_user_is_called_every_time():
    calls = []

    class Double(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, bar):
            calls.append(1)
            return bar * 2

    for _ in range(3):
        x = leaf(3)
        Double.apply(x).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), [2, 2, 2])
    assert len(calls) == 3


def test_second_derivatives_after_a_recalled_first():
    for _ in range(3):
        x = leaf(3)
        y = (x**3).sum()
        (plain,) = wengert.autograd.grad(y, x, retain_graph=True)
        assert not plain.requires_grad
        (first,) = wengert.autograd.grad(y, x, create_graph=True)
        np.testing.assert_allclose(first.detach().numpy(), plain.numpy())
        first.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), 6 * x.detach().numpy())


def test_anomaly_mode_looks_at_every_rule():
    for _ in range(2):
        x = wengert.zeros(2, requires_grad=True)
        x.sqrt().sum().backward()
    with pytest.warns(UserWarning, match="anomaly detection is on"):
        looking = wengert.autograd.detect_anomaly()
    with looking, pytest.raises(RuntimeError, match="returned nan values"):
        x = wengert.zeros(2, requires_grad=True)
        (x.sqrt() * 0).sum().backward()


def test_forward_mode_looks_through_a_gradient():
    def derivative(x):
        y = (x**3).sum()
        return wengert.autograd.grad(y, x)[0]

    x = leaf(3)
    for _ in range(2):
        derivative(leaf(3))
    _, tangent = wengert.func.jvp(wengert.func.grad(lambda x: (x**3).sum()), (x.detach(),), (wengert.ones_like(x),))
    np.testing.assert_allclose(tangent.numpy(), 6 * x.detach().numpy())
    rows = wengert.func.vmap(wengert.func.grad(lambda x: x**3))(x.detach())
    np.testing.assert_allclose(rows.numpy(), 3 * x.detach().numpy() ** 2)


# --- release, overwriting, memory ----------------------------------------------------------------------------------------


def test_a_second_backward_needs_retain_graph():
    for _ in range(3):
        x = leaf(3)
        y = (x.sin() * x).sum()
        y.backward(retain_graph=True)
        once = x.grad.numpy().copy()
        y.backward()
        np.testing.assert_allclose(x.grad.numpy(), 2 * once)
        with pytest.raises(RuntimeError, match="a second time"):
            y.backward()


def test_an_overwritten_value_is_an_error_only_where_it_is_read():
    for _ in range(3):
        x = leaf(3)
        y = x * 2
        z = y.sin().sum()
        with wengert.no_grad():
            y.zero_()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            z.backward()
        y = x * 2
        z = (y + 1).sum()
        with wengert.no_grad():
            y.zero_()
        z.backward()
        np.testing.assert_array_equal(x.grad.numpy(), [2, 2, 2])


def test_an_overwritten_view_is_seen():
    base = wengert.ones(2, 3, dtype=wengert.float64)
    for overwritten in (False, False, True):
        x = leaf(3)
        y = (x * base[0]).sum()
        if overwritten:
            base.mul_(2)
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                y.backward()
        else:
            y.backward()


def test_nothing_of_a_pass_is_kept():
    for _ in range(3):
        x = leaf(3)
        y = x.sin()
        z = (y * y).sum()
        z.backward()
        references = [weakref.ref(t._read()) for t in (x, y, z, x.grad)] + [weakref.ref(x)]
        flush()
        del x, y, z
        gc.collect()
        assert not any([reference() for reference in references])


def test_memory_is_bounded():
    memory = Memory()
    for number in range(1000):
        memory.keep(number, str(number), 100)
    assert memory.steps == 100 * len(memory) <= STEPS
    assert memory.find(999) == ("999", 100) and memory.find(0) is None
    memory.keep("long", "long", 2 * STEPS)
    assert len(memory) == 1 and memory.find("long") is not None
    memory.clear()
    assert not len(memory) and not memory.steps


def test_ever_new_structures_do_not_grow(monkeypatch):
    monkeypatch.setattr("wengert.derive.remember.STEPS", 200)
    for n in range(1, 60):
        x = leaf(n)
        (x * x).sum().backward()
        x.grad.numpy()
    assert passes.steps <= 200 and 0 < len(passes) < 59


def test_an_index_out_of_range_names_the_users_line():
    table = leaf(4, 2)
    for _ in range(2):
        table.grad = None
        wengert.nn.functional.embedding(wengert.tensor([0, 1]) * 1, table).sum().backward()
        table.grad.numpy()
    out = wengert.nn.functional.embedding(wengert.tensor([0, 9]) * 1, table).sum()
    with pytest.raises(IndexError, match=r"test_recall\.py"):
        out.backward()
        table.grad.numpy()
