"""What makes calls alike, what is refused, and what a replay returns."""

from __future__ import annotations

import os
import threading
import warnings

import numpy as np
import pytest

import wengert as torch
from tests.compiler.programs import batches, classifier, training
from wengert import nn, optim
from wengert.graph.changes import modes
from wengert.nn import functional as F
from wengert.settings import settings

SCALE = 2.0


class Drawer:
    """Something whose content the compiler does not look at."""

    __slots__ = ("things",)


DRAWER = Drawer()


@pytest.fixture(params=["interpret", "compile"], autouse=True)
def tier(request):
    with settings.scope(tier=request.param):
        yield request.param


def values(x):
    return x.detach().numpy().tolist()


# --- results -----------------------------------------------------------------------------------------------------------


def test_results_keep_their_structure_and_are_fresh_each_time():
    @torch.compile(fullgraph=True)
    def f(x, y):
        return {"sum": x + y, "pair": (x * y, [x - y, None, "word", 3])}

    kept = [f(torch.tensor([1.0, 2.0]) * k, torch.tensor([3.0, 4.0])) for k in range(1, 5)]
    for k, result in enumerate(kept, 1):
        assert values(result["sum"]) == [k + 3.0, 2.0 * k + 4]
        assert values(result["pair"][1][0]) == [k - 3.0, 2.0 * k - 4]
        assert result["pair"][1][1:] == [None, "word", 3]
    assert f.traces == 1


def test_an_argument_that_is_returned_is_the_argument():
    f = torch.compile(lambda x, y: (y, x, x + y), fullgraph=True)
    for _ in range(3):
        x, y = torch.ones(2), torch.zeros(2)
        a, b, _ = f(x, y)
        assert a is y and b is x


def test_a_view_of_an_argument_shares_its_memory():
    f = torch.compile(lambda x: (x[0], x.t()), fullgraph=True)
    for _ in range(3):
        x = torch.zeros(2, 3)
        row, turned = f(x)
        row.fill_(1.0)
        turned[0, 1] = 5.0
        assert values(x) == [[1.0, 1.0, 1.0], [5.0, 0.0, 0.0]]
    assert f.traces == 1


def test_arguments_changed_in_place_are_changed():
    @torch.compile(fullgraph=True)
    def f(x, y):
        x.add_(y)
        y[0] = 7.0
        return x.sum()

    for k in range(4):
        x, y = torch.full((3,), float(k)), torch.ones(3)
        assert f(x, y).item() == 3 * k + 3
        assert values(x) == [k + 1.0] * 3
        assert values(y) == [7.0, 1.0, 1.0]
    assert f.traces == 1


def test_memory_that_is_found_and_changed():
    total = torch.zeros(3)
    seen = total.view(3)

    @torch.compile(fullgraph=True)
    def f(x):
        total.add_(x)
        return total * 2

    for k in range(1, 5):
        assert values(f(torch.ones(3))) == [2.0 * k] * 3
        assert values(total) == values(seen) == [float(k)] * 3
    total.zero_()
    assert values(f(torch.ones(3))) == [2.0] * 3
    array = total.numpy()
    f(torch.ones(3))
    assert array.tolist() == [2.0] * 3
    assert f.traces <= 2


def test_a_result_does_not_change_with_the_memory_it_was_read_from():
    total = torch.zeros(2)

    @torch.compile(fullgraph=True)
    def f(x):
        before = total.clone()
        total.add_(x)
        return before

    kept = [f(torch.ones(2)) for _ in range(5)]
    assert [values(x)[0] for x in kept] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_one_tensor_as_two_arguments():
    @torch.compile
    def f(x, y):
        x.add_(1)
        return x + y

    for _ in range(2):
        x = torch.zeros(2)
        assert values(f(x, x)) == [2.0, 2.0]
        assert values(f(torch.zeros(2), torch.zeros(2))) == [1.0, 1.0]


def test_no_grad_and_grad_are_different_calls():
    layer = nn.Linear(3, 2)
    f = torch.compile(lambda x: layer(x), fullgraph=True)
    x = torch.randn(4, 3)
    for _ in range(3):
        with torch.no_grad():
            assert not f(x).requires_grad
        assert f(x).requires_grad
    assert f.traces == 2


def test_modes_tell_calls_apart():
    f = torch.compile(lambda x: x * 2, fullgraph=True)
    mode = [None]
    modes.append(lambda: mode[0])
    try:
        for mode[0] in (None, "low", None, "low"):
            f(torch.ones(2))
    finally:
        modes.pop()
    assert f.traces == 2


