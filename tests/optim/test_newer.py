"""Methods that PyTorch lacks, against their papers' update rules written in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.optim.tools import array, every, parameter, tensor
from wengert import dtypes, nn, optim

STEPS = 50


def gradients(shape, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=(STEPS, *shape))


def run(optimizer, x, noise, maximize=False):
    for g in noise:
        x.grad = tensor((np.sin(array(x)) + g) * (-1 if maximize else 1), dtypes.float64)
        optimizer.step()


@pytest.mark.parametrize(
    ("betas", "decay", "maximize"), every([(0.9, 0.99), (0.0, 0.5)], [0.0, 0.3], [False, True])
)
def test_lion(betas, decay, maximize):
    start, noise = gradients((3, 4))
    x, lr = parameter(start, dtypes.float64), 0.01
    run(optim.Lion([x], lr, betas, decay, maximize=maximize), x, noise, maximize)
    w, m = start.copy(), np.zeros_like(start)
    for g in noise:
        g = np.sin(w) + g
        c = betas[0] * m + (1 - betas[0]) * g
        w, m = w - lr * (np.sign(c) + decay * w), betas[1] * m + (1 - betas[1]) * g
    np.testing.assert_allclose(array(x), w, rtol=1e-9)


@pytest.mark.parametrize(
    ("betas", "decay", "warmup", "maximize"),
    every([(0.9, 0.999), (0.5, 0.9)], [0.0, 0.2], [0, 7], [False, True]),
)
def test_schedule_free_adamw(betas, decay, warmup, maximize):
    start, noise = gradients((5,))
    x, lr, eps, (beta1, beta2) = parameter(start, dtypes.float64), 0.05, 1e-8, betas
    optimizer = optim.ScheduleFreeAdamW([x], lr, betas, eps, decay, warmup, maximize=maximize)
    run(optimizer, x, noise, maximize)
    y, z, average, v, total = start.copy(), start.copy(), start.copy(), np.zeros_like(start), 0.0
    for t, g in enumerate(noise, 1):
        g = np.sin(y) + g
        v = beta2 * v + (1 - beta2) * g**2
        gamma = lr * np.sqrt(1 - beta2**t) * min(1, t / max(warmup, 1))
        z = z - gamma * g / (np.sqrt(v) + eps) - gamma * decay * y
        total += gamma**2
        c = gamma**2 / total
        average = (1 - c) * average + c * z
        y = (1 - beta1) * z + beta1 * average
    np.testing.assert_allclose(array(x), y, rtol=1e-9)
    np.testing.assert_allclose(array(optimizer.state[x]["z"]), z, rtol=1e-9)
    optimizer.eval()
    np.testing.assert_allclose(array(x), average, rtol=1e-9)
    with pytest.raises(RuntimeError, match=r"train\(\)"):
        optimizer.step()
    optimizer.eval()
    optimizer.train()
    np.testing.assert_allclose(array(x), y, rtol=1e-9)


def reference_soap(start, noise, lr, betas, eps, decay, frequency, largest, beta):
    """Algorithm 3 of the paper, with its sides' identity above `largest`."""
    w, m, v = start.copy(), np.zeros_like(start), np.zeros_like(start)
    matrix = start.reshape(start.shape[0], -1)
    sides = [1 < n <= largest for n in matrix.shape]
    grams = [np.zeros((n, n)) for n in matrix.shape]
    bases = [np.eye(n) for n in matrix.shape]
    for t, g in enumerate(noise, 1):
        g = (np.sin(w) + g).reshape(matrix.shape)
        for side, gram in enumerate((g @ g.T, g.T @ g)):
            if t == 1 and sides[side]:
                bases[side] = np.linalg.eigh(gram)[1]
            grams[side] = beta * grams[side] + (1 - beta) * gram
        m = betas[0] * m + (1 - betas[0]) * g.reshape(w.shape)
        turned = bases[0].T @ g @ bases[1]
        v = betas[1] * v + (1 - betas[1]) * turned.reshape(w.shape) ** 2
        n = (bases[0].T @ m.reshape(matrix.shape) @ bases[1]) / (1 - betas[0] ** t)
        n = n / (np.sqrt(v.reshape(matrix.shape) / (1 - betas[1] ** t)) + eps)
        w = w - lr * decay * w - lr * (bases[0] @ n @ bases[1].T).reshape(w.shape)
        if t % frequency == 0:
            bases = [np.linalg.qr(gram @ q)[0] if on else q for gram, q, on in zip(grams, bases, sides)]
    return w


