"""Networks made by chance, each with the inputs that it takes. All give two numbers a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Network:
    """model: a module of `dtype`; inputs: n -> its arguments for n rows."""

    def __init__(self, maker: Any, model: Any, inputs: Callable[[int], tuple[Any, ...]]) -> None:
        self.model = model.to(maker.dtype)
        self.inputs = inputs
        with maker.torch.no_grad():
            for p in self.model.parameters():
                p.copy_(maker.tensor(*p.shape) * 0.5)


def dense(maker: Any) -> Network:
    """Linear layers and what stands between them."""
    nn, choose = maker.torch.nn, maker.choose
    h = choose.choice([1, 2, 4])
    kinds = [
        nn.Tanh, nn.ReLU, nn.GELU, nn.Softplus, nn.SiLU, nn.ELU, nn.Hardswish, nn.Identity,
        lambda: nn.Sequential(nn.Linear(h, h), nn.LeakyReLU(0.1, inplace=True)),
        lambda: nn.Sequential(nn.Linear(h, h), nn.ReLU(inplace=True)),
        lambda: nn.PReLU(h),
        lambda: nn.BatchNorm1d(h, momentum=choose.choice([0.1, None, 0.5]), affine=choose.random() < 0.7),
        lambda: nn.LayerNorm(h),
        lambda: nn.GroupNorm(1, h),
        lambda: nn.Linear(h, h),
        lambda: nn.Softmax(-1),
        lambda: maker.dropout(nn.Dropout(0.5)),
        lambda: maker.dropout(nn.AlphaDropout(0.3)),
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(h, h)),
    ]  # fmt: skip
    inner = [choose.choice(kinds)() for _ in range(choose.randint(0, 4))]
    return Network(maker, nn.Sequential(nn.Linear(3, h), *inner, nn.Linear(h, 2)), lambda n: (maker.rows(n, 3),))


def shared(maker: Any) -> Network:
    """One layer at several places, and a weight that is used transposed as well."""
    nn, torch = maker.torch.nn, maker.torch

    class Shared(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.middle, self.last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)
            self.scale = nn.Parameter(torch.ones(4))
            self.twin = nn.Linear(4, 4)
            self.twin.weight = self.middle.weight
            self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
            self.register_buffer("mean", torch.zeros(4), persistent=False)

        def forward(self, x: Any) -> Any:
            self.calls += 1
            y = torch.tanh(self.first(x))
            y = torch.sin(self.middle(y)) @ self.middle.weight + self.twin(y) * self.scale
            if self.training:
                self.mean.lerp_(y.detach().sum(0), 0.1)
            return self.last(y - self.mean)

    return Network(maker, Shared(), lambda n: (maker.rows(n, 3),))


def convolutional(maker: Any) -> Network:
    nn, choose = maker.torch.nn, maker.choose
    c = choose.choice([2, 4])
    kinds = [
        lambda: nn.BatchNorm2d(c, momentum=choose.choice([0.1, None])),
        lambda: nn.BatchNorm2d(c, track_running_stats=False),
        lambda: nn.GroupNorm(choose.choice([1, 2, c]), c),
        lambda: nn.InstanceNorm2d(c, affine=True),
        nn.ReLU, nn.Tanh,
        lambda: nn.MaxPool2d(2),
        lambda: nn.AvgPool2d(3, 1, 1),
        lambda: nn.Conv2d(c, c, 3, padding=1, groups=choose.choice([1, 2, c])),
        lambda: nn.Conv2d(c, c, 1, bias=False),
        lambda: nn.ConvTranspose2d(c, c, 2),
        lambda: maker.dropout(nn.Dropout2d(0.5)),
        lambda: nn.Upsample(scale_factor=2, mode=choose.choice(["nearest", "bilinear"])),
    ]  # fmt: skip
    inner = [choose.choice(kinds)() for _ in range(choose.randint(1, 3))]
    first = nn.Conv2d(1, c, 3, stride=choose.choice([1, 2]), padding=choose.choice([0, 1]), dilation=choose.choice([1, 2]))
    pool = choose.choice([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])
    model = nn.Sequential(first, *inner, pool(2), nn.Flatten(), nn.Linear(4 * c, 2))
    sizes = choose.choice([(7,), (8,), (7, 9)])
    return Network(maker, model, lambda n: (maker.tensor(n, 1, choose.choice(sizes), 8),))


def recurrent(maker: Any) -> Network:
    nn, torch, choose = maker.torch.nn, maker.torch, maker.choose
    kind = choose.choice([nn.RNN, nn.LSTM, nn.GRU])
    options = {
        "num_layers": choose.choice([1, 1, 2]), "bidirectional": choose.random() < 0.3, "batch_first": choose.random() < 0.5
    }  # fmt: skip
    packed, last = choose.random() < 0.3, choose.random() < 0.5

    class Recurrent(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.cells = kind(2, 3, **options)
            self.last = nn.Linear(3 * (1 + options["bidirectional"]), 2)

        def forward(self, x: Any, lengths: Any) -> Any:
            first = options["batch_first"]
            if packed:
                x = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
            y, state = self.cells(x)
            if packed:
                y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=first)
            if last:
                state = state[0] if isinstance(state, tuple) else state
                return self.last(state[-1].repeat(1, 1 + options["bidirectional"]))
            return self.last(y.mean(1 if first else 0))

    def inputs(n: int) -> tuple[Any, ...]:
        t = choose.choice([1, 3, 3, 5])
        lengths = torch.tensor([1 + i % t for i in range(n)], dtype=torch.int64)
        return maker.tensor(*((n, t, 2) if options["batch_first"] else (t, n, 2))), lengths

    return Network(maker, Recurrent(), inputs)


def attentive(maker: Any) -> Network:
    nn, torch, choose = maker.torch.nn, maker.torch, maker.choose
    F = nn.functional
    kind, causal = choose.choice(["own", "function", "layer", "encoder"]), choose.random() < 0.5

    class Attentive(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(7, 4, padding_idx=choose.choice([None, 0, 3]))
            self.place = nn.Parameter(torch.zeros(6, 4))
            self.three, self.norm, self.last = nn.Linear(4, 12), nn.LayerNorm(4), nn.Linear(4, 2)
            if kind == "layer":
                self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            if kind == "encoder":
                self.block = nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=True, norm_first=causal)

        def forward(self, words: Any) -> Any:
            t = words.shape[1]
            x = self.embed(words) + self.place[:t]
            mask = torch.ones(t, t, dtype=torch.bool).triu(1) if causal else torch.zeros(t, t, dtype=torch.bool)
            if kind == "layer":
                x = x + self.attention(self.norm(x), x, x, attn_mask=mask, need_weights=False)[0]
            elif kind == "encoder":
                x = self.block(x, src_mask=mask)
            else:
                q, k, v = [part.unflatten(-1, (2, 2)).transpose(1, 2) for part in self.three(self.norm(x)).chunk(3, -1)]
                if kind == "own":
                    weights = (q @ k.mT / 2**0.5).masked_fill(mask, -torch.inf).softmax(-1)
                    y = weights @ v
                else:
                    y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
                x = x + y.transpose(1, 2).flatten(2)
            logits = x @ self.embed.weight.t()
            return self.last(x).mean(1) + logits[:, -1, :2]

    def inputs(n: int) -> tuple[Any, ...]:
        return (torch.tensor(maker.draw.randint(0, 7, (n, choose.choice([2, 4, 4, 5])))),)

    return Network(maker, Attentive(), inputs)


def embedded(maker: Any) -> Network:
    nn, torch, choose = maker.torch.nn, maker.torch, maker.choose
    options = {"mode": choose.choice(["sum", "mean", "max"]), "padding_idx": choose.choice([None, 1])}
    bounded = choose.choice([None, 1.0])

    class Embedded(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.bag = nn.EmbeddingBag(6, 3, **options)
            self.embed = nn.Embedding(6, 3, max_norm=bounded, scale_grad_by_freq=choose.random() < 0.3)
            self.last = nn.Bilinear(3, 3, 2)

        def forward(self, words: Any) -> Any:
            return self.last(self.bag(words), self.embed(words).sum(1))

    def inputs(n: int) -> tuple[Any, ...]:
        return (torch.tensor(maker.draw.randint(0, 6, (n, choose.choice([1, 3])))),)

    return Network(maker, Embedded(), inputs)


NETWORKS = (dense, dense, dense, shared, convolutional, recurrent, attentive, embedded)
