"""Which of TensorFlow's public names are there.

``python -m tests.tf.names`` prints the table of docs/tensorflow.md; ``python -m tests.tf.names store`` writes TensorFlow's
names and their arguments to ``numbers/names.json`` anew, and needs TensorFlow.
"""

from __future__ import annotations

import inspect
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Optional

from tests.tf.sampling import function_of

STORE = Path(__file__).parent / "numbers" / "names.json"
SPACES = (
    "", "math", "math.special", "linalg", "nn", "random", "random.experimental", "image", "signal", "bitwise", "dtypes",
    "errors", "nest", "autodiff", "debugging",
)  # fmt: skip

# Names that are meant to be absent, by what they belong to; a star stands for anything.
OUT_OF_SCOPE = {
    "strings and files": "as_string strings string io decode_* encode_* is_jpeg extract_jpeg_shape fingerprint *jpeg_quality "
    "load_library load_op_library audio saved_model",
    "sparse and ragged tensors": "Sparse* sparse Ragged* ragged* sets edit_distance ctc_beam_search_decoder "
    "ctc_greedy_decoder ctc_unique_labels *_sparse",
    "graphs of TensorFlow 1": "Graph graph_util control_dependencies variable_creator_scope make_tensor_proto make_ndarray "
    "AggregationMethod RegisterGradient import_graph_def no_gradient hessians gradients Operation "
    "inside_function numpy_function py_function nondifferentiable_batch_function OperatorNotAllowedInGraphError",
    "distribution, devices, servers": "distribute dtensor tpu xla mlir lite DeviceSpec queue lookup CriticalSection "
    "quantization quint* qint* QUANTIZED_DTYPES parallel_stack VariableAggregation VariableSynchronization device check_pinned",
    "candidate sampling": "*candidate_sampler nce_loss sampled_softmax_loss compute_accidental_hits",
    "operators as objects": "LinearOperator*",
    "raw operations": "approx_top_k conv conv2d_backprop_*",
    "other packages": "raw_ops feature_column profiler tools sysconfig experimental "
    "security types resource variant config OptionalSpec",
}


def absent_on_purpose(name: str) -> Optional[str]:
    """Why a name is not meant to be there, or None."""
    for reason, patterns in OUT_OF_SCOPE.items():
        if any([fnmatchcase(name, pattern) for pattern in patterns.split()]):
            return reason
    return None


def stored() -> dict[str, dict[str, Any]]:
    """TensorFlow's names: for each space, name -> the names of its arguments, or None."""
    return json.loads(STORE.read_text())  # type: ignore[no-any-return]


def present(tf: Any) -> dict[str, dict[str, bool]]:
    """For each space, whether each of TensorFlow's names is there."""

    def has(space: str, name: str) -> bool:
        if not space and (name == "keras" or name in tf.OF_KERAS):
            return True  # asking for it would load Keras
        try:
            function_of(tf, f"{space}.{name}" if space else name)
        except AttributeError:
            return False
        return True

    return {space: {name: has(space, name) for name in names} for space, names in stored().items()}


def table(tf: Any) -> str:
    """The names that are there, as a table in Markdown."""
    lines = ["| namespace | TensorFlow's names | there | out of scope | missing |", "|---|---|---|---|---|"]
    for space, names in present(tf).items():
        there = sum(names.values())
        out = sum(1 for name, has in names.items() if not has and absent_on_purpose(name))
        counts = f"{len(names)} | {there} | {out} | {len(names) - there - out}"
        lines.append(f"| `{f'tf.{space}' if space else 'tf'}` | {counts} |")
    return "\n".join(lines)


def missing(tf: Any) -> list[str]:
    """What is neither there nor out of scope."""
    return [
        f"{space}.{name}" if space else name
        for space, names in present(tf).items()
        for name, has in names.items()
        if not has and not absent_on_purpose(name)
    ]


def arguments(function: Any) -> Optional[list[str]]:
    """The names of a function's arguments; None of what has none that can be read."""
    if inspect.isclass(function) or not callable(function):
        return None
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None


def store() -> None:
    """Ask TensorFlow for its names."""
    import tensorflow  # the oracle, where it is installed

    found = {}
    for space in SPACES:
        owner = function_of(tensorflow, space) if space else tensorflow
        found[space] = {name: arguments(getattr(owner, name)) for name in dir(owner) if not name.startswith("_")}
    STORE.write_text("{\n" + ",\n".join([f'"{s}": {json.dumps(n)}' for s, n in found.items()]) + "\n}\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["store"]:
        store()
    else:
        import wengert.tf as tf

        sys.stdout.write(table(tf) + "\n\n" + "\n".join(missing(tf)) + "\n")
