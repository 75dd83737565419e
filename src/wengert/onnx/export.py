"""A module, traced on example inputs, as an ONNX model: its graph step by step, its parameters as what it brings along."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

import onnx
from onnx import checker, helper
from wengert.derive.trace import Recording, trace
from wengert.graph.node import ArrayType, Node, array_type
from wengert.onnx.builder import Builder, onnx_type
from wengert.onnx.operators import TABLE
from wengert.onnx.sizes import Corners, Extent, named_axes
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
    file; what is no tensor is fixed. f: a path or a file; None writes nothing. input_names, output_names: by default
    input_0, ... and output_0, .... opset_version: 18 or above, 20 by default. dynamic_axes (or dynamic_shapes): the axes
    whose size the file leaves open, as {"input_0": {0: "batch"}}; equal names are one size, all other sizes are those of
    the examples. The model is then traced at several sizes (`sizes.py`). The other options are PyTorch's, accepted where
    they ask for what happens anyway.

    Raises: UnsupportedOperatorError for an operation without a translation, or a number that depends on a dynamic size as
    no sum of products; ValueError for an axis that is not there, or one name for two sizes; RuntimeError for a model that
    branches on values, does not run at another size, or gives something else than tensors.
    """
    opset = _OPSET if opset_version is None else opset_version
    if not 18 <= opset <= onnx.defs.onnx_opset_version():
        raise ValueError(f"onnx.export: opset_version must be from 18 to {onnx.defs.onnx_opset_version()}, not {opset}")
    args = args if isinstance(args, (tuple, list)) else (args,)
    inputs = [x for x in args if isinstance(x, Tensor)]
    names = [*(input_names or []), *[f"input_{k}" for k in range(len(input_names or []), len(inputs))]][: len(inputs)]
    wanted = named_axes(dynamic_axes or dynamic_shapes or {}, names, list(output_names or []))
    open_sizes = _open_sizes(wanted, names, inputs)
    corners = Corners(list(open_sizes), [inputs[places[0][0]].shape[places[0][1]] for places in open_sizes.values()])
    if open_sizes:  # so that what the model reads from outside is there before the first of the traces that are compared
        _traced(model, args, kwargs or {}, [x._read().type for x in inputs], False)
    kinds = _types_at(corners, open_sizes, inputs)
    recordings = [_traced(model, args, kwargs or {}, types, bool(open_sizes)) for types in kinds]
    sources = [(names[places[0][0]], places[0][1]) for places in open_sizes.values()]
    made = _model(model, recordings, names, list(output_names or []), Builder(TABLE, corners, sources), opset)
    checker.check_model(made, full_check=True)
    data = made.SerializeToString()
    if isinstance(f, io.IOBase) or hasattr(f, "write"):
        f.write(data)
    elif f is not None:
        with open(f, "wb") as file:
            file.write(data)
    return made


Places = dict[str, list[tuple[int, int]]]


def _open_sizes(wanted: dict[str, dict[int, str]], names: Sequence[str], inputs: Sequence[Tensor]) -> Places:
    """Name of a dynamic size -> the inputs and axes that have it.

    Raises: ValueError for an axis that is not there, or for two sizes of one name.
    """
    found: Places = {}
    for k, (name, x) in enumerate(zip(names, inputs)):
        for axis, label in wanted.get(name, {}).items():
            if not -x.ndim <= axis < x.ndim:
                raise ValueError(f"onnx.export: input {name!r} of shape {list(x.shape)} has no axis {axis}")
            found.setdefault(label, []).append((k, axis % x.ndim))
    for label, places in found.items():
        sizes = {inputs[k].shape[axis] for k, axis in places}
        if len(sizes) > 1:
            raise ValueError(f"onnx.export: the dynamic size {label!r} is {sorted(sizes)} in the example inputs")
    return found


def _types_at(corners: Corners, places: Places, inputs: Sequence[Tensor]) -> list[list[ArrayType]]:
    """The inputs' types for each trace."""
    found = []
    for sizes in corners.sizes:
        shapes = [list(x.shape) for x in inputs]
        for size, where in zip(sizes, places.values()):
            for k, axis in where:
                shapes[k][axis] = size
        found.append([array_type(tuple(shape), x.dtype) for shape, x in zip(shapes, inputs)])
    return found


def _traced(
    model: Any, args: Sequence[Any], kwargs: dict[str, Any], types: Sequence[ArrayType], dynamic: bool
) -> Recording:
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
            return trace(run, types, [False] * len(types), whole=dynamic)
    except Exception as error:
        if not dynamic:
            raise
        shapes = ", ".join([str(list(t.shape)) for t in types])
        raise RuntimeError(
            f"onnx.export: the model was tried at other sizes of its dynamic axes, inputs of {shapes}, and raised "
            f"{type(error).__name__}: {error}"
        ) from error
    finally:
        if was_training:
            model.train()


def _model(
    model: Any, recordings: Sequence[Recording], names: list[str], wanted: list[str], builder: Builder, opset: int
) -> Any:
    graphs, known = [recording.graph for recording in recordings], _parameter_names(model)
    captured = [
        builder.constants_of(_values_of(nodes), known.get(id(nodes[0])))
        for nodes in zip(*[recording.captured for recording in recordings])
    ]
    found = builder.write(graphs, [*names, *captured])
    outputs = [*wanted, *[f"output_{k}" for k in range(len(wanted), len(found))]][: len(found)]
    for inner, outer in zip(found, outputs):
        builder.nodes.append(helper.make_node("Identity", [inner], [outer]))
    taken, made = [
        [_described(name, [graph.type_at(k) for graph in graphs], builder) for name, k in zip(each, places)]
        for each, places in ((names, range(len(names))), (outputs, graphs[0].outputs))
    ]
    whole = helper.make_graph(builder.nodes, type(model).__name__, taken, made, initializer=builder.constants)
    return helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", opset)], ir_version=_IR, producer_name="wengert"
    )


def _values_of(nodes: Sequence[Node]) -> list[Any]:
    """What one captured node of each trace holds; a parameter is the same node in all of them."""
    return [np.asarray(value_of(node)) for node in (nodes[:1] if len(set(nodes)) == 1 else nodes)]


def _described(name: str, types: Sequence[Any], builder: Builder) -> Any:
    """An input or output of the file: its dtype and sizes, dynamic ones by name."""
    type = builder.shaped(types)
    sizes = [n.text(builder.corners.names) if isinstance(n, Extent) else n for n in type.shape]
    return helper.make_tensor_value_info(name, onnx_type(type.dtype), sizes)


def _parameter_names(model: Any) -> dict[int, str]:
    """The names of a module's parameters and buffers, by the identity of their nodes."""
    if not hasattr(model, "named_parameters"):
        return {}
    return {id(x._read()): name for name, x in (*model.named_parameters(), *model.named_buffers())}