@pytest.mark.parametrize(
    ("shape", "frequency", "largest", "beta", "decay"),
    [
        ((4, 3), 10, 100, None, 0.0), ((4, 3), 1, 100, None, 0.1), ((4, 4), 7, 100, 0.8, 0.1), ((3, 5), 3, 4, None, 0.0),
        ((2, 3, 2), 5, 4, None, 0.1), ((1, 2), 4, 100, None, 0.0),
    ],
)  # fmt: skip
def test_soap(shape, frequency, largest, beta, decay):
    """No shape whose first gradient leaves more than one direction out: any basis of these would do."""
    start, noise = gradients(shape)
    x, lr, betas, eps = parameter(start, dtypes.float64), 0.02, (0.9, 0.95), 1e-8
    run(optim.SOAP([x], lr, betas, eps, decay, frequency, largest, beta), x, noise)
    wanted = reference_soap(
        start, noise, lr, betas, eps, decay, frequency, largest, betas[1] if beta is None else beta
    )
    np.testing.assert_allclose(array(x), wanted, rtol=1e-6, atol=1e-8)


def test_soap_of_a_vector_is_adamw():
    start, noise = gradients((6,))
    x, y = parameter(start, dtypes.float64), parameter(start, dtypes.float64)
    run(optim.SOAP([x], 0.01, (0.9, 0.99)), x, noise)
    run(optim.AdamW([y], 0.01, (0.9, 0.99)), y, noise)
    np.testing.assert_allclose(array(x), array(y), rtol=1e-10)


@pytest.mark.parametrize("name", ["Lion", "ScheduleFreeAdamW", "SOAP"])
def test_the_state_goes_on_where_it_was(name):
    start, noise = gradients((3, 4))
    x, y = parameter(start, dtypes.float64), parameter(start, dtypes.float64)
    whole, first, second = (getattr(optim, name)([p], lr=0.01) for p in (x, y, y))
    run(whole, x, noise)
    run(first, y, noise[:20])
    second.load_state_dict(first.state_dict())
    run(second, y, noise[20:])
    np.testing.assert_allclose(array(x), array(y), rtol=1e-10)


@pytest.mark.parametrize("name", ["Lion", "ScheduleFreeAdamW", "SOAP"])
def test_a_small_network_learns(name):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(64, 4)).astype(np.float32)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = getattr(optim, name)(model.parameters(), lr=0.01)
    x, target = tensor(inputs), tensor(np.sin(inputs.sum(1, keepdims=True)))
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_numbers_outside_their_range():
    x = parameter(np.ones((2, 2)))
    for make in (
        lambda: optim.Lion([x], lr=-1), lambda: optim.Lion([x], betas=(1.0, 0.9)), lambda: optim.SOAP([x], eps=-1),
        lambda: optim.SOAP([x], precondition_frequency=0), lambda: optim.ScheduleFreeAdamW([x], betas=(0.0, 0.9)),
        lambda: optim.NAdam([x], momentum_decay=-1), lambda: optim.RAdam([x], betas=(0.9, 1.0)),
        lambda: optim.Rprop([x], etas=(1.5, 1.2)), lambda: optim.Adadelta([x], rho=1.5), lambda: optim.Adamax([x], eps=-1),
        lambda: optim.Adafactor([x], d=0.5), lambda: optim.Adafactor([x], beta2_decay=0.1), lambda: optim.ASGD([x], lr=-1),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            make()
