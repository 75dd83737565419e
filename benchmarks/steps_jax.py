"""The workloads of `steps.py` in JAX, jitted, with parameters and state donated."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np


def data(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def _parameters(sizes: tuple[int, ...]) -> Any:
    import jax.numpy as jnp

    return [(jnp.array(data(a, b) / a**0.5), jnp.zeros(b, "float32")) for a, b in itertools.pairwise(sizes)]


def _apply(parameters: Any, x: Any, activation: Any) -> Any:
    for w, b in parameters[:-1]:
        x = activation(x @ w + b)
    w, b = parameters[-1]
    return x @ w + b


def _sgd(loss: Any, parameters: Any, *batch: Any) -> Callable[[], object]:
    import functools

    import jax

    @functools.partial(jax.jit, donate_argnums=0)
    def step(parameters: Any, *batch: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(parameters, *batch)
        return jax.tree.map(lambda p, g: p - 0.01 * g, parameters, grads), value

    batch = tuple([jax.device_put(x) for x in batch])

    def run() -> None:
        nonlocal parameters
        parameters, value = step(parameters, *batch)
        value.block_until_ready()

    return run


def _adam(loss: Any, parameters: Any, *batch: Any) -> Callable[[], object]:
    import functools

    import jax
    import jax.numpy as jnp

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters: Any, state: Any, *batch: Any) -> Any:
        m, v, t = state
        value, g = jax.value_and_grad(loss)(parameters, *batch)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        c = jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        parameters = jax.tree.map(lambda p, m, v: p - 1e-3 * c * m / (jnp.sqrt(v) + 1e-8), parameters, m, v)
        return parameters, (m, v, t), value

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), "float32")
    batch = tuple([jax.device_put(x) for x in batch])

    def run() -> None:
        nonlocal parameters, state
        parameters, state, value = step(parameters, state, *batch)
        value.block_until_ready()

    return run


def mlp(sizes: tuple[int, ...], batch: int, method: Any) -> Callable[[], Callable[[], object]]:
    def build() -> Callable[[], object]:
        import jax
        import jax.numpy as jnp

        def loss(parameters: Any, x: Any, t: Any) -> Any:
            y = jax.nn.log_softmax(_apply(parameters, x, jax.nn.relu))
            return -jnp.take_along_axis(y, t[:, None], 1).mean()

        t = np.random.default_rng(1).integers(0, sizes[-1], batch).astype("i4")
        return method(loss, _parameters(sizes), data(batch, sizes[0]), t)  # type: ignore[no-any-return]

    return build


def policy() -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, states: Any, actions: Any, returns: Any) -> Any:
        y = jax.nn.log_softmax(_apply(parameters, states, jnp.tanh))
        return -(jnp.take_along_axis(y, actions, 1) * returns).mean()

    actions = np.random.default_rng(1).integers(0, 4, (32, 1)).astype("i4")
    return _adam(loss, _parameters((8, 64, 64, 4)), data(32, 8), actions, data(32, 1, seed=2))


def pinn() -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, points: Any) -> Any:
        def u(point: Any) -> Any:
            return _apply(parameters, point, jnp.tanh)[0]

        first = jax.vmap(jax.grad(u))(points)
        second = jax.vmap(jax.grad(lambda p: jax.grad(u)(p)[0]))(points)
        return ((first[:, 1] - second[:, 0]) ** 2).mean()

    return _adam(loss, _parameters((2, 64, 64, 64, 1)), data(2000, 2))


def softmax() -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    def f(x: Any) -> Any:
        mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return jax.nn.softmax(jax.nn.gelu((x - mean) / jnp.sqrt(var + 1e-5), approximate=False))

    step = jax.jit(lambda x, y_bar: jax.vjp(f, x)[1](y_bar)[0])
    x, y_bar = jax.device_put(data(4096, 1024)), jax.device_put(data(4096, 1024, seed=1))
    return lambda: step(x, y_bar).block_until_ready()


def hessian() -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    x, y = jax.device_put(data(16, 3)), jax.device_put(data(16, 2, seed=1))
    w = jax.device_put(data(30, seed=2) * 0.5)

    def loss(w: Any) -> Any:
        hidden = jnp.tanh(x @ w[:15].reshape(3, 5) + w[15:20])
        return ((hidden @ w[20:30].reshape(5, 2) - y) ** 2).mean()

    step = jax.jit(jax.hessian(loss))
    return lambda: step(w).block_until_ready()


BUILDERS: dict[str, Callable[[], Callable[[], object]]] = {
    "mlp64": mlp((784, 128, 10), 64, _sgd),
    "mlp1": mlp((784, 128, 10), 1, _sgd),
    "mlp512": mlp((784, 128, 10), 512, _sgd),
    "wide": mlp((784, 1024, 1024, 10), 128, _adam),
    "policy": policy,
    "pinn": pinn,
    "softmax": softmax,
    "hessian": hessian,
}
