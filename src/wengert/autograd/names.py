"""What PyTorch calls the derivative of each operation: the names that `grad_fn` shows."""

from __future__ import annotations

from wengert.graph.node import Node
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
