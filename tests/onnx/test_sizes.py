"""Models whose sizes are left open, run by the reference evaluator of the `onnx` package at several sizes."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.functions.peer import array
from wengert import nn

onnx = pytest.importorskip("onnx")
from onnx.reference import ReferenceEvaluator  # noqa: E402

from wengert.onnx import UnsupportedOperatorError, export  # noqa: E402
from wengert.onnx.sizes import Corners, Extent  # noqa: E402


def agree(model, *several, **options):
    """The file that the first arguments make, run on all of them; the sizes that it declares."""
    made = export(model, several[0], **options)
    names = [value.name for value in made.graph.input]
    for args in several:
        found = ReferenceEvaluator(made).run(None, dict(zip(names, map(array, args))))
        with wengert.no_grad():
            wanted = model(*args)
        for y, w in zip(found, wanted if isinstance(wanted, tuple) else (wanted,)):
            assert y.shape == tuple(w.shape)
            np.testing.assert_allclose(y, array(w), rtol=1e-4, atol=1e-5)
    return [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*made.graph.input, *made.graph.output)]


def test_a_network_for_any_batch():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()  # fmt: skip
    sizes = agree(
        net, (wengert.randn(1, 3, 16, 16),), (wengert.randn(7, 3, 16, 16),), input_names=["image"], output_names=["score"],
        dynamic_axes={"image": {0: "batch_size"}, "score": {0: "batch_size"}},
    )  # fmt: skip
    assert sizes == [["batch_size", 3, 16, 16], ["batch_size", 3]]


class Reader(nn.Module):
    """Attention with a causal mask and positions, both as long as the text."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(20, 8), nn.Embedding(16, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, tokens):
        n, length = tokens.shape
        mask = wengert.triu(wengert.full((length, length), float("-inf")), 1)
        x = self.block(self.words(tokens) + self.places(wengert.arange(length)), src_mask=mask)
        return x, x.mean(1), x[:, -1], x[:, 1:].reshape(n * (length - 1), 8) / length


@pytest.mark.parametrize("axes", [{0: "n", 1: "t"}, [0, 1], {1: "t"}])
def test_sums_of_products_of_sizes(axes):
    n = 5 if 0 in axes else 2
    sizes = agree(
        Reader().eval(), (wengert.randint(0, 20, (2, 6)),), (wengert.randint(0, 20, (n, 9)),), input_names=["tokens"],
        dynamic_axes={"tokens": axes},
    )  # fmt: skip
    if axes == {0: "n", 1: "t"}:
        assert sizes == [["n", "t"], ["n", "t", 8], ["n", 8], ["n", 8], ["-1*n + n*t", 8]]


def test_one_name_is_one_size():
    def product(a, b):
        return a @ b.mT

    few, many = [(wengert.randn(n, 3, 4), wengert.randn(n, 5, 4)) for n in (2, 6)]
    assert agree(product, few, many, dynamic_shapes=({0: "b"}, {0: "b"})) == [["b", 3, 4], ["b", 5, 4], ["b", 3, 5]]
    with pytest.raises(ValueError, match=r"size 'b' is \[2, 3\]"):
        export(product, few, dynamic_axes={"input_0": {0: "b", 1: "b"}})


REFUSED = {
    "a half": (lambda x: x[:, : x.shape[1] // 2], "no sum of products"),
    "a root": (lambda x: x * x.shape[0] ** 0.5, "depends on the size of"),
    "a branch": (lambda x: x if x.shape[0] == 4 else x * 2, "other steps at other sizes"),
    "a fixed shape": (lambda x: x.reshape(4, -1)[:4] + x.reshape(16)[0], r"tried at other sizes.*\[4, 3\]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_depends_on_sizes_in_another_way_is_refused(name):
    model, words = REFUSED[name]
    with pytest.raises(RuntimeError, match=words):
        export(model, (wengert.randn(4, 4),), dynamic_axes={"input_0": {0: "n", 1: "m"}})


def test_a_stride_over_an_open_size_is_refused():
    with pytest.raises(UnsupportedOperatorError, match="no sum of products"):
        export(nn.Conv1d(1, 1, 3, stride=2), (wengert.randn(1, 1, 9),), dynamic_axes={"input_0": {2: "t"}})


def test_names_and_axes_must_be_there():
    with pytest.raises(ValueError, match="no input or output is called 'x'"):
        export(nn.ReLU(), (wengert.randn(3),), dynamic_axes={"x": {0: "n"}})
    with pytest.raises(ValueError, match="has no axis 1"):
        export(nn.ReLU(), (wengert.randn(3),), dynamic_axes={"input_0": {1: "n"}})


def test_extents_are_numbers():
    corners = Corners(["a", "b"], [5, 1])
    both = corners.fit([2 * a * b - a + 3 for a, b in corners.sizes])
    assert both.text(corners.names) == "3 + -1*a + 2*a*b"
    assert both - both == 0 and (both + 1 - both) == 1 and (0 - both + both) == 0 and both * 0 == 0
    assert isinstance(2 - both, Extent) and corners.fit([7] * 5) == 7
    with pytest.raises(UnsupportedOperatorError, match="a choice depends"):
        max(0, both)
