"""Connectionist temporal classification: the probability that a sequence of distributions spells a sequence of labels.

    Z = sum over alignments of prod_t exp(x[t, label at t])

An alignment walks through b l_1 b l_2 ... l_S b (b the blank), one entry a time step: it stays, goes on by one, or jumps
over a blank between two different labels. With alpha and beta, the sums over the ways to and from an entry (the forward
and the backward recursion), the derivative of log Z is the share of alignments that are at a label at a time,
gamma = alpha beta / Z.

Higher derivatives are the same sums over numbers with nilpotent parts: the coefficient of e_1 ... e_m in gamma(x + e_1
v_1 + ... + e_m v_m), where every e_i^2 = 0, is the derivative of gamma along v_1, ..., v_m. Such a number is kept as
exp(base) u with u an array of its 2^m coefficients, u[0] = 1, so nothing under- or overflows.

Source: A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, Connectionist temporal classification, 2006.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from wengert.dtypes import int64
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, General, add_nodes, primitives
from wengert.primitives.views import all_batched, permute, reshape


class Terms(NamedTuple):
    """exp(base) u: base (...), and u (2^m, ...) the coefficients of the nilpotent parts, by bits; u[0] = 1."""

    base: Any
    u: Any

    def at(self, *key: Any) -> Terms:
        """The terms at a position of the shape of `base`."""
        each = (slice(None), *key)
        return Terms(self.base[key], self.u[each])


def plus(*terms: Terms) -> Terms:
    """Their sum, with the greatest base taken out first."""
    greatest = terms[0].base
    for term in terms[1:]:
        greatest = np.maximum(greatest, term.base)
    shift = np.where(greatest == -np.inf, 0.0, greatest)
    total = sum([np.exp(term.base - shift) * term.u for term in terms])
    first = total[0]
    u = total / np.where(first == 0, 1.0, first)
    u[0] = 1.0
    return Terms(shift + np.log(first), u)


def multiplied(f: Any, g: Any) -> Any:
    """The product of two arrays of coefficients: e_i e_i = 0, so only disjoint sets of bits meet."""
    y = np.zeros(np.broadcast_shapes(f.shape, g.shape))
    for bits in range(len(f)):
        part = bits
        while True:
            y[bits] += f[part] * g[bits ^ part]
            if part == 0:
                break
            part = (part - 1) & bits
    return y


def inverse(f: Any) -> Any:
    """1 / f for f[0] = 1: g[0] = 1 and g[A] = -sum over the other parts B of A of f[A - B] g[B]."""
    g = np.zeros_like(f)
    g[0] = 1.0
    for bits in range(1, len(f)):
        part = (bits - 1) & bits
        while True:
            g[bits] -= f[bits ^ part] * g[part]
            if part == 0:
                break
            part = (part - 1) & bits
    return g


class Lattice:
    """The entries that alignments walk through, for N sequences: labels (N, L), L = 2 S + 1."""

    def __init__(self, x: Any, targets: Any, frames: Any, lengths: Any, blank: int) -> None:
        check_lengths(x.shape, targets.shape, frames, lengths)
        self.frames, self.lengths = frames, lengths
        batch, longest = targets.shape
        used = np.arange(longest) < lengths[:, None]
        wrong = targets[used & ((targets < 0) | (targets >= x.shape[2]))]
        if wrong.size:
            raise IndexError(f"ctc_loss: target {wrong[0]} is no label: there are {x.shape[2]} classes")
        self.labels = np.full((batch, 2 * longest + 1), blank)
        self.labels[:, 1::2] = np.where(used, targets, blank)
        self.jumps = np.zeros(self.labels.shape, bool)  # whether an entry is reached from the one before the last
        self.jumps[:, 2:] = self.labels[:, 2:] != self.labels[:, :-2]  # a label may be the blank, as in PyTorch
        self.exists = np.arange(2 * longest + 1) <= 2 * lengths[:, None]
        self.last = self.exists & (np.arange(2 * longest + 1) >= 2 * lengths[:, None] - 1)

    def emissions(self, x: Any, directions: tuple[Any, ...]) -> Terms:
        """exp(x + sum e_i v_i) at the entries: base (T, N, L)."""
        rows = np.arange(x.shape[1])[:, None]
        u = np.ones((1 << len(directions), len(x), *self.labels.shape))
        for i, v in enumerate(directions):
            at = v[:, rows, self.labels]
            for bits in range(len(u)):
                if bits >> i & 1:
                    u[bits] *= at
        return Terms(np.where(self.exists, x[:, rows, self.labels], -np.inf), u)

    def nothing(self, size: int) -> Terms:
        u = np.zeros((size, *self.labels.shape))
        u[0] = 1.0
        return Terms(np.full(self.labels.shape, -np.inf), u)

    def forward(self, emitted: Terms) -> Terms:
        """alpha[t, n, s]: the ways that are at entry s at time t, the emission at t included."""
        size = len(emitted.u)
        alpha = Terms(np.empty(emitted.base.shape), np.empty(emitted.u.shape))
        before = self.nothing(size)
        before.base[:, :2] = 0.0
        for t in range(len(emitted.base)):
            one, two = _shifted(before, 1), _shifted(before, 2)
            two = Terms(np.where(self.jumps, two.base, -np.inf), two.u)
            reached = plus(before, one, two) if t else before
            before = Terms(reached.base + emitted.base[t], multiplied(reached.u, emitted.u[:, t]))
            alpha.base[t], alpha.u[:, t] = before
        return alpha

    def backward(self, emitted: Terms) -> Terms:
        """beta[t, n, s]: the ways from entry s at time t to the end, the emission at t left out."""
        size = len(emitted.u)
        beta = Terms(np.empty(emitted.base.shape), np.empty(emitted.u.shape))
        after, end = self.nothing(size), self.nothing(size)
        end.base[self.last] = 0.0
        allowed = np.zeros(self.jumps.shape, bool)
        allowed[:, :-2] = self.jumps[:, 2:]
        for t in reversed(range(len(emitted.base))):
            one, two = _shifted(after, -1), _shifted(after, -2)
            two = Terms(np.where(allowed, two.base, -np.inf), two.u)
            here = plus(after, one, two)
            ends = (self.frames == t + 1)[:, None]
            here = Terms(np.where(ends, end.base, here.base), np.where(ends, end.u, here.u))
            beta.base[t], beta.u[:, t] = here
            after = Terms(here.base + emitted.base[t], multiplied(here.u, emitted.u[:, t]))
        return beta

    def total(self, alpha: Terms) -> Terms:
        """Z, base (N,): the ways that are at one of the last two entries when the frames end. Without frames there is
        one way if there are no labels."""
        rows = np.arange(len(self.labels))
        if not len(alpha.base):
            end = self.nothing(len(alpha.u)).at(slice(None), 0)
            return Terms(np.where(self.lengths == 0, 0.0, -np.inf), end.u)
        end = alpha.at(self.frames - 1, rows)
        end = Terms(np.where(self.last, end.base, -np.inf), end.u)
        first = end.at(rows, 2 * self.lengths)
        second = end.at(rows, np.maximum(2 * self.lengths - 1, 0))
        second = Terms(np.where(self.lengths > 0, second.base, -np.inf), second.u)
        whole = plus(first, second)
        empty = self.frames == 0
        base = np.where(empty, np.where(self.lengths == 0, 0.0, -np.inf), whole.base)
        u = np.where(empty, self.nothing(len(alpha.u)).u[:, :, 0], whole.u)
        return Terms(base, u)


def _shifted(terms: Terms, by: int) -> Terms:
    """Entry s - by at s, and nothing where there is none."""
    base, u = np.full(terms.base.shape, -np.inf), np.zeros(terms.u.shape)
    u[0] = 1.0
    here, there = (slice(by, None), slice(None, -by)) if by > 0 else (slice(None, by), slice(-by, None))
    base[:, here], u[:, :, here] = terms.base[:, there], terms.u[:, :, there]
    return Terms(base, u)


def check_lengths(x: Any, targets: Any, frames: Any, lengths: Any) -> None:
    """Raises: RuntimeError when a length is negative or longer than there is data; x (T, N, C), targets (N, S)."""
    if frames.size and not (frames.min() >= 0 and frames.max() <= x[0]):
        raise runtime_error("ctc_loss", f"Expected input_lengths to have value between 0 and {x[0]}", list(frames))
    if lengths.size and not (lengths.min() >= 0 and lengths.max() <= targets[1]):
        raise runtime_error(
            "ctc_loss", f"Expected target_lengths to have value between 0 and {targets[1]}", list(lengths)
        )


class _Ctc(General):
    """What both primitives share: inputs x (T, N, C), targets (N, S), frames (N,), lengths (N,), and directions."""

    params = ("blank", "zero_infinity")

    def check(self, x: ArrayType, *others: ArrayType, blank: int) -> None:
        if not x.dtype.is_floating_point:
            raise dtype_error("ctc_loss", "log_probs of a floating dtype", x.dtype.name)
        if x.ndim != 3 or others[0].ndim != 2 or any(o.shape[:1] != x.shape[1:2] for o in others[:3]):
            raise shape_error(
                "ctc_loss",
                "log_probs (time, batch, classes), targets (batch, length), one input and one target length for each",
                [x.shape, *[o.shape for o in others[:3]]],
            )
        if any(o.dtype is not int64 for o in others[:3]):
            raise dtype_error("ctc_loss", "targets and lengths of dtype int64", [o.dtype.name for o in others[:3]])
        if not 0 <= blank < x.shape[2]:
            raise runtime_error("ctc_loss", "blank must be in label range", blank)

    def folded(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> list[Node]:
        """The axis of the batch made part of that of the sequences."""
        nodes = all_batched(size, inputs, batched)
        _, time, n, classes = nodes[0].shape
        folded = []
        for i, x in enumerate(nodes):
            if i == 0 or i > 3:
                x = reshape(permute(x, order=(1, 0, 2, 3)), shape=(time, size * n, classes))
            else:
                x = reshape(x, shape=(size * n, *x.shape[2:]))
            folded.append(x)
        return folded


class CtcLoss(_Ctc):
    """y = -log Z, for each sequence; +inf where no alignment is possible, or 0 with `zero_infinity`

    Reverse   x_bar = -y_bar gamma. (PyTorch's is exp(x) higher: it takes x to come out of log_softmax, behind which
              both are one.)
    Shapes    x (T, N, C), targets int64 (N, S), frames and lengths int64 (N,), y (N,)
    Raises    IndexError for a target that is no class, RuntimeError for lengths beyond the data
    """

    name = "ctc_loss"

    def infer(self, x: ArrayType, *others: ArrayType, blank: int, zero_infinity: bool) -> ArrayType:
        self.check(x, *others, blank=blank)
        return array_type(x.shape[1:2], x.dtype)

    def evaluate(self, x: Any, targets: Any, frames: Any, lengths: Any, *, blank: int, zero_infinity: bool) -> Any:
        lattice = Lattice(x, targets, frames, lengths, blank)
        with np.errstate(divide="ignore", invalid="ignore"):
            alpha = lattice.forward(lattice.emissions(x.astype(np.float64), ()))
            y = -lattice.total(alpha).base
        return (np.where(y == np.inf, 0.0, y) if zero_infinity else y).astype(x.dtype)

    def vjp(self, y_bar: Node, x: Node, *others: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        bar = reshape(y_bar, shape=(1, *y_bar.shape, 1))
        return (lambda: -(ctc_alignment(x, *others, **params) * bar), None, None, None)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *others: Node, y: Node, **params: Any) -> Optional[Node]:
        if x_dots[0] is None:
            return None
        return -primitives.reduce_sum(ctc_alignment(x, *others, **params) * x_dots[0], axes=(0, 2))

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        y = self(*self.folded(size, inputs, batched), **params)
        return reshape(y, shape=(size, y.shape[0] // size if size else inputs[0].shape[-2]))


class CtcAlignment(_Ctc):
    """y = D^(m+1) log Z [v_1, ..., v_m, .]; without directions, gamma: how likely each label is at each time

    Reverse   a derivative of log Z is symmetric in its directions: x_bar = D^(m+2) log Z [v_1, ..., v_m, y_bar, .], and
              that of v_i has y_bar in the place of v_i
    Shapes    as `ctc_loss`; the directions and y have the shape of x. Where there is no alignment y is NaN, or 0 with
              `zero_infinity`; behind the frames of a sequence it is 0
    """

    name = "ctc_alignment"

    def infer(self, x: ArrayType, *others: ArrayType, blank: int, zero_infinity: bool) -> ArrayType:
        self.check(x, *others, blank=blank)
        for v in others[3:]:
            if v is not x:
                raise shape_error(self.name, "directions of the shape and dtype of log_probs", (x.shape, v.shape))
        return x

    def evaluate(
        self, x: Any, targets: Any, frames: Any, lengths: Any, *directions: Any, blank: int, zero_infinity: bool
    ) -> Any:
        lattice = Lattice(x, targets, frames, lengths, blank)
        wide = x.astype(np.float64)
        y = np.zeros(x.shape)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            emitted = lattice.emissions(wide, tuple([v.astype(np.float64) for v in directions]))
            alpha, beta = lattice.forward(emitted), lattice.backward(emitted)
            z = lattice.total(alpha)
            share = multiplied(multiplied(alpha.u, beta.u), inverse(z.u)[:, None, :, None])[-1]
            share = share * np.exp(alpha.base + beta.base - z.base[:, None])  # (T, N, L)
        if zero_infinity:
            share = np.where((z.base == -np.inf)[:, None], 0.0, share)
        share = np.where((np.arange(len(x))[:, None] < frames)[:, :, None], share, 0.0)
        rows = np.arange(x.shape[1])
        for s in range(lattice.labels.shape[1]):
            y[:, rows, lattice.labels[:, s]] += share[:, :, s]
        return y.astype(x.dtype)

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        def of_direction(i: int) -> Cotangent:
            return lambda: self(*inputs[:i], y_bar, *inputs[i + 1 :], **params)

        directions = [of_direction(i) for i in range(4, len(inputs))]
        return (lambda: self(*inputs, y_bar, **params), None, None, None, *directions)

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        moved = None if x_dots[0] is None else self(*inputs, x_dots[0], **params)
        for i in range(4, len(inputs)):
            v_dot = x_dots[i]
            if v_dot is not None:
                moved = add_nodes(moved, self(*inputs[:i], v_dot, *inputs[i + 1 :], **params))
        return moved

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        y = self(*self.folded(size, inputs, batched), **params)
        time, n, classes = inputs[0].shape[-3:]
        return permute(reshape(y, shape=(time, size, n, classes)), order=(1, 0, 2, 3))


ctc_loss = CtcLoss()
ctc_alignment = CtcAlignment()
