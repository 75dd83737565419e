"""Multi-head attention and Transformers beside PyTorch's, with one state on both sides."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import layer_beside
from wengert import nn

torch = pytest.importorskip("torch")

X, Y = normal(4, 2, 6), normal(5, 2, 6, seed=1)


def calling(make: Any, call: Any) -> Any:
    """A layer whose forward is `call(library, forward, *inputs)`."""

    def made(library: Any) -> Any:
        layer = make(library)
        forward = layer.forward
        layer.forward = lambda *inputs: call(library, forward, *inputs)
        return layer

    return made


def given(library: Any, value: Any) -> Any:
    return tensor(value) if library is nn else torch.from_numpy(value)


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


OPTIONS = [{}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("weights", [False, True])
def test_attention_to_another_sequence(options, weights):
    make = calling(
        lambda n: n.MultiheadAttention(6, 3, **options),
        lambda n, forward, x, y: forward(x, y, y, need_weights=weights)[0],
    )
    layer_beside(make, X, Y, second=False)


@pytest.mark.parametrize("average", [False, True])
def test_weights(average):
    make = calling(
        lambda n: n.MultiheadAttention(6, 2), lambda n, forward, x: forward(x, x, x, average_attn_weights=average)[1]
    )
    layer_beside(make, X)
    layer_beside(make, X[:, 0])


def test_sizes_of_their_own():
    make = calling(
        lambda n: n.MultiheadAttention(6, 2, kdim=3, vdim=5, batch_first=True),
        lambda n, forward, q, k, v: forward(q, k, v)[0],
    )
    layer_beside(make, X, normal(4, 5, 3), normal(4, 5, 5))


def test_keys_that_are_not_the_values():
    make = calling(lambda n: n.MultiheadAttention(6, 2), lambda n, forward, q, k, v: forward(q, k, v)[0])
    layer_beside(make, X, Y, normal(5, 2, 6, seed=3))


BOOLS = np.random.default_rng(1).random((4, 4)) > 0.6
np.fill_diagonal(BOOLS, False)
CAUSAL = np.triu(np.full((4, 4), -np.inf), 1)


@pytest.mark.parametrize(
    "masks",
    [
        {"attn_mask": BOOLS},
        {"attn_mask": normal(4, 4)},
        {"attn_mask": normal(4, 4, 4)},
        {"key_padding_mask": np.array([[False, True, False, False], [False, False, False, True]])},
        {"key_padding_mask": normal(2, 4), "attn_mask": normal(4, 4)},
        {"attn_mask": CAUSAL, "is_causal": True},
        {"attn_mask": CAUSAL, "is_causal": True, "key_padding_mask": normal(2, 4)},
    ],
)
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True, "add_zero_attn": True}])
def test_masks(masks, weights, options):
    if options and masks.get("is_causal"):
        pytest.skip("PyTorch fails on the hint with added keys")

    def call(n: Any, forward: Any, x: Any) -> Any:
        given_masks = {name: given(n, m) if isinstance(m, np.ndarray) else m for name, m in masks.items()}
        return forward(x, x, x, need_weights=weights, **given_masks)[0]

    layer_beside(calling(lambda n: n.MultiheadAttention(6, 2, **options), call), X, second=False)


def test_dropout_of_weights_is_for_training_only():
    layer = nn.MultiheadAttention(6, 2, dropout=0.5)
    x = tensor(X.astype(np.float32))
    assert not np.array_equal(array(layer(x, x, x)[0]), array(layer(x, x, x)[0]))
    layer.eval()
    np.testing.assert_array_equal(array(layer(x, x, x)[0]), array(layer(x, x, x)[0]))


def test_initial_values():
    layer = nn.MultiheadAttention(8, 2, add_bias_kv=True)
    bound = (6 / (8 + 24)) ** 0.5
    weight = array(layer.in_proj_weight)
    assert (np.abs(weight) <= bound).all() and np.abs(weight).max() > 0.8 * bound
    assert not array(layer.in_proj_bias).any() and not array(layer.out_proj.bias).any()


@pytest.mark.parametrize(
    "call",
    [
        lambda n, x: n.MultiheadAttention(6, 4),
        lambda n, x: n.MultiheadAttention(0, 1),
        lambda n, x: n.MultiheadAttention(6, 2)(x[0, 0], x, x),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x[0], x),
        lambda n, x: n.MultiheadAttention(3, 1)(x, x, x),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x[:2]),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x, attn_mask=x[0]),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x, attn_mask=x[0, 0]),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x, attn_mask=x[:, 0].int()),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x, key_padding_mask=x[0, 0]),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x, key_padding_mask=x[0]),
        lambda n, x: n.MultiheadAttention(6, 2)(x, x, x, is_causal=True),
        lambda n, x: n.TransformerEncoderLayer(6, 2, activation="tanh"),
        lambda n, x: n.Transformer(6, 2, 1, 1, 4)(x, x[:, :1]),
        lambda n, x: n.Transformer(4, 2, 1, 1, 4)(x, x),
    ],
)
def test_wrong_input_is_refused_as_by_the_peer(call):
    with pytest.raises((AssertionError, ValueError, RuntimeError)) as theirs:
        call(torch.nn, torch.from_numpy(X.astype(np.float32)))
    with pytest.raises(type(theirs.value)):
        call(nn, tensor(X.astype(np.float32)))


STYLES = [
    {},
    {"norm_first": True},
    {"activation": "gelu", "batch_first": True},
    {"bias": False, "layer_norm_eps": 1e-3},
    {"norm_first": True, "batch_first": True, "activation": "gelu"},
]


@pytest.mark.parametrize("options", STYLES)
@pytest.mark.parametrize("training", [True, False])
def test_encoder_and_decoder_layers(options, training):
    x, y = (X.swapaxes(0, 1), Y.swapaxes(0, 1)) if options.get("batch_first") else (X, Y)
    layer_beside(lambda n: n.TransformerEncoderLayer(6, 2, 8, 0.0, **options), x, second=False, training=training)
    layer_beside(lambda n: n.TransformerDecoderLayer(6, 2, 8, 0.0, **options), x, y, second=False, training=training)


def test_an_activation_of_ones_own():
    layer_beside(lambda n: n.TransformerEncoderLayer(6, 2, 8, 0.0, activation=n.SiLU()), X, second=False)


@pytest.mark.parametrize("options", STYLES[:3])
def test_whole_transformers(options):
    x, y = (X.swapaxes(0, 1), Y.swapaxes(0, 1)) if options.get("batch_first") else (X, Y)
    layer_beside(lambda n: n.Transformer(6, 2, 2, 1, 8, 0.0, **options), x, y, second=False)
    if not options:
        layer_beside(lambda n: n.Transformer(6, 2, 1, 2, 8, 0.0), x[:, 0], y[:, 0], second=False)


@pytest.mark.parametrize("causal", [None, True, False])
def test_masks_of_a_transformer(causal):
    padding = np.array([[False, False, False, True], [False, False, False, False]])

    def call(n: Any, forward: Any, x: Any, y: Any) -> Any:
        make = n.Transformer.generate_square_subsequent_mask
        dtype = x.dtype
        return forward(
            x, y, src_mask=given(n, normal(4, 4)), tgt_mask=make(5, dtype=dtype), tgt_is_causal=causal,
            src_key_padding_mask=given(n, padding), memory_key_padding_mask=given(n, padding),
        )  # fmt: skip

    layer_beside(calling(lambda n: n.Transformer(6, 2, 1, 1, 8, 0.0), call), X, Y, second=False)


def test_an_encoder_sees_that_its_mask_is_causal():
    def call(n: Any, forward: Any, x: Any) -> Any:
        return forward(x, n.Transformer.generate_square_subsequent_mask(4, dtype=x.dtype))

    make = lambda n: n.TransformerEncoder(n.TransformerEncoderLayer(6, 2, 8, 0.0), 2, n.LayerNorm(6))
    layer_beside(calling(make, call), X, second=False)


def test_layers_are_copies():
    layer = nn.TransformerEncoderLayer(6, 2, 8)
    stack = nn.TransformerEncoder(layer, 3)
    assert len({id(one.linear1.weight) for one in stack.layers} | {id(layer.linear1.weight)}) == 4
    np.testing.assert_array_equal(array(stack.layers[2].linear1.weight), array(layer.linear1.weight))
