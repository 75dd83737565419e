"""Training programs made by chance: a network, a method, a loss, what a step does and returns, and what happens between steps.

Everything is chosen by a seed and drawn by NumPy, so PyTorch can run the same program. `outcome` gives all that the program
computed and kept.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np

METHODS: list[tuple[str, dict[str, float]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("Adam", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01}),
    ("Adagrad", {"lr": 0.05}),
]
LOSSES = ("classes", "squares", "absolute", "bits")
RETURNS = ("loss", "loss and outputs", "views", "dict")
STEPS = 9


class Training:
    """One program. torch: wengert, or PyTorch; compile: what the step goes through; wait: called between steps."""

    def __init__(self, torch: Any, seed: int, compile: Callable[..., Any], wait: Callable[[], object]) -> None:
        self.torch, self.wait = torch, wait
        self.choose, self.draw = random.Random(seed), np.random.RandomState(seed)
        self.model = self.network()
        self.linear = [layer for layer in self.model if isinstance(layer, torch.nn.Linear)]
        self.optimizer = self.method()
        self.options = {
            "loss": self.choose.choice(LOSSES),
            "returns": self.choose.choice(RETURNS),
            "every": self.choose.choice([1, 1, 2, 3]),
            "clips": self.choose.random() < 0.3,
            "decays": self.choose.random() < 0.3,
            "forgets": self.choose.random() < 0.7,
            "averages": self.choose.random() < 0.3,
            "by inputs": self.choose.random() < 0.15,
        }
        self.average = [p.detach().clone() for p in self.model.parameters()]
        self.factor = {"factor": 1.0}
        self.mean = torch.zeros(2, dtype=torch.float64)
        self.handles: list[Any] = []
        self.log: list[Any] = []
        self.kept: list[Any] = []
        self.run = compile(self.step)

    # --- what the program is made of ---------------------------------------------------------------------------------

    def tensor(self, *shape: int) -> Any:
        return self.torch.tensor(self.draw.randn(*shape))

    def network(self) -> Any:
        nn = self.torch.nn
        h = self.choose.choice([1, 2, 4])
        kinds = [
            nn.Tanh,
            nn.ReLU,
            nn.GELU,
            nn.Softplus,
            lambda: nn.BatchNorm1d(h),
            lambda: nn.LayerNorm(h),
            lambda: nn.Linear(h, h),
        ]
        inner = [self.choose.choice(kinds)() for _ in range(self.choose.randint(0, 3))]
        model = nn.Sequential(nn.Linear(3, h), *inner, nn.Linear(h, 2)).double()
        with self.torch.no_grad():
            for p in model.parameters():
                p.copy_(self.tensor(*p.shape) * 0.5)
        return model

    def method(self) -> Any:
        name, options = self.choose.choice(METHODS)
        return getattr(self.torch.optim, name)(self.model.parameters(), **options)

    def loss(self, y: Any, t: Any) -> Any:
        F = self.torch.nn.functional
        kind = self.options["loss"]
        if kind == "classes":
            return F.cross_entropy(y, t)
        if kind == "squares":
            return F.mse_loss(y, F.one_hot(t, 2).double())
        return (y - 1).abs().mean() if kind == "absolute" else F.binary_cross_entropy_with_logits(y[:, 0], t.double())

    def step(self, x: Any, t: Any, weight: float = 1.0, last: bool = True) -> Any:
        torch, options = self.torch, self.options
        if options["by inputs"]:
            x = x.detach().requires_grad_(True)
        y = self.model(x) * self.factor["factor"] - self.mean
        self.mean.mul_(0.9).add_(y.detach().mean(0), alpha=0.1)
        loss = self.loss(y, t) * weight
        if options["decays"]:
            loss = loss + 0.01 * sum(p.pow(2).sum() for p in self.model.parameters() if p.requires_grad)
        if options["by inputs"]:
            loss = loss + torch.autograd.grad(loss, x, create_graph=True)[0].pow(2).sum()
        (loss / options["every"]).backward()
        if last:
            self.update()
        return self.returned(loss, y)

    def update(self) -> None:
        if self.options["clips"]:
            self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=self.options["forgets"])
        if self.options["averages"]:
            with self.torch.no_grad():
                for a, p in zip(self.average, self.model.parameters()):
                    a.lerp_(p, 0.1)

    def returned(self, loss: Any, y: Any) -> Any:
        kind = self.options["returns"]
        if kind == "loss":
            return loss
        if kind == "loss and outputs":
            return loss, y
        if kind == "views":
            return loss.detach(), y.detach(), y.detach()[0]
        return {"loss": loss.detach(), "outputs": [y.argmax(1), y.detach()]}

    # --- what happens between steps ----------------------------------------------------------------------------------

    def event(self) -> None:
        happening = self.choose.choice([None] * 4 + EVENTS)
        if happening is not None:
            happening(self)

    def freeze(self) -> None:
        self.choose.choice(self.linear).weight.requires_grad_(False)

    def thaw(self) -> None:
        for p in self.model.parameters():
            p.requires_grad_(True)

    def rate(self) -> None:
        self.optimizer.param_groups[0]["lr"] *= self.choose.choice([0.5, 2, 0.1])

    def decay(self) -> None:
        self.optimizer.param_groups[0]["weight_decay"] = self.choose.choice([0.0, 0.1, 0])

    def mode(self) -> None:
        self.model.train(self.choose.random() < 0.5)

    def hook(self) -> None:
        weight, factor = self.choose.choice(self.linear).weight, self.choose.choice([0.5, 2.0])
        if weight.requires_grad:
            self.handles.append(weight.register_hook(lambda g: g * factor))

    def hook_on_layer(self) -> None:
        factor = self.choose.choice([0.5, 2.0])
        self.handles.append(self.choose.choice(self.linear).register_forward_hook(lambda _layer, _x, y: y * factor))

    def unhook(self) -> None:
        if self.handles:
            self.handles.pop(self.choose.randrange(len(self.handles))).remove()

    def load(self) -> None:
        self.model.load_state_dict({name: value.clone() for name, value in self.model.state_dict().items()})
        self.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))

    def scale(self) -> None:
        self.factor["factor"] = self.choose.choice([0.5, 1.0, 2.0])

    def write(self) -> None:
        with self.torch.no_grad():
            self.choose.choice(self.linear).weight.mul_(0.9)
        self.mean.zero_()

    def write_by_numpy(self) -> None:
        array = self.choose.choice(self.linear).weight.detach().numpy()
        array *= 0.9

    def write_gradients(self) -> None:
        for p in self.model.parameters():
            if p.grad is not None:
                p.grad.mul_(0.5)

    def exchange(self) -> None:
        layer = self.choose.choice(self.linear)
        layer.bias = self.torch.nn.Parameter(layer.bias.detach() * 0.5)
        self.optimizer = self.method()

    def start_anew(self) -> None:
        self.optimizer.state.clear()

    def keep_gradient(self) -> None:
        self.kept.append(self.choose.choice(self.linear).weight.grad)

    def write_results(self) -> None:
        for value in tensors_in(self.kept[-1:]):
            if value.is_floating_point():
                with self.torch.no_grad():
                    value.mul_(2)

    # --- the whole ---------------------------------------------------------------------------------------------------

    def batch(self) -> tuple[Any, Any]:
        n = self.choose.choice([4, 4, 4, 2, 3])
        x = self.tensor(3, n).t() if self.choose.random() < 0.2 else self.tensor(n, 3)
        return x, self.torch.tensor(self.draw.randint(0, 2, (n,)))

    def go(self) -> list[Any]:
        for number in range(STEPS):
            self.event()
            x, t = self.batch()
            weight, last = self.choose.choice([1.0, 1.0, 0.5, 2.0]), number % self.options["every"] == self.options["every"] - 1
            self.kept.append(self.run(x, t, weight, last))
            if self.choose.random() < 0.3:
                self.log.append(tensors_in(self.kept[-1:])[0].sum().item())
            if self.choose.random() < 0.5:
                self.wait()
            if self.choose.random() < 0.2:
                self.log.append(self.model(x).detach())
        state = [value for known in self.optimizer.state.values() for value in known.values()]
        grads = [p.grad for p in self.model.parameters()]
        return [self.log, self.kept, *self.model.state_dict().values(), *grads, self.average, self.mean, state]


EVENTS: list[Callable[[Training], None]] = [
    Training.freeze, Training.thaw, Training.rate, Training.decay, Training.mode, Training.hook, Training.hook_on_layer,
    Training.unhook, Training.load, Training.scale, Training.write, Training.write_by_numpy, Training.write_gradients,
    Training.exchange, Training.start_anew, Training.keep_gradient, Training.write_results,
]  # fmt: skip


def tensors_in(found: Any) -> list[Any]:
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return [tensor for part in found for tensor in tensors_in(part)]
    return [found] if hasattr(found, "detach") else []


def numbers_in(found: Any) -> list[Any]:
    """Arrays and numbers, in order; None where there is nothing."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return [number for part in found for number in numbers_in(part)]
    return [np.array(found.detach().numpy()) if hasattr(found, "detach") else found]


def outcome(torch: Any, seed: int, compile: Callable[..., Any] = lambda f: f, wait: Callable[[], object] = lambda: None) -> Any:
    """All that a program computed and kept."""
    return numbers_in(Training(torch, seed, compile, wait).go())
