"""What of PyTorch and TensorFlow is outside wengert's scope, with the reason, for errors that say so."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import NoReturn

# First match wins. A pattern matches the whole name that a program asked for.
_REASONS: tuple[tuple[str, str], ...] = (
    (r"(.*_)?sparse(_.*)?|SparseAdam|(is_)?coalesced?|c?(row|col)_indices|smm|ss?p?addmm|sp?mm|hspmm|hsmm|dsmm",
     "sparse tensors"),
    (r"q?u?int(8|32|4x2|2x4)?_?quantiz.*|q(u?int.*|scheme|_.*)|(fake_|de)?quanti[sz].*|int_repr|per_(tensor|channel)_.*|ao",
     "quantised tensors"),
    (r"nested.*|jagged|to_padded_tensor", "nested tensors"),
    (r"distributed.*|DistributedDataParallel|rpc|futures|fork|wait|elastic", "distributed training; a program is one process"),
    (r"jit|script.*|Script.*|fx|export|package|jiterator.*|_C|ops|library",
     "PyTorch's compilers and their intermediate forms; compile(function) is there, and programs are compiled as they run"),
    (r"hub", "downloads of models; read a file of weights with torch.load"),
    (r"chalf|complex32|ComplexHalf.*", "complex numbers of half precision"),
    (r"float8.*|float4.*|u?int[1-7]|bits.*", "numbers of less than 8 bits, and floating ones of less than 16"),
    (r"eig|symeig|lstsq|solve|matrix_rank", "what PyTorch has removed; its successor is in torch.linalg"),
    (r"create_selective_checkpoint_contexts|CheckpointPolicy|SelectiveCheckpointContext|SAC_IGNORED_OPS",
     "checkpoints that keep the results of some of PyTorch's kernels; without such contexts `checkpoint` computes everything "
     "again, with the same gradients"),
    (r"lobpcg", "iterative searches for a few eigenvalues; linalg.eigh and svd_lowrank are there"),
    (r"_higher_order_ops|while_loop|associative_scan",
     "control flow for PyTorch's compilers; a Python loop is recorded as it runs, and `cond` is there"),
    (r"(cudnn|miopen|mkldnn|fbgemm|mkl)_.*|to_mkldnn", "functions of one library for one device"),
    (r".*Storage", "storages; tensors that share memory are views of each other"),
)  # fmt: skip

# The same of TensorFlow, with what comes nearest.
_OF_TENSORFLOW: tuple[tuple[str, str], ...] = (
    (r"strings|string|as_string|edit_distance",
     "tensors of text; prepare text in Python or NumPy, or with tf.keras.layers.StringLookup's vocabulary as a dict"),
    (r"io|(de|en)code_.*|parse_.*|(read|write|matching)_files?|TFRecord.*|FixedLength.*|TextLine.*|gfile|audio|is_jpeg"
     r"|.*jpeg.*|(FixedLen|VarLen|Ragged)\w*Feature|Example|Features?",
     "files read inside programs; read them in Python (open, NumPy, PIL, tf.keras.utils.load_img) and make a "
     "tf.data.Dataset.from_tensor_slices or from_generator of what is in them"),
    (r"sparse|Sparse.*|.*_sparse|sets",
     "sparse tensors; tf.gather, tf.scatter_nd, tf.IndexedSlices and dense tensors are there"),
    (r"ragged.*|Ragged.*", "ragged tensors; pad them (Dataset.padded_batch, tf.keras.utils.pad_sequences) and mask"),
    (r"distribute|dtensor|tpu|DeviceSpec|VariableAggregation|VariableSynchronization|CriticalSection|queue|Coordinator"
     r"|ClusterSpec|Server|parallel_stack|.*Strategy",
     "distributed training; a program is one process, and its operations run on all cores"),
    (r"v1|(compat_)?Session|placeholder|Graph.*|Operation|AggregationMethod|get_default_graph|global_variables_initializer"
     r"|import_graph_def|gradients|hessians|RegisterGradient|no_gradient|make_tensor_proto|make_ndarray|variable_.*scope"
     r"|get_variable|while_v2|app|flags",
     "graphs and sessions of TensorFlow 1; write eager code or a tf.function, and derive with tf.GradientTape"),
    (r"saved_model|lite|raw_ops|mlir|xla|load_library|load_op_library|tools|types",
     "TensorFlow's own formats and kernels; save with model.save('x.keras'), model.save_weights, tf.train.Checkpoint or "
     "wengert.onnx"),
    (r"quantiz.*|quint.*|qint.*|QUANTIZED_DTYPES", "quantised tensors"),
    (r"lookup|feature_column", "tables of text; Keras's preprocessing layers and Python's dicts are there"),
    (r"LinearOperator.*", "operators as objects; tf.linalg has functions of matrices"),
    (r".*candidate_sampler|nce_loss|sampled_softmax_loss|compute_accidental_hits|RNNCell.*Wrapper|ctc_(beam|greedy|unique).*",
     "what serves few programs; Keras has losses, tf.keras.ops.ctc_decode and tf.keras.layers.RNN with cells"),
    (r"profiler|trace_.*", "TensorFlow's profiler; wengert.profiler.profile is there"),
    (r"(en|dis)able_check_numerics", "a check of every operation; tf.debugging.check_numerics(x, message) checks one, and "
     "wengert.autograd.set_detect_anomaly(True) finds where derivatives become NaN"),
    (r"python|core|_api|__internal__|contrib|estimator", "TensorFlow's inner works, and what it has given up; use its "
     "public names"),
    (r"experimental", "experiments of TensorFlow's; tf.function, tf.data and tf.random have theirs"),
)  # fmt: skip


def reason_absent(name: str, face: str = "torch") -> str:
    """For a name out of scope a sentence that says so, after a space; nothing for any other."""
    for pattern, what in _OF_TENSORFLOW if face.startswith("tensorflow") else _REASONS:
        if re.fullmatch(pattern, name):
            return f" It belongs to what wengert leaves out: {what}."
    return ""


def absent_from(module: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module with TensorFlow's names: it says why a name is not there."""

    def absent(name: str) -> NoReturn:
        text = f"module {module!r} has no attribute {name!r}.{reason_absent(name, 'tensorflow')}"
        raise AttributeError(text, name=name, obj=sys.modules[module])

    return absent


class AbsentAttribute(AttributeError):
    """A name that something of wengert does not have. The reason is looked for only when somebody reads the message, since
    programs may ask with `hasattr`."""

    def __str__(self) -> str:
        return f"{super().__str__()}.{reason_absent(str(self.name))}"
