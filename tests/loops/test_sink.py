"""What only one group reads is computed there."""

from __future__ import annotations

import numpy as np

from tests.loops.tools import assert_same, compiled
from tests.rules.harness import Program, node_of
from wengert.backends.llvm import operations
from wengert.derive.reverse import pull_back
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives as p
from wengert.loops.lower import lower
from wengert.loops.nest import Apply, Contract, Nest
from wengert.rewrite.pipeline import prepare


def run(function, *arrays):
    """The steps of a function's program; its code is checked against the interpreter on the way."""
    with separate_tape(), tracking(False):
        nodes = [node_of(x) for x in arrays]
        program = Program(nodes, function(*nodes))
    values = [*arrays, *program.constants]
    assert_same(compiled(program.graph).run(values), program.interpreter.run(values))
    return lower(prepare(program.graph), operations.supports).steps


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("f")


def test_an_update_is_one_step_with_the_product_that_gives_its_gradient():
    def adam(x, y, w, m, v):
        m, v = m * 0.9, v * 0.99  # before the gradient is there
        g = p.dot(x, y)
        m, v = m + g * 0.1, v + g * g * 0.01
        return [m, v, w - m / (p.sqrt(v) + 1e-3)]

    (step,) = run(adam, normal(9, 40), normal(40, 20), normal(9, 20), normal(9, 20), normal(9, 20) ** 2)
    assert isinstance(step, Contract) and len(step.stores) == 3


def test_what_is_known_for_each_row_sinks_into_the_fold_over_rows():
    def loss(x, weight):
        scale = p.reshape(p.exp(weight), shape=(6, 1))
        return [p.reduce_sum(x, axes=(1,)) * p.reshape(scale, shape=(6,))]

    (step,) = run(loss, normal(6, 33), normal(6))
    assert isinstance(step, Nest) and step.inner == (33,)


def test_what_a_product_reads_or_one_reads_elsewhere_stays():
    factors = run(lambda x: [p.dot(p.exp(x), p.exp(x))], normal(7, 7))
    assert len(factors) == 2
    turned = run(lambda x, y: [p.permute(p.exp(x), order=(1, 0)) + p.dot(x, y)], normal(7, 7), normal(7, 7))
    assert len(turned) == 2


def test_softmax_of_layer_norm_and_its_derivative_keep_what_is_costly():
    def function(x):
        mean = p.reduce_sum(x, axes=(1,)) / 300.0
        y = p.exp(p.tanh(x - p.reshape(mean, shape=(5, 1))))
        total = p.reshape(p.reduce_sum(y, axes=(1,)), shape=(5, 1))
        again = p.reshape(p.reduce_sum(y / total * y, axes=(1,)), shape=(5, 1))
        return [y / total - again, p.gt(y, again)]

    (step,) = run(function, normal(5, 300))
    assert isinstance(step, Nest)


def test_gelu_and_its_derivative_share_their_exponential():
    with separate_tape():
        x, y_bar = node_of(normal(9, 33), True), node_of(normal(9, 33))
        y = p.gelu(x)
        program = Program([x, y_bar], [y, pull_back([y], [y_bar], [x])[x]])
    (step,) = lower(prepare(program.graph), operations.supports).steps
    assert isinstance(step, Nest)
    operation = [v.op for v in step.values if isinstance(v, Apply)]
    assert operation.count("gaussian") == operation.count("ndtr") == 1 and "exp" not in operation
