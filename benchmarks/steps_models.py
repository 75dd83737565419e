"""The workloads of `steps.py` for a PyTorch-like module: each function builds one step from the module and its `compile`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

Compile = Callable[..., Any]


def parts(torch: ModuleType) -> tuple[Any, Any, Any]:
    """nn, nn.functional and optim of a PyTorch-like module."""
    return tuple([import_module(f"{torch.__name__}.{name}") for name in ("nn", "nn.functional", "optim")])  # type: ignore[return-value]


def data(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def labels(n: int, *shape: int) -> Any:
    return np.random.default_rng(1).integers(0, n, shape)


def trained(torch: Any, model: Any, optimizer: Any, loss_of: Any, compile: Compile, *batch: Any) -> Callable[[], object]:
    """A step with everything in it, on one batch."""
    tensors = [torch.tensor(x) for x in batch]

    def step(*inputs: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(*inputs)
        loss.backward()
        optimizer.step()
        return loss

    compiled = compile(step)
    return lambda: compiled(*tensors)


def dense(nn: Any, sizes: tuple[int, ...], activation: Any) -> Any:
    layers: list[Any] = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


def mlp(sizes: tuple[int, ...], batch: int, method: str) -> Callable[[ModuleType, Compile], Callable[[], object]]:
    """A classifier."""

    def build(torch: ModuleType, compile: Compile) -> Callable[[], object]:
        nn, F, optim = parts(torch)
        model = dense(nn, sizes, nn.ReLU)
        optimizer = getattr(optim, method)(model.parameters(), lr=0.01 if method == "SGD" else 1e-3)
        x, t = data(batch, sizes[0]), labels(sizes[-1], batch)
        return trained(torch, model, optimizer, lambda x, t: F.cross_entropy(model(x), t), compile, x, t)

    return build


def policy(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    """REINFORCE on a batch of states, actions and returns."""
    nn, F, optim = parts(torch)
    model = dense(nn, (8, 64, 64, 4), nn.Tanh)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def loss(states: Any, actions: Any, returns: Any) -> Any:
        chosen = F.log_softmax(model(states), 1).gather(1, actions)
        return -(chosen * returns).mean()

    batch = data(32, 8), labels(4, 32, 1), data(32, 1, seed=2)
    return trained(torch, model, optimizer, loss, compile, *batch)


def pinn(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    """u_t = u_xx: second derivatives of the network by reverse mode."""
    nn, _, optim = parts(torch)
    model = dense(nn, (2, 64, 64, 64, 1), nn.Tanh)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def loss(points: Any) -> Any:
        points = points.detach().requires_grad_()
        (first,) = torch.autograd.grad(model(points).sum(), points, create_graph=True)
        (second,) = torch.autograd.grad(first[:, 0].sum(), points, create_graph=True)
        return ((first[:, 1] - second[:, 0]) ** 2).mean()

    return trained(torch, model, optimizer, loss, compile, data(2000, 2))


def softmax(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    """Three normalisations in a row, forward and backward."""
    _, F, _ = parts(torch)
    x, y_bar = torch.tensor(data(4096, 1024)), torch.tensor(data(4096, 1024, seed=1))

    def step(x: Any, y_bar: Any) -> Any:
        x = x.detach().requires_grad_()
        y = F.softmax(F.gelu(F.layer_norm(x, (1024,))), -1)
        return torch.autograd.grad(y, x, y_bar)[0]

    compiled = compile(step)
    return lambda: compiled(x, y_bar)


def hessian(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    """All second derivatives of the loss of a 3-5-2 network (32 parameters less the last bias: 30)."""
    func = import_module(f"{torch.__name__}.func")
    x, y = torch.tensor(data(16, 3)), torch.tensor(data(16, 2, seed=1))
    weights = torch.tensor(data(30, seed=2) * 0.5)

    def loss(w: Any) -> Any:
        hidden = torch.tanh(x @ w[:15].reshape(3, 5) + w[15:20])
        return ((hidden @ w[20:30].reshape(5, 2) - y) ** 2).mean()

    compiled = compile(lambda w: func.hessian(loss)(w))
    return lambda: compiled(weights)


def cnn(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    nn, F, optim = parts(torch)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    batch = data(64, 1, 28, 28), labels(10, 64)
    return trained(torch, model, optimizer, lambda x, t: F.cross_entropy(model(x), t), compile, *batch)


def _conv_flops(batch: int, size: int, inner: int, outer: int, products: int) -> float:
    return 2.0 * batch * size * size * inner * outer * 9 * products


CNN_FLOPS = _conv_flops(64, 28, 1, 32, 2) + _conv_flops(64, 14, 32, 64, 3) + 2.0 * 64 * (64 * 49 * 128 + 1280) * 3


def resnet(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    """ResNet-20 for 32x32 images (He, Zhang, Ren and Sun, Deep residual learning, 2016)."""
    nn, F, optim = parts(torch)

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self, inner: int, outer: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outer)
            self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outer)
            self.short = nn.Sequential()
            if stride != 1 or inner != outer:
                self.short = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
            return torch.relu(y + self.short(x))

    blocks = [Block(a, b, s) for a, b, s in ((16, 16, 1),) * 3 + ((16, 32, 2),) + ((32, 32, 1),) * 2 + ((32, 64, 2),)]
    blocks += [Block(64, 64, 1), Block(64, 64, 1)]
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    batch = data(32, 3, 32, 32), labels(10, 32)
    return trained(torch, model, optimizer, lambda x, t: F.cross_entropy(model(x), t), compile, *batch)


# Forward about 41 million multiply-adds an image; the backward pass costs twice as much.
RESNET_FLOPS = 32 * 3 * 2 * 40.8e6

_D, _T, _BATCH, _LAYERS, _VOCABULARY = 128, 128, 8, 4, 256


def gpt(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    nn, F, optim = parts(torch)

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(_D), nn.LayerNorm(_D)
            self.qkv, self.out = nn.Linear(_D, 3 * _D), nn.Linear(_D, _D)
            self.up, self.down = nn.Linear(_D, 4 * _D), nn.Linear(4 * _D, _D)

        def forward(self, x: Any) -> Any:
            q, k, v = self.qkv(self.norm1(x)).reshape(_BATCH, _T, 3, 4, _D // 4).permute(2, 0, 3, 1, 4)  # (3, B, heads, T, d)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(_BATCH, _T, _D))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class GPT(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(_VOCABULARY, _D), nn.Embedding(_T, _D)
            self.blocks = nn.Sequential(*[Block() for _ in range(_LAYERS)])
            self.norm, self.head = nn.LayerNorm(_D), nn.Linear(_D, _VOCABULARY, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(torch.arange(_T))
            return self.head(self.norm(self.blocks(x)))

    model = GPT()
    optimizer = optim.AdamW(model.parameters(), lr=1e-3)
    tokens = labels(_VOCABULARY, _BATCH, _T)

    def loss(tokens: Any, targets: Any) -> Any:
        return F.cross_entropy(model(tokens).reshape(-1, _VOCABULARY), targets.reshape(-1))

    return trained(torch, model, optimizer, loss, compile, tokens, np.roll(tokens, -1, 1).copy())


GPT_FLOPS = 3 * 2.0 * _BATCH * _T * (_LAYERS * (12 * _D * _D + 2 * _T * _D) + _D * _VOCABULARY)


def lstm(torch: ModuleType, compile: Compile) -> Callable[[], object]:
    nn, F, optim = parts(torch)
    model, head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)
    optimizer = optim.Adam([*model.parameters(), *head.parameters()], lr=1e-3)

    def loss(x: Any, t: Any) -> Any:
        return F.cross_entropy(head(model(x)[0][:, -1]), t)

    return trained(torch, model, optimizer, loss, compile, data(32, 64, 64), labels(10, 32))


LSTM_FLOPS = 3 * 2.0 * 32 * 64 * 4 * 128 * (64 + 128)


def numpy_mlp(sizes: tuple[int, int, int], batch: int) -> Callable[[], object]:
    """The step of the article's MLP by hand."""
    rng = np.random.default_rng(0)
    w1, b1 = rng.uniform(-1 / 28, 1 / 28, sizes[:2]).astype("f"), np.zeros(sizes[1], "f")
    w2, b2 = rng.uniform(-0.09, 0.09, sizes[1:]).astype("f"), np.zeros(sizes[2], "f")
    x, t, rows, rate = data(batch, sizes[0]), labels(sizes[2], batch), np.arange(batch), np.float32(0.01)

    def step() -> None:
        z = x @ w1 + b1
        h = np.maximum(z, 0)
        o = h @ w2 + b2
        e = np.exp(o - o.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        p[rows, t] -= 1
        p /= batch
        h_bar = (p @ w2.T) * (z > 0)
        w2[...] -= rate * (h.T @ p)
        b2[...] -= rate * p.sum(0)
        w1[...] -= rate * (x.T @ h_bar)
        b1[...] -= rate * h_bar.sum(0)

    return step
