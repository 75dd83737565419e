"""Samples of the functions at the top of `tf` that make, shape, index and order tensors."""

from __future__ import annotations

import numpy as np

from tests.tf.sampling import S, Sample, t, x

ROWS = [[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]]
WHOLE = [[3, -7, 2], [0, 5, -1]]
CUBE = (np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 11.5) / 4
FLAGS = [[True, False, True], [True, True, False]]

SAMPLES: list[Sample] = [
    # --- made from sizes
    S("zeros", [2, 3]), S("zeros", [], "int32"), S("ones", (2,)), S("ones", 3, "bool"), S("zeros_like", t(WHOLE)),
    S("ones_like", x(ROWS)), S("ones_like", t(WHOLE), "float64"), S("zeros_like", [1.0, 2.0]), S("fill", [2, 2], 7),
    S("fill", [3], x(1.5)), S("range", 5), S("range", 1, 7, 2), S("range", 3.0), S("range", 5, 1, -2),
    S("range", 1, 2, 0.25), S("range", 3, dtype="int64"), S("range", t(2, "int64"), 5), S("linspace", 0.0, 1.0, 5),
    S("linspace", 1, 10, 4), S("linspace", x([0.0, 1.0]), x([1.0, 3.0]), 3),
    S("linspace", t([0.0, 1.0]), t([1.0, 3.0]), 3, axis=-1), S("linspace", 2.0, 3.0, 1), S("eye", 3),
    S("eye", 2, 3, dtype="int32"), S("eye", 2, batch_shape=[2]), S("one_hot", t([0, 2, -1, 5]), 3),
    S("one_hot", t([[0], [1]]), 2, axis=1), S("one_hot", t([0, 1]), 2, on_value=5, off_value=1),
    S("one_hot", t([0, 1]), 2, True, False, axis=0, dtype="bool"), S("one_hot", [1, 0], depth=3, dtype="int64"),
    S("one_hot", [1, 0], 3, on_value=x(2.0), off_value=x(0.5)), S("sequence_mask", t([1, 3, 2])),
    S("sequence_mask", t([[1], [3]]), 4, dtype="float32"), S("meshgrid", t([1, 2]), t([3, 4, 5])),
    S("meshgrid", x([1.0, 2.0]), x([3.0]), indexing="ij"), S("broadcast_dynamic_shape", t([2, 1]), t([3])),
    # --- shape and dtype
    S("shape", t(ROWS)), S("shape", t(ROWS), out_type="int64"), S("shape_n", [t(ROWS), t([1.0, 2.0])]),
    S("size", t(ROWS)), S("rank", t(CUBE)), S("identity", x(ROWS)), S("identity_n", [x(ROWS), t([1])]),
    S("ensure_shape", x(ROWS), [2, None]), S("reshape", x(ROWS), [3, 2]), S("reshape", x(ROWS), [-1]),
    S("reshape", x(ROWS), t([1, -1, 2])), S("reshape", t([[5]]), []), S("expand_dims", x(ROWS), 0),
    S("expand_dims", x(ROWS), -1), S("expand_dims", x(ROWS), axis=1), S("squeeze", x([[[1.0], [2.0]]])),
    S("squeeze", x([[[1.0], [2.0]]]), [0]), S("squeeze", x([[[1.0], [2.0]]]), -1), S("transpose", x(ROWS)),
    S("transpose", x(CUBE), [2, 0, 1]), S("transpose", x(CUBE), perm=t([1, 0, 2])),
    S("transpose", x(np.array([[1 + 2j, 3j]], np.complex64)), conjugate=True),
    S("broadcast_to", x([1.0, 2.0, 3.0]), [2, 3]), S("reverse", x(ROWS), [1]), S("reverse", x(ROWS), [0, -1]),
    S("roll", x(ROWS), 1, 0), S("roll", x(ROWS), [1, -1], [0, 1]),
    S("reverse_sequence", x(CUBE), t([1, 3]), seq_axis=1, batch_axis=0),
    S("reverse_sequence", t(WHOLE), [1, 2, 0], seq_axis=0, batch_axis=1), S("repeat", x([1.0, 2.0, 3.0]), 2),
    S("repeat", x(ROWS), [2, 1], axis=0), S("repeat", x(ROWS), 2, 1), S("repeat", t(WHOLE), 2),
    S("tile", x(ROWS), [2, 1]), S("tile", t([1, 2]), [3]), S("pad", x(ROWS), [[1, 0], [2, 1]]),
    S("pad", x(ROWS), [[0, 1], [1, 1]], constant_values=9.0), S("pad", x(ROWS), [[1, 1], [2, 2]], mode="REFLECT"),
    S("pad", x(ROWS), t([[2, 1], [3, 0]]), "SYMMETRIC"), S("cast", x(ROWS), "float64"),
    S("cast", t([1.7, -1.7]), "int32"), S("cast", t([1, 0, 2]), "bool"), S("cast", t([True, False]), "float32"),
    S("cast", t([1 + 2j]), "float32"), S("cast", x([1.5]), "complex64"), S("cast", [1, 2], "float16"),
    S("saturate_cast", t([300.0, -5.0, 7.9]), "uint8"), S("saturate_cast", t([300, -5]), "int8"),
    S("saturate_cast", t([3e9, -3e9]), "int32"), S("saturate_cast", t([1e30], "float64"), "float16"),
    S("bitcast", t([1.0, -2.0]), "int32"), S("bitcast", t([1.0]), "uint8"),
    S("bitcast", t([[1, 2, 3, 4]], "uint8"), "int32"), S("unravel_index", t([5, 0, 2]), [2, 3]),
    # --- together and apart
    S("concat", [x(ROWS), x(ROWS)], 0), S("concat", [x(ROWS), x([[1.0], [2.0]])], axis=-1),
    S("concat", [[1, 2], [3]], 0), S("concat", t(WHOLE), 0), S("stack", [x([1.0, 2.0]), x([3.0, 4.0])]),
    S("stack", [x([1.0, 2.0]), x([3.0, 4.0])], axis=-1), S("stack", [1, 2.5]), S("unstack", x(ROWS)),
    S("unstack", x(ROWS), axis=1), S("split", x(ROWS), 3, axis=1), S("split", x(ROWS), [1, 2], 1),
    S("split", t(WHOLE), t([-1, 1]), axis=1),
    # --- by places
    S("gather", x(ROWS), [1, 0, 1]), S("gather", x(ROWS), t([[0, 2], [1, 1]]), axis=1),
    S("gather", x(CUBE), t([1, 3], "int64"), axis=-1), S("gather", x(CUBE), t([[0, 2], [1, 1]]), batch_dims=1),
    S("gather", x(CUBE), t([[0, 2], [1, 3]]), axis=2, batch_dims=1), S("gather", x(ROWS), 1),
    S("gather", t(WHOLE), t([[2], [0]]), axis=-1, batch_dims=-1), S("gather_nd", x(ROWS), [[0, 1], [1, 2]]),
    S("gather_nd", x(CUBE), t([[1], [0]])), S("gather_nd", x(CUBE), t([[[0, 1]], [[2, 3]]]), batch_dims=1),
    S("gather_nd", t(WHOLE), [[[1, 1]]]), S("boolean_mask", x(ROWS), t(FLAGS)),
    S("boolean_mask", x(ROWS), [True, False]), S("boolean_mask", x(ROWS), t([False, True, True]), axis=1),
    S("boolean_mask", t([1, 2, 3]), np.array([True, False, True])), S("where", t(FLAGS)),
    S("where", t(FLAGS), x(ROWS), 0.0), S("where", t([True, False, True]), x(ROWS), x([[9.0], [8.0]])),
    S("slice", x(CUBE), [0, 1, 2], [1, -1, 2]), S("slice", t([1, 2, 3]), t([1]), t([2])),
    S("strided_slice", x(CUBE), [0, 1, 3], [2, 3, 0], [1, 1, -2]), S("strided_slice", x(CUBE), [1], [2]),
    S("strided_slice", x(CUBE), [0, 1], [0, 2], begin_mask=1, end_mask=1),
    S("strided_slice", x(CUBE), [1, 0], [2, 2], shrink_axis_mask=1),
    S("strided_slice", x(CUBE), [0, 0, 1], [0, 0, 2], ellipsis_mask=1, new_axis_mask=2),
    # --- scattered
    S("scatter_nd", t([[1], [3], [1]]), x([1.0, 2.0, 3.0]), [5]),
    S("scatter_nd", t([[0, 1], [1, 2]]), x([[1.0, 2.0], [3.0, 4.0]]), t([2, 3, 2])),
    S("scatter_nd", [[0]], t([7]), [2]), S("tensor_scatter_nd_update", x(ROWS), [[1, 2], [0, 0]], x([9.0, 8.0])),
    S("tensor_scatter_nd_update", x(ROWS), t([[1]]), x([[1.0, 2.0, 3.0]])),
    S("tensor_scatter_nd_add", x(ROWS), [[1, 2], [1, 2]], x([9.0, 8.0])),
    S("tensor_scatter_nd_sub", x(ROWS), [[1], [0]], x(ROWS)),
    S("tensor_scatter_nd_max", t(WHOLE), [[1, 2], [0, 0]], t([9, -8])),
    S("tensor_scatter_nd_min", t(ROWS), [[1, 2], [0, 0]], t([9.0, -8.0])),
    S("dynamic_partition", x(ROWS), t([1, 0]), 2), S("dynamic_partition", t([1, 2, 3, 4]), t([0, 2, 0, 2]), 3),
    S("dynamic_stitch", [t([0, 2]), t([1, 3])], [x([1.0, 2.0]), x([3.0, 4.0])]),
    S("dynamic_stitch", [t(1), t([0, 1])], [t([1, 2]), t([[3, 4], [5, 6]])]),
    # --- order
    S("sort", x(ROWS)), S("sort", x(ROWS), 0, "DESCENDING"), S("sort", t(WHOLE), direction="DESCENDING"),
    S("argsort", t(ROWS)), S("argsort", t([2, 1, 2, 1]), direction="DESCENDING"),
    S("argsort", t([[2, 1], [0, 1]]), axis=0, stable=True), S("searchsorted", t([1.0, 3.0, 5.0]), t([0.5, 3.0, 9.0])),
    S("searchsorted", t([[1, 3, 5], [2, 2, 4]]), t([[3, 6], [2, 1]]), side="right", out_type="int64"),
    S("unique", t([3, 1, 3, 2, 1])), S("unique_with_counts", t([3.0, 1.0, 3.0, 2.0, 1.0]), out_idx="int64"),
    S("clip_by_value", x(ROWS), -0.5, 1.0), S("clip_by_value", x(ROWS), x([0.0, 0.0, 0.0]), 1.0),
    S("clip_by_value", t(WHOLE), -1, 3), S("clip_by_norm", x(ROWS), 1.5), S("clip_by_norm", x(ROWS), 10.0),
    S("clip_by_norm", x(ROWS), 0.9, axes=[1]), S("clip_by_global_norm", [x(ROWS), x([3.0, 4.0])], 2.0),
    S("clip_by_global_norm", [x(ROWS)], 20.0, use_norm=x(5.0)), S("linalg.global_norm", [x(ROWS), x([3.0, 4.0])]),
    # --- products
    S("matmul", x(ROWS), x([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])), S("matmul", x(ROWS), x(ROWS), transpose_b=True),
    S("matmul", x(ROWS), x(ROWS), adjoint_a=True), S("matmul", t([[1, 2]]), t([[3], [4]])),
    S("matmul", x(CUBE), x(CUBE[:, :, :2].copy()), transpose_a=True), S("tensordot", x(ROWS), x(ROWS), 2),
    S("tensordot", x(ROWS), x(CUBE), [[1], [1]]), S("tensordot", x(ROWS), x([1.0, 2.0, 3.0]), 1),
    S("tensordot", x(ROWS), x(ROWS), axes=0), S("einsum", "ij,kj->ik", x(ROWS), x(ROWS)),
    S("einsum", "bij->b", x(CUBE)), S("einsum", "...ij , jk -> ...ik", x(CUBE), x(np.ones((4, 2), np.float32))),
    S("einsum", "ii->i", x([[1.0, 2.0], [3.0, 4.0]])), S("norm", x(ROWS)), S("norm", x(ROWS), ord=1, axis=0),
    S("norm", x(ROWS), np.inf, 1, True), S("norm", x(ROWS), "fro", axis=(0, 1)), S("norm", x(ROWS), ord=3, axis=1),
    S("batch_to_space", x(np.arange(16, dtype=np.float32).reshape(4, 2, 2, 1)), [2, 2], [[0, 1], [1, 0]]),
    S("space_to_batch", x(np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)), [2, 2], [[0, 0], [2, 0]]),
    S("space_to_batch_nd", x(np.arange(6, dtype=np.float32).reshape(1, 3, 2)), [3], [[0, 0]]),
]  # fmt: skip
