"""Training programs made by chance: a network, a method, a loss, what a step does and returns, and what happens between steps.

Everything is chosen by a seed and drawn by NumPy, so PyTorch can run the same program; where the program itself draws
(dropout), only the ways of wengert can be compared. `Training.go` gives all that the program computed and kept.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.programs.by_chance.events import EVENTS
from tests.programs.by_chance.networks import NETWORKS
from tests.programs.by_chance.twists import TWISTS
from tests.programs.by_chance.values import tensors_in

METHODS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("AdamW", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr": 0.05}),
    ("Adadelta", {"lr": 0.5}),
    ("Adamax", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01}),
    ("ASGD", {"lr": 0.05}),
    ("LBFGS", {"lr": 0.1, "max_iter": 3}),
]
LOSSES = ("classes", "squares", "absolute", "bits", "huber", "sum")
RETURNS = ("loss", "loss and outputs", "views", "dict", "nothing")
KINDS = ("plain",) * 6 + ("adversarial", "functional", "several times", "scaled", "mixed")
STEPS = 14


class Trouble(Exception):
    """What the program raises itself, and catches."""


class Training:
    """One program. torch: wengert, or PyTorch; compile: what the step, or `part` of it, goes through; wait: called between
    steps."""

    def __init__(
        self, torch: Any, seed: int, compile: Callable[..., Any], wait: Callable[[], object], part: str = "step"
    ) -> None:
        self.torch, self.wait, self.compile, self.part = torch, wait, compile, part
        self.choose, self.draw = random.Random(seed), np.random.RandomState(seed)
        self.draws = False
        self.dtype = self.choose.choice([torch.float64] * 5 + [torch.float32])
        torch.manual_seed(seed)
        network = self.choose.choice(NETWORKS)(self)
        self.model, self.inputs = network.model, network.inputs
        self.rival = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).to(self.dtype)
        self.last_block = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh()).to(self.dtype)
        with torch.no_grad():
            for p in (*self.rival.parameters(), *self.last_block.parameters()):
                p.copy_(self.tensor(*p.shape) * 0.5)
        self.options = self.chosen()
        self.parameters = [*self.model.parameters()] + [*self.last_block.parameters()] * self.options["block"]
        self.optimizer = self.method()
        self.second = torch.optim.SGD(self.rival.parameters(), lr=0.05)
        self.schedule: Any = None
        self.average = [p.detach().clone() for p in self.model.parameters()]
        self.factor = {"factor": 1.0}
        self.mean = torch.zeros(2, dtype=self.dtype)
        self.before: Any = None
        self.straight = straight_through(torch)
        self.trouble = ""
        self.handles: list[Any] = []
        self.log: list[Any] = []
        self.kept: list[Any] = []
        self.run = compile(self.step) if part == "step" else self.step
        self.predict = compile(self.model) if part == "model" else None

    # --- what the program is made of ---------------------------------------------------------------------------------

    def chosen(self) -> dict[str, Any]:
        choose = self.choose
        twists = choose.sample(TWISTS, choose.choice([0, 0, 1, 1, 2]))
        return {
            "kind": choose.choice(KINDS),
            "loss": choose.choice(LOSSES),
            "returns": choose.choice(RETURNS),
            "every": choose.choice([1, 1, 2, 3]),
            "clips": choose.choice(["", "", "", "norm", "value"]),
            "decays": choose.random() < 0.3,
            "forgets": choose.random() < 0.7,
            "averages": choose.random() < 0.3,
            "unrest": choose.choice([0.1, 0.2, 0.4]),
            "sizes": choose.choice([(4,), (4, 4, 4, 2), (4, 3, 2, 1)]),
            "weights": choose.choice([(1.0,), (1.0, 0.5), (1.0, 0.5, 2.0, 1.5)]),
            "by inputs": choose.random() < 0.15,
            "twists": twists,
            "block": any(twist.__name__ == "checkpointed" for twist in twists),
        }

    def tensor(self, *shape: int) -> Any:
        return self.torch.tensor(self.draw.randn(*shape), dtype=self.dtype)

    def rows(self, n: int, k: int) -> Any:
        """Rows of inputs, in some layout."""
        kind = self.choose.choice(["plain"] * 5 + ["turned", "every other", "expanded", "part"])
        if kind == "turned":
            return self.tensor(k, n).t()
        if kind == "every other":
            return self.tensor(n, 2 * k)[:, ::2]
        if kind == "expanded":
            return self.tensor(1, k).expand(n, k)
        return self.tensor(n + 2, k)[1 : n + 1] if kind == "part" else self.tensor(n, k)

    def dropout(self, layer: Any) -> Any:
        self.draws = True
        return layer

    def method(self) -> Any:
        """An optimizer for what is trained now. In float32 one whose step is no larger where gradients are rounding errors."""
        name, options = self.choose.choice(METHODS if self.dtype is self.torch.float64 else METHODS[:3])
        groups: list[Any] = list(self.parameters)
        if len(groups) > 2 and name != "LBFGS" and self.choose.random() < 0.3:
            groups = [{"params": groups[:2]}, {"params": groups[2:], "lr": options["lr"] / 2}]
        return getattr(self.torch.optim, name)(groups, **options)

    # --- a step --------------------------------------------------------------------------------------------------------

    def loss(self, y: Any, t: Any) -> Any:
        F = self.torch.nn.functional
        kind = self.options["loss"]
        if kind == "classes":
            return F.cross_entropy(y, t)
        if kind == "squares":
            return F.mse_loss(y, F.one_hot(t, 2).to(y.dtype))
        if kind == "huber":
            return F.smooth_l1_loss(y, F.one_hot(t, 2).to(y.dtype), reduction="sum") / 4
        if kind == "sum":
            return (y.square().sum(1) * (t + 1)).sum() / 4
        if kind == "absolute":
            return (y - 1).abs().mean()
        return F.binary_cross_entropy_with_logits(y[:, 0], t.to(y.dtype))

    def forward(self, inputs: Any) -> Any:
        y = (self.model if self.predict is None else self.predict)(*inputs) * self.factor["factor"] - self.mean
        for twist in self.options["twists"]:
            y = twist(self, y)
        return y

    def step(self, inputs: Any, t: Any, weight: float = 1.0, last: bool = True) -> Any:
        torch, options = self.torch, self.options
        if options["by inputs"] and inputs[0].is_floating_point():
            inputs = (inputs[0].detach().requires_grad_(True), *inputs[1:])
        if options["kind"] == "several times" or self.is_searching:
            return self.optimizer.step(lambda: self.backward(inputs, t, weight)[0])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options["kind"] == "mixed"):
            loss, y = self.backward(inputs, t, weight)
        if self.trouble == "after backward":
            raise Trouble
        if last:
            self.update()
        return self.returned(loss, y)

    @property
    def is_searching(self) -> bool:
        return isinstance(self.optimizer, self.torch.optim.LBFGS)

    def backward(self, inputs: Any, t: Any, weight: float) -> tuple[Any, Any]:
        torch, options = self.torch, self.options
        if options["kind"] == "several times" or self.is_searching:
            self.optimizer.zero_grad()
        if options["kind"] == "functional":
            return self.by_function(inputs, t)
        y = self.forward(inputs)
        self.mean.mul_(0.9).add_(y.detach().mean(0), alpha=0.1)
        if self.trouble == "after forward":
            raise Trouble
        loss = self.loss(y, t) * weight
        if options["kind"] == "adversarial":
            loss = loss + self.against(y)
        if options["decays"]:
            loss = loss + 0.01 * sum(p.pow(2).sum() for p in self.model.parameters() if p.requires_grad)
        if options["by inputs"] and inputs[0].is_floating_point():
            loss = loss + torch.autograd.grad(loss, inputs[0], create_graph=True)[0].pow(2).sum()
        if loss.requires_grad:
            (loss / options["every"] * (2.0**10 if options["kind"] == "scaled" else 1)).backward()
        return loss, y

    def against(self, y: Any) -> Any:
        """Train the rival to tell these outputs from ones, and give what the rival says of them."""
        F = self.torch.nn.functional
        self.second.zero_grad()
        fake, real = self.rival(y.detach()), self.rival(self.torch.ones_like(y))
        loss = F.softplus(fake).mean() + F.softplus(-real).mean()
        loss.backward()
        self.second.step()
        for p in self.rival.parameters():
            p.requires_grad_(False)
        verdict = F.softplus(-self.rival(y)).mean()
        for p in self.rival.parameters():
            p.requires_grad_(True)
        return verdict

    def by_function(self, inputs: Any, t: Any) -> tuple[Any, Any]:
        """Gradients by torch.func, given to the parameters."""
        func = self.torch.func
        values = {name: p for name, p in self.model.named_parameters() if p.requires_grad}

        def loss(values: Any) -> tuple[Any, Any]:
            y = func.functional_call(self.model, values, inputs) * self.factor["factor"] - self.mean
            return self.loss(y, t), y

        grads, (value, y) = func.grad_and_value(loss, has_aux=True)({k: p.detach() for k, p in values.items()})
        for name, p in values.items():
            p.grad = grads[name] if p.grad is None else p.grad + grads[name]
        return value, y

    def update(self) -> None:
        utils = self.torch.nn.utils
        if self.options["kind"] == "scaled":
            for p in self.parameters:
                if p.grad is not None:
                    p.grad.div_(2.0**10)
        if all([p.grad is None for p in self.parameters]):
            pass  # PyTorch refuses to clip nothing
        elif self.options["clips"] == "norm":
            utils.clip_grad_norm_(self.model.parameters(), 0.5)
        elif self.options["clips"] == "value":
            utils.clip_grad_value_(self.model.parameters(), 0.1)
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
            return loss.detach(), y.detach(), y.detach()[:1], y.detach().t()
        return {"loss": loss.detach(), "outputs": [y.argmax(1), y.detach()]} if kind == "dict" else None

    # --- the whole -----------------------------------------------------------------------------------------------------

    def attempt(self, call: Callable[..., Any], *args: Any) -> Any:
        """What it gives. An error is noted by its kind, and the program goes on."""
        try:
            return call(*args)
        except Exception as error:  # noqa: BLE001  both worlds have to raise the same
            kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
            self.log.append(kinds[0])
            return None

    def batch(self) -> tuple[Any, Any]:
        n = self.choose.choice(self.options["sizes"])
        return self.inputs(n), self.torch.tensor(self.draw.randint(0, 2, (n,)))

    def evaluate(self) -> None:
        """The model on other rows, or those rows again, without a gradient."""
        mode = self.choose.choice([self.torch.no_grad, self.torch.inference_mode, self.torch.enable_grad])
        inputs, _ = self.batch()
        with mode():
            found = self.attempt(self.model, *inputs)
        if found is not None:
            self.log.append((found, found.requires_grad))

    def go(self) -> list[Any]:
        for number in range(STEPS):
            event = self.choose.choice(EVENTS) if self.choose.random() < self.options["unrest"] else None
            if event is not None:
                self.attempt(event, self)
            inputs, t = self.batch()
            weight, last = self.choose.choice(self.options["weights"]), (number + 1) % self.options["every"] == 0
            self.kept.append(self.attempt(self.run, inputs, t, weight, last))
            self.trouble = ""
            found = tensors_in(self.kept[-1:])
            self.log.append([(x.requires_grad, x.is_leaf, str(x.dtype)[-4:]) for x in found])
            if found and self.choose.random() < 0.3:
                self.log.append(found[0].sum().item())
            if self.choose.random() < 0.5:
                self.wait()
            if self.choose.random() < 0.2:
                self.evaluate()
        known = [] if self.is_searching else self.optimizer.state.values()
        state = [table[name] for table in known for name in sorted(table)]
        grads = [p.grad for p in self.model.parameters()]
        kept = [self.average, self.mean, *self.rival.state_dict().values(), *self.last_block.state_dict().values()]
        return [self.log, self.kept, *self.model.state_dict().values(), *grads, kept, state]


def straight_through(torch: Any) -> Any:
    class Straight(torch.autograd.Function):  # type: ignore[name-defined,misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.sign() * 0.5 + x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * (x.abs() < 1)

    return Straight