# --- derivatives of results ----------------------------------------------------------------------------------------------


def test_the_caller_takes_the_derivative():
    torch.manual_seed(0)
    model, twin = classifier(nn.BatchNorm1d(6), nn.Dropout(0.5)), classifier(nn.BatchNorm1d(6), nn.Dropout(0.5))
    twin.load_state_dict(model.state_dict())
    compiled = torch.compile(model, fullgraph=True)
    one, two = optim.SGD(model.parameters(), lr=0.1), optim.SGD(twin.parameters(), lr=0.1)
    data = batches(5)
    for run, optimizer in ((compiled, one), (twin, two)):
        torch.manual_seed(1)
        for x, t in data:
            optimizer.zero_grad()
            F.cross_entropy(run(x), t).backward()
            optimizer.step()
    for a, b in zip(model.state_dict().values(), twin.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def test_second_derivatives_through_a_replay():
    weight = torch.tensor([0.5, 2.0], requires_grad=True)
    f = torch.compile(lambda x: (weight * x).sin().sum(), fullgraph=True)
    for k in range(3):
        x = torch.tensor([1.0, 0.3 + k], requires_grad=True)
        (g,) = torch.autograd.grad(f(x), x, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), weight)
        w, a = weight.detach().numpy(), x.detach().numpy()
        np.testing.assert_allclose(h.numpy(), np.cos(w * a) - w * a * np.sin(w * a), rtol=1e-5)
    assert f.traces == 1


def test_a_gradient_taken_inside_is_a_result():
    weight = torch.tensor([0.5, 2.0], requires_grad=True)

    @torch.compile(fullgraph=True)
    def f(x):
        return torch.autograd.grad((weight * x).exp().sum(), weight)[0]

    for k in range(3):
        x = torch.tensor([1.0, 0.3 + k])
        np.testing.assert_allclose(f(x).numpy(), (x * (weight.detach() * x).exp()).numpy(), rtol=1e-5)


# --- guards --------------------------------------------------------------------------------------------------------------


def test_shapes_dtypes_and_plain_arguments_are_traced_once_each():
    f = torch.compile(lambda x, axis, flag=True: x.sum(axis) if flag else x.mean(axis), fullgraph=True)
    x = torch.randn(3, 4)
    for _ in range(2):
        np.testing.assert_allclose(f(x, 0).numpy(), x.numpy().sum(0), rtol=1e-5)
        np.testing.assert_allclose(f(x, 1).numpy(), x.numpy().sum(1), rtol=1e-5)
        np.testing.assert_allclose(f(x, 1, flag=False).numpy(), x.numpy().mean(1), rtol=1e-5)
        assert f(x.double(), 1).dtype is torch.float64
        assert f(x.long(), 0).dtype is torch.int64
    assert f.traces == 5


def test_a_float_argument_becomes_a_number_of_the_run():
    f = torch.compile(lambda x, scale: x * (scale**2 + 1), fullgraph=True)
    for k in range(12):
        assert values(f(torch.ones(1), k / 4)) == [pytest.approx((k / 4) ** 2 + 1)]
    assert f.traces == 2


def test_numbers_in_closures_and_globals_are_looked_at():
    global SCALE
    offset = 1.0

    def helper(x):
        return x * SCALE

    f = torch.compile(lambda x: helper(x) + offset, fullgraph=True)
    assert values(f(torch.ones(1))) == values(f(torch.ones(1))) == [3.0]
    SCALE = 5.0
    try:
        assert values(f(torch.ones(1))) == [6.0]
        offset = 2.0
        assert values(f(torch.ones(1))) == [7.0]
    finally:
        SCALE = 2.0


def test_attributes_of_modules_and_of_the_method_s_object_are_looked_at():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = 2.0

        def forward(self, x):
            return x * self.factor

    class Owner:
        def __init__(self):
            self.module, self.shift = Scaled(), 1.0

        def run(self, x):
            return self.module(x) + self.shift

    owner = Owner()
    f = torch.compile(owner.run, fullgraph=True)
    x = torch.ones(1)
    assert values(f(x)) == values(f(x)) == [3.0]
    owner.shift = 2.0
    assert values(f(x)) == [4.0]
    owner.module.factor = 3.0
    assert values(f(x)) == [5.0]
    handle = owner.module.register_forward_hook(lambda module, args, output: output * 10)
    assert values(f(x)) == [32.0]
    handle.remove()
    assert values(f(x)) == [5.0]


