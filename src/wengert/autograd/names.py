"""What PyTorch calls the derivative of each operation and what it saved: the names that `grad_fn` shows."""

from __future__ import annotations

from wengert.derive.reverse import saves
from wengert.graph.node import Node, TupleType
from wengert.primitives.control import custom, element, with_history

# Where PyTorch's name does not follow from the primitive's.
_BASES = {
    "identity": "Alias",
    "barrier": "Alias",
    "linear": "Addmm",
    "reduce_sum": "Sum",
    "reduce_mean": "Mean",
    "reduce_prod": "Prod",
    "reduce_max": "Amax",
    "reduce_min": "Amin",
    "reshape": "View",
    "concatenate": "Cat",
    "convert": "ToCopy",
    "log1p": "Log1P",
    "log_softmax": "LogSoftmax",
    "log_sigmoid": "LogSigmoid",
    "cross_entropy": "NllLoss",
    "layer_norm": "NativeLayerNorm",
    "batch_norm": "NativeBatchNorm",
    "leaky_relu": "LeakyRelu",
    "take": "IndexSelect",
    "index_put": "IndexPut",
    "scatter_add": "ScatterAdd",
    "scatter_reduce": "ScatterReduce",
    "put_add": "IndexAdd",
    "pad": "ConstantPadNd",
}

# The arguments, where they are not `self` and `other`.
_ARGUMENTS = {
    "dot": ("self", "mat2"),
    "linear": ("mat1", "mat2"),
    "pow": ("self", "exponent"),
    "where": ("condition", "self", "other"),
    "take": ("self", "index"),
    "gather": ("self", "index"),
    "convolve": ("input", "weight"),
    "layer_norm": ("input", "weight", "bias"),
    "cross_entropy": ("self", "target"),
}


def apparent(node: Node) -> tuple[Node, int]:
    """The node that made a value in the user's eyes, and the value's number among its outputs."""
    while node.primitive is with_history and node.inputs:
        node = node.inputs[1]
    if node.primitive is element and node.inputs:
        return node.inputs[0], node.params[0]
    return node, 0


def name_of(node: Node) -> str:
    """PyTorch's name for the derivative of an application: ``MulBackward0``."""
    node, _ = apparent(node)
    name = node.primitive.name
    if node.primitive is custom:
        return node.inputs[-1].value.name if node.inputs else "CustomBackward"
    if name == "dot":
        return "MmBackward0" if node.ndim == 2 else "BmmBackward0"
    if name == "slice":
        whole = any(isinstance(entry, int) for entry in node.params[0])
        return "SelectBackward0" if whole else "SliceBackward0"
    if name == "slice_update":
        return "CopySlices"
    return _BASES.get(name, name.title().replace("_", "")) + "Backward0"


def saved_by(node: Node) -> dict[str, Node]:
    """What the derivative of an application reads, by PyTorch's names: ``self`` and ``other`` for arguments, ``result``;
    empty where the arguments have no names here."""
    if node.primitive is custom or isinstance(node.type, TupleType) or not node.inputs:
        return {}
    read = saves(node)
    names = _ARGUMENTS.get(node.primitive.name, ("self", "other"))
    if len(node.inputs) > len(names):
        return {"result": node} if read.output else {}
    found = {names[i]: node.inputs[i] for i in read.inputs}
    return {**found, "result": node} if read.output else found
