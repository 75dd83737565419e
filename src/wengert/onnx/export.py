"""A module, traced on example inputs, as an ONNX model: its graph step by step, its parameters as what it brings along."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

import onnx
from onnx import checker, helper
from wengert.derive.trace import Recording, trace
from wengert.graph.node import Node
from wengert.onnx.operators import Builder, onnx_type
from wengert.runtime.flush import value_of
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor, wrap

_OPSET = 20
_IR = 10


def export(
    model: Any,
    args: Any = (),
    f: Any = None,
    *,
    kwargs: Optional[dict[str, Any]] = None,
    export_params: bool = True,
    verbose: Optional[bool] = None,
    input_names: Optional[Sequence[str]] = None,
    output_names: Optional[Sequence[str]] = None,
    opset_version: Optional[int] = None,
    dynamic_axes: Any = None,
    dynamic_shapes: Any = None,
    training: Any = None,
    do_constant_folding: bool = True,
    dynamo: bool = True,
) -> Any:
    """Write a model to an ONNX file, checked by the `onnx` package; the model as `onnx.ModelProto` is returned too.

    model: a module (traced as in evaluation), or a function of tensors. args: example inputs; tensors become inputs of the
    file, of just these sizes; what is no tensor is fixed. f: a path or a file; None writes nothing. input_names,
    output_names: by default input_0, ... and output_0, .... opset_version: 18 or above, 20 by default. The other options
    are PyTorch's, accepted where they ask for what happens anyway.

    Raises: UnsupportedOperatorError for an operation without a translation; NotImplementedError for dynamic sizes;
    RuntimeError for a model that branches on values, or gives something else than tensors.
    """
    if dynamic_axes or dynamic_shapes:
        raise NotImplementedError("onnx.export: the file has the sizes of the example inputs; dynamic axes are not supported")
    opset = _OPSET if opset_version is None else opset_version
    if not 18 <= opset <= onnx.defs.onnx_opset_version():
        raise ValueError(f"onnx.export: opset_version must be from 18 to {onnx.defs.onnx_opset_version()}, not {opset}")
    args = args if isinstance(args, (tuple, list)) else (args,)
    inputs = [x for x in args if isinstance(x, Tensor)]
    recording = _traced(model, args, kwargs or {}, inputs)
    made = _model(model, recording, inputs, list(input_names or []), list(output_names or []), opset)
    checker.check_model(made, full_check=True)
    data = made.SerializeToString()
    if isinstance(f, io.IOBase) or hasattr(f, "write"):
        f.write(data)
    elif f is not None:
        with open(f, "wb") as file:
            file.write(data)
    return made


def _traced(model: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Tensor]) -> Recording:
    def run(*nodes: Node) -> list[Node]:
        fresh = iter([wrap(node) for node in nodes])
        found = model(*[next(fresh) if isinstance(x, Tensor) else x for x in args], **kwargs)
        outputs = found if isinstance(found, (tuple, list)) else (found,)
        if not all([isinstance(y, Tensor) for y in outputs]):
            kinds = ", ".join([type(y).__name__ for y in outputs])
            raise RuntimeError(f"onnx.export: the model must give a tensor or a tuple of them, but gave {kinds}")
        return [y._read() for y in outputs]

    was_training = getattr(model, "training", False)
    if was_training:
        model.eval()
    try:
        with no_grad():
            return trace(run, [x._read().type for x in inputs], [False] * len(inputs))
    finally:
        if was_training:
            model.train()


def _model(
    model: Any, recording: Recording, inputs: Sequence[Tensor], given: list[str], wanted: list[str], opset: int
) -> Any:
    graph, builder = recording.graph, Builder()
    names = [*given, *[f"input_{k}" for k in range(len(given), len(inputs))]][: len(inputs)]
    known = _parameter_names(model)
    captured = [builder.constant(np.asarray(value_of(node)), known.get(id(node))) for node in recording.captured]
    found = builder.write(graph, [*names, *captured])
    outputs = [*wanted, *[f"output_{k}" for k in range(len(wanted), len(found))]][: len(found)]
    for inner, outer in zip(found, outputs):
        builder.nodes.append(helper.make_node("Identity", [inner], [outer]))
    taken, made = [
        [helper.make_tensor_value_info(name, onnx_type(type.dtype), type.shape) for name, type in zip(each, kinds)]
        for each, kinds in (
            (names, [graph.array_at(k) for k in range(len(inputs))]),
            (outputs, [graph.array_at(k) for k in graph.outputs]),
        )
    ]
    whole = helper.make_graph(builder.nodes, type(model).__name__, taken, made, initializer=builder.constants)
    return helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", opset)], ir_version=_IR, producer_name="wengert"
    )


def _parameter_names(model: Any) -> dict[int, str]:
    """The names of a module's parameters and buffers, by the identity of their nodes."""
    if not hasattr(model, "named_parameters"):
        return {}
    return {id(x._read()): name for name, x in (*model.named_parameters(), *model.named_buffers())}