def test_a_parameter_that_is_replaced_or_given_other_memory():
    layer = nn.Linear(2, 1, bias=False)
    f = torch.compile(lambda x: layer(x), fullgraph=True)
    x = torch.ones(1, 2)
    with torch.no_grad():
        for number, change in enumerate(
            (
                lambda v: layer.weight.fill_(v),
                lambda v: setattr(layer.weight, "data", torch.full((1, 2), v)),
                lambda v: setattr(layer, "weight", nn.Parameter(torch.full((1, 2), v))),
                lambda v: layer.load_state_dict({"weight": torch.full((1, 2), v)}),
            )
        ):
            f(x)
            change(number + 1.0)
            assert values(f(x)) == [[2.0 * number + 2]]


def test_a_frozen_parameter_gets_no_gradient():
    torch.manual_seed(0)
    built = training(lambda p: optim.SGD(p, lr=0.1))
    model = next(c.cell_contents for c in built.step.__closure__ if isinstance(c.cell_contents, nn.Module))
    step = torch.compile(built.step, fullgraph=True)
    step(*built.batches[0])
    step(*built.batches[1])
    model[0].requires_grad_(False)
    frozen, free = model[0].weight.detach().clone(), model[2].weight.detach().clone()
    step(*built.batches[2])
    step(*built.batches[3])
    assert values(model[0].weight) == values(frozen)
    assert values(model[2].weight) != values(free)


# --- what can't be replayed ----------------------------------------------------------------------------------------------


