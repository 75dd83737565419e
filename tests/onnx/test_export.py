"""Exported models, run by the reference evaluator of the `onnx` package."""

from __future__ import annotations

import io

import numpy as np
import pytest

import wengert
from tests.functions.peer import array
from wengert import nn

onnx = pytest.importorskip("onnx")
from onnx.reference import ReferenceEvaluator  # noqa: E402

from wengert.onnx import UnsupportedOperatorError, export  # noqa: E402


def agree(model, *args, rtol=1e-4, **options):
    made = export(model, args, **options)
    names = [value.name for value in made.graph.input]
    tensors = [x for x in args if isinstance(x, wengert.Tensor)]
    found = ReferenceEvaluator(made).run(None, {name: array(x) for name, x in zip(names, tensors)})
    if hasattr(model, "eval"):
        model.eval()
    with wengert.no_grad():
        wanted = model(*args)
    for y, w in zip(found, wanted if isinstance(wanted, tuple) else (wanted,)):
        assert y.shape == tuple(w.shape) and y.dtype == array(w).dtype
        np.testing.assert_allclose(y, array(w), rtol=rtol, atol=1e-5)
    return made


def trained(model):
    """Running statistics that are not the first ones."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(wengert.randn(module.num_features))
            module.running_var.copy_(wengert.rand(module.num_features) + 0.5)
    return model


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(-1)), (5, 4)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, groups=2), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(6, 3), nn.LogSoftmax(-1),
        ),
        (2, 2, 16, 16),
    ),
    "pools": (
        lambda: nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)), (1, 2, 9, 9)
    ),
    "activations": (
        lambda: nn.Sequential(
            nn.GELU(), nn.SiLU(), nn.Tanh(), nn.Sigmoid(), nn.LeakyReLU(0.1), nn.ELU(), nn.Softplus(), nn.Hardtanh(), nn.Mish(),
        ),
        (3, 7),
    ),
    "norms": (lambda: nn.Sequential(nn.LayerNorm(6), nn.GroupNorm(2, 4)), (3, 4, 6)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, dilation=2), (1, 2, 10)),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_models_give_the_same(name):
    wengert.manual_seed(0)
    make, shape = MODELS[name]
    agree(trained(make()), wengert.randn(shape))


def test_embeddings_and_integers():
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 3))
    agree(model, wengert.tensor([[0, 3, 6], [1, 2, 5]]))


FUNCTIONS = {
    "arithmetic": lambda x: (x * 2 - 1) / (x.abs() + 3) + x**2 - (-x).exp() + (x.abs() + 1).log().sqrt().rsqrt(),
    "views": lambda x: x.transpose(0, 1).reshape(2, -1)[:, 1:5:2].flip(0),
    "joining": lambda x: wengert.cat([x, x[1:], wengert.zeros(1, 4)]),
    "reductions": lambda x: (x.sum(0), x.mean(1, keepdim=True), x.amax(), x.amin(1), x.prod(1), x.argmax(1), x.cumsum(1)),
    "choosing": lambda x: wengert.where((x > 0) & ~(x > 1) | (x != x), x.clamp(-0.5, 0.5), x.floor()),
    "products": lambda x: (x @ x.T, wengert.einsum("ij,kj->ik", x, x)),
    "norms": lambda x: (x.std(1), x.var(0), x.norm(), nn.functional.normalize(x), x.logsumexp(1)),
    "dtypes": lambda x: (x.to(wengert.int32), (x > 0).any(1), (x > 0).all()),
    "constants": lambda x: x + wengert.arange(4.0) * wengert.full((4,), 2.0),
    "gathering": lambda x: (x.gather(1, wengert.tensor([[0, 1], [2, 3], [0, 0]])), x[wengert.tensor([2, 0])]),
    "padding": lambda x: nn.functional.pad(x, (1, 2), value=3.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_give_the_same(name):
    agree(FUNCTIONS[name], wengert.tensor(np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)))


def test_names_parameters_files_and_mode(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(0.5)).train()
    made = agree(model, wengert.randn(1, 1, 5, 5), input_names=["image"], output_names=["score"], opset_version=18)
    assert [value.name for value in made.graph.input] == ["image"]
    assert [value.name for value in made.graph.output] == ["score"]
    assert "0.weight" in [constant.name for constant in made.graph.initializer]
    model.train()
    path, file = tmp_path / "m.onnx", io.BytesIO()
    export(model, wengert.randn(1, 1, 5, 5), path)
    export(model, (wengert.randn(1, 1, 5, 5),), file)
    assert model.training
    assert onnx.load(str(path)).graph.name == "Sequential"
    assert file.getvalue() == path.read_bytes()


def test_what_cannot_be_exported_says_so():
    x = wengert.randn(3, 3)
    with pytest.raises(UnsupportedOperatorError, match="eigh"):
        export(lambda x: wengert.linalg.eigh(x)[0], x)
    with pytest.raises(RuntimeError, match="traced"):
        export(lambda x: x if x.sum() > 0 else -x, x)
    with pytest.raises(ValueError, match="opset"):
        export(lambda x: x, x, opset_version=11)
    with pytest.raises(RuntimeError, match="must give a tensor"):
        export(lambda x: {"y": x}, x)