def ordinary(f, *args):
    """Calls f three times; the warnings that came."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        results = [f(*args) for _ in range(3)]
    return results, [str(w.message) for w in seen]


@pytest.mark.parametrize(
    "body",
    [
        lambda x: x * 2 if x.sum() > 0 else x,
        lambda x: x * x.sum().item(),
        lambda x: x * float(str(float(x.sum()))),
        lambda x: x * int(x.nonzero().shape[0] > 0),
        lambda x: x * len(x.tolist()),
    ],
    ids=["branch", "item", "float", "nonzero", "tolist"],
)
def test_values_that_python_needs_end_the_trace_with_one_warning(body):
    f = torch.compile(body)
    x = torch.tensor([1.0, 2.0])
    results, seen = ordinary(f, x)
    assert [values(r) for r in results] == [values(body(x))] * 3
    assert len(seen) == 1
    assert "test_function.py" in seen[0]
    with pytest.raises(RuntimeError, match="fullgraph"):
        torch.compile(body, fullgraph=True)(x)


def test_a_step_that_is_refused_with_fullgraph_has_not_happened():
    torch.manual_seed(0)
    model = classifier(nn.BatchNorm1d(6), nn.Dropout(0.5))
    optimizer = optim.Adam(model.parameters(), lr=0.1)

    def train(x, t):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    def step(x, t):
        return train(x, t).item()

    data = batches(3)
    train(*data[0])
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    counts = [known["step"].item() for known in optimizer.state.values()]
    grads = [p.grad for p in model.parameters()]
    state = torch.get_rng_state().tolist()
    with pytest.raises(RuntimeError, match="fullgraph"):
        torch.compile(step, fullgraph=True)(*data[1])
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert [known["step"].item() for known in optimizer.state.values()] == counts
    assert all(p.grad is g for p, g in zip(model.parameters(), grads))
    assert torch.get_rng_state().tolist() == state
    train(*data[2])


def test_a_tensor_that_is_put_aside_is_noticed():
    def f(x):
        y = x * 2
        DRAWER.things.append(y)
        return y + 1

    DRAWER.things = []
    _, seen = ordinary(torch.compile(f), torch.ones(1))
    assert len(seen) == 1 and "keeps a tensor" in seen[0]
    assert len(DRAWER.things) == 3


def test_a_counter_of_the_users_is_noticed():
    class Counting(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x + self.calls

    module = Counting()
    results, seen = ordinary(torch.compile(module), torch.zeros(1))
    assert [values(r)[0] for r in results] == [1.0, 2.0, 3.0]
    assert "'calls'" in seen[0]


def test_seeding_inside_is_refused():
    def f(x):
        torch.manual_seed(3)
        return x + torch.rand(2)

    results, seen = ordinary(torch.compile(f), torch.zeros(2))
    assert len({tuple(values(r)) for r in results}) == 1
    assert len(seen) == 1


def test_an_error_in_the_function_is_the_user_s_own():
    def f(x, fail):
        y = x * 2
        if fail:
            raise KeyError("mine")
        return y

    g = torch.compile(f, fullgraph=True)
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            g(torch.ones(1), True)
        assert values(g(torch.ones(1), False)) == [2.0]
    with pytest.raises(RuntimeError, match=r"matmul|mat1|dot"):
        torch.compile(lambda a, b: a @ b)(torch.ones(2, 3), torch.ones(2, 3))


def test_ever_new_kinds_of_calls_end_with_one_warning():
    f = torch.compile(lambda x: x * 2)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for n in range(1, 40):
            assert values(f(torch.ones(n))) == [2.0] * n
    assert len(seen) == 1 and "times" in str(seen[0].message)


def test_disabled_code_is_never_replayed():
    calls = []

    @torch.compiler.disable
    def noisy(x):
        calls.append(1)
        return x + 1

    results, seen = ordinary(torch.compile(lambda x: noisy(x) * 2), torch.ones(1))
    assert len(calls) == 3 and len(seen) == 1
    assert values(results[2]) == [4.0]
    plain = lambda x: x
    assert torch.compile(plain, disable=True) is plain


# --- among themselves, threads, processes ----------------------------------------------------------------------------------


def test_a_compiled_function_in_a_compiled_function_is_part_of_it():
    inner = torch.compile(lambda x: x * 3)
    outer = torch.compile(lambda x: inner(x) + inner(x + 1), fullgraph=True)
    for k in range(4):
        assert values(outer(torch.tensor([float(k)]))) == [6.0 * k + 3]
    assert inner.traces == 0 and outer.traces == 1
    assert values(torch.func.vmap(inner)(torch.ones(2, 3))) == [[3.0] * 3] * 2


def test_a_compiled_function_that_calls_itself():
    @torch.compile
    def power(x, n):
        return x if n == 0 else power(x, n - 1) * 2

    for _ in range(2):
        assert values(power(torch.ones(1), 5)) == [32.0]


def test_two_threads_replay_at_once():
    weight = torch.randn(16, 16)
    f = torch.compile(lambda x: (x @ weight).relu().sum(0))
    wrong = []

    def work(seed):
        x = torch.tensor(np.random.default_rng(seed).random((8, 16), np.float32))
        wanted = np.maximum(x.numpy() @ weight.numpy(), 0).sum(0)
        for _ in range(60):
            if not np.allclose(f(x).numpy(), wanted, rtol=1e-4):
                wrong.append(seed)

    f(torch.zeros(8, 16))
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_traces_anew():
    f = torch.compile(lambda x: (x * 2).sum())
    for _ in range(3):
        f(torch.ones(4))
    child = os.fork()
    if child == 0:
        os._exit(0 if f(torch.ones(4)).item() == f(torch.ones(4)).item() == 8.0 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert f(torch.ones(4)).item() == 8.0


# --- modules ---------------------------------------------------------------------------------------------------------------


def test_a_compiled_module_is_a_module():
    model = classifier(nn.Dropout(0.5))
    compiled = torch.compile(model)
    assert isinstance(compiled, nn.Module)
    assert list(compiled.parameters()) == list(model.parameters())
    assert next(iter(compiled.state_dict())) == "_orig_mod.0.weight"
    assert compiled[0] is model[0] and len(compiled) == len(model)
    compiled.eval()
    assert not model[1].training and not compiled.training
    x = torch.randn(2, 7)
    np.testing.assert_allclose(compiled(x).detach().numpy(), model(x).detach().numpy(), rtol=1e-5)
    compiled.note = "kept"
    assert model.note == "kept"
    compiled.load_state_dict(compiled.state_dict())
    model.compile()
    np.testing.assert_allclose(model(x).detach().numpy(), compiled(x).detach().numpy(), rtol=1e-5)


def test_methods_are_compiled_for_each_object():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @torch.compile
        def run(self, x):
            return x * self.factor

    two, three = Scale(2.0), Scale(3.0)
    for _ in range(3):
        assert values(two.run(torch.ones(1))) == [2.0]
        assert values(three.run(torch.ones(1))) == [3.0]


def test_what_can_not_be_compiled():
    with pytest.raises(TypeError, match="compile"):
        torch.compile(3)


def test_reasons_are_kept_and_silence_is_possible():
    f = torch.compile(lambda x: x * 2 if x.sum() > 0 else x, silent=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert values(f(torch.tensor([1.0]))) == [2.0]
    assert len(f.reasons) == 1 and "asks for a value" in f.reasons[0]


def test_a_tensor_of_the_functions_own_may_hold_another_by_an_attribute():
    def f(x):
        y = (x * 2).detach()  # has a cell, so the trace has seen it
        y.mask = x > 0
        return torch.where(y.mask, y, 0.0)

    compiled = torch.compile(f, fullgraph=True)
    for k in (1.0, 2.0, 3.0):
        assert values(compiled(torch.tensor([k, -k]))) == [2 * k, 0.0]
    assert compiled.traces == 1


def test_numbers_from_a_seed_that_is_an_argument_are_drawn_from_each_one():
    f = torch.compile(lambda seed: torch.rand(3, generator=torch.random.KeyedGenerator(seed)), fullgraph=True)
    seeds = [torch.tensor([7, place]) for place in (0, 4, 0)]
    first, second, third = [values(f(seed)) for seed in seeds]
    assert first == third != second and f.traces == 1
    assert values(torch.rand(3, generator=torch.random.KeyedGenerator(seeds[1]))) == second


def test_what_is_made_of_numbers_alone_may_be_asked_for():
    """A loop that counts is unrolled; the calls are replayed."""

    def f(x):
        i, s = torch.tensor(0), torch.zeros(2)
        while i < 3:
            x, i, s = x * 2, i + 1, s + 1
        return x + s * float(torch.arange(3).sum()) if s[0] > 2 else x

    f = torch.compile(f, silent=True)
    assert [values(f(torch.tensor([k, 1.0]))) for k in (1.0, 2.0, 3.0)] == [[17.0, 17.0], [25.0, 17.0], [33.0, 17.0]]
    assert f.traces == 1 and f.reasons == []


@pytest.mark.parametrize(
    "make",
    [
        lambda x, v: torch.rand(()) + 0.1 > 0.6,
        lambda x, v: torch.empty(1).uniform_().item() > 0.5,
        lambda x, v: v * 1 > 0,
        lambda x, v: (x.detach()[0] * 0 + 1) > 0,
    ],
    ids=["drawn", "drawn in place", "memory", "argument"],
)
def test_what_may_be_another_value_in_the_next_call_is_not_taken_for_a_constant(make):
    torch.manual_seed(0)  # seed and counter are then numbers that any graph may hold as constants
    v = torch.ones(())
    f = torch.compile(lambda x: x * 2 if make(x, v) else x, silent=True)
    f(torch.ones(2))
    assert len(f.reasons) == 1 and "asks for a value" in f.reasons[0]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "draw",
    [
        lambda x: torch.rand(2) + x,
        lambda x: torch.rand(2) + torch.rand(2) * 2 + (x.long() * 0 + x.long() * 1 + 2),
        lambda x: torch.nn.functional.dropout(x, 0.5) + torch.zeros(2, dtype=torch.int64) + torch.arange(2),
    ],
    ids=["alone", "with whole numbers", "dropout"],
)
def test_seeds_and_counters_are_not_taken_for_equal_whole_numbers(draw, seed):
    torch.manual_seed(seed)
    wanted = [values(draw(torch.ones(2))) for _ in range(4)]
    f = torch.compile(draw)
    torch.manual_seed(seed)
    assert [values(f(torch.ones(2))) for _ in range(4)] == wanted
    assert f.traces == 1


def test_a_loop_that_is_too_long_is_not_unrolled():
    def f(x):
        i = torch.tensor(0)
        while i < 11_000:
            i = i + 1
        return x + i

    f = torch.compile(f, silent=True)
    assert values(f(torch.ones(1))) == [11_001.0] and len(f.reasons) == 1


def test_a_float_argument_in_a_tensor_is_an_input():
    f = torch.compile(lambda x, rate: x * torch.tensor(rate) + torch.tensor([rate, 1.0])[1])
    assert [values(f(torch.ones(1), rate)) for rate in (0.5, 0.25, 0.125, 2.0)] == [[1.5], [1.25], [1.125], [3.0]]
    assert torch.compile(lambda rate: torch.tensor(rate).dtype is torch.float32 and torch.tensor(rate))(0.5).item() == 0.5
    asks = torch.compile(lambda x, rate: x if torch.tensor(rate).item() > 0.5 else -x)
    assert [values(asks(torch.ones(1), rate)) for rate in (1.0, 0.25, 0.75, 0.25)] == [[1.0], [-1.0], [1.0], [-1.0]]
