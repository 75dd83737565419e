"""Samples of `tf.nn`."""

from __future__ import annotations

import numpy as np

from tests.tf.sampling import S, Sample, t, x

LINE = [-2.3, -0.7, 0.4, 1.3, 6.8]
ROWS = [[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]]


def grid(*shape: int) -> np.ndarray:
    """Numbers of this shape in which neighbours differ and none repeats."""
    n = int(np.prod(shape))
    return (((np.arange(n) * 7919) % n) / n * 4 - 2).reshape(shape).astype(np.float32)


IMAGE, KERNEL = grid(2, 5, 6, 2), grid(3, 2, 2, 3)
SIGNAL, TAPS = grid(2, 7, 2), grid(3, 2, 3)
VOLUME, CUBE = grid(1, 4, 3, 4, 2), grid(2, 2, 2, 2, 1)
FIRST = grid(1, 2, 5, 6)
ACTIVATIONS = "relu relu6 elu selu softplus softsign gelu silu swish crelu leaky_relu sigmoid tanh".split()

SAMPLES: list[Sample] = [
    *[S(f"nn.{name}", x(LINE)) for name in ACTIVATIONS], S("nn.gelu", x(LINE), approximate=True),
    S("nn.leaky_relu", x(LINE), alpha=0.1), S("nn.relu", t([-1, 2])), S("nn.relu", features=x(LINE)),
    S("nn.leaky_relu", t([-5, 2])), S("nn.silu", x(LINE), 1.5), S("nn.crelu", x(ROWS), axis=0),
    S("nn.softmax", x(ROWS)), S("nn.softmax", x(ROWS), axis=0), S("nn.log_softmax", x(ROWS)),
    S("nn.softmax", x([1000.0, 1001.0])), S("nn.dropout", x(ROWS), 0.0), S("nn.bias_add", x(IMAGE), x([0.5, -1.0])),
    S("nn.bias_add", x(FIRST), x([0.5, -1.0]), data_format="NCHW"), S("nn.l2_loss", x(ROWS)),
    S("nn.embedding_lookup", x(ROWS), t([[1, 0], [1, 1]])), S("nn.embedding_lookup", x(ROWS), t([1, 0]), max_norm=1.0),
    S("nn.compute_average_loss", x([1.0, 2.0, 3.0])),
    S("nn.compute_average_loss", x([1.0, 2.0]), sample_weight=[0.5, 1.0], global_batch_size=4),
    S("nn.scale_regularization_loss", x([1.0, 2.0])),
    # --- convolution
    *[
        S("nn.conv2d", x(IMAGE), x(KERNEL), strides, padding)
        for strides in (1, 2, [1, 2, 1, 1]) for padding in ("VALID", "SAME")
    ],
    S("nn.conv2d", x(IMAGE), x(KERNEL), 1, [[0, 0], [1, 2], [0, 1], [0, 0]]),
    S("nn.conv2d", t(IMAGE), t(KERNEL), 1, "SAME", dilations=2),
    S("nn.conv2d", x(grid(1, 2, 3, 4, 4, 2)), x(KERNEL), 1, "SAME"),
    S("nn.conv2d", t(IMAGE), t(grid(2, 2, 1, 4)), 1, "VALID"), S("nn.conv1d", x(SIGNAL), x(TAPS), 2, "SAME"),
    S("nn.conv1d", t(SIGNAL), t(TAPS), stride=1, padding="VALID", dilations=2),
    S("nn.conv3d", x(VOLUME), x(CUBE), [1, 1, 2, 1, 1], "SAME"),
    S("nn.convolution", x(SIGNAL), x(TAPS), padding="SAME"),
    S("nn.convolution", x(IMAGE), x(KERNEL), strides=[2, 1], padding="VALID"),
    S("nn.atrous_conv2d", x(IMAGE), x(KERNEL), 2, "SAME"),
    S("nn.depthwise_conv2d", x(IMAGE), x(KERNEL), [1, 1, 1, 1], "SAME"),
    S("nn.depthwise_conv2d", x(IMAGE), x(KERNEL), [1, 2, 2, 1], "VALID"),
    S("nn.separable_conv2d", x(IMAGE), x(KERNEL), x(grid(1, 1, 6, 2)), [1, 1, 1, 1], "SAME"),
    S("nn.conv2d_transpose", x(IMAGE), x(grid(3, 2, 3, 2)), [2, 10, 12, 3], 2),
    S("nn.conv2d_transpose", x(IMAGE), x(grid(3, 2, 3, 2)), [2, 9, 11, 3], [1, 2, 2, 1], "SAME"),
    S("nn.conv2d_transpose", x(IMAGE), x(grid(3, 2, 3, 2)), [2, 7, 7, 3], 1, "VALID"),
    S("nn.conv2d_transpose", x(IMAGE), x(grid(3, 3, 3, 2)), [2, 12, 13, 3], 2, "VALID"),
    S("nn.conv1d_transpose", x(SIGNAL), x(grid(3, 1, 2)), [2, 14, 1], 2),
    S("nn.conv3d_transpose", x(VOLUME), x(grid(2, 2, 2, 1, 2)), [1, 4, 6, 4, 1], [1, 2, 1], "SAME"),
    S("nn.conv_transpose", x(SIGNAL), x(grid(3, 1, 2)), [2, 7, 1], 1),
    S("nn.atrous_conv2d_transpose", x(IMAGE), x(grid(2, 2, 1, 2)), [2, 5, 6, 1], 2, "SAME"),
    S("nn.depth_to_space", x(grid(1, 2, 3, 8)), 2), S("nn.space_to_depth", x(grid(1, 4, 6, 2)), 2),
    S("nn.space_to_batch", x(grid(1, 4, 4, 1)), [2, 2], [[0, 0], [0, 0]]),
    # --- pooling
    *[S(f"nn.{kind}_pool", x(IMAGE), [2, 3], 2, padding) for kind in ("max", "avg") for padding in ("VALID", "SAME")],
    *[S(f"nn.{kind}_pool2d", x(IMAGE), 2, 1, "SAME") for kind in ("max", "avg")],
    *[S(f"nn.{kind}_pool1d", x(SIGNAL), 3, 2, "SAME") for kind in ("max", "avg")],
    *[S(f"nn.{kind}_pool3d", x(VOLUME), 2, 2, "SAME") for kind in ("max", "avg")],
    S("nn.max_pool", x(SIGNAL), 2, 2, "VALID"), S("nn.max_pool", x(IMAGE), 2, 2, [[0, 0], [1, 0], [0, 1], [0, 0]]),
    S("nn.pool", x(IMAGE), [2, 2], "AVG", padding="SAME"), S("nn.pool", x(SIGNAL), [2], "MAX", strides=[2]),
    S("nn.max_pool_with_argmax", x(IMAGE), 2, 2, "SAME"),
    S("nn.max_pool_with_argmax", t(IMAGE), [1, 3, 2, 1], 1, "VALID", output_dtype="int32", include_batch_in_index=True),
    S("nn.dilation2d", x(IMAGE), x(grid(2, 3, 2)), [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]),
    S("nn.dilation2d", x(IMAGE), x(grid(2, 2, 2)), [1, 2, 1, 1], "VALID", "NHWC", [1, 2, 2, 1]),
    S("nn.erosion2d", x(IMAGE), x(grid(2, 2, 2)), [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]),
    # --- losses
    S("nn.softmax_cross_entropy_with_logits", x([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]), x(ROWS)),
    S("nn.softmax_cross_entropy_with_logits", labels=t([[1, 0, 0]]), logits=x(ROWS)),
    S("nn.softmax_cross_entropy_with_logits", x([[0.2, 0.5, 1.0], [0.8, 0.5, 0.0]]), x(ROWS), axis=0),
    S("nn.sparse_softmax_cross_entropy_with_logits", t([2, 0]), x(ROWS)),
    S("nn.sparse_softmax_cross_entropy_with_logits", labels=t([[[1, 0]]], "int64"), logits=x([[ROWS]])),
    S("nn.sigmoid_cross_entropy_with_logits", x([0.0, 1.0, 0.3]), x([-3.0, 2.0, 0.5])),
    S("nn.weighted_cross_entropy_with_logits", x([0.0, 1.0, 0.3]), x([-3.0, 2.0, 0.5]), 2.5),
    S("nn.log_poisson_loss", x([0.5, 3.0]), x([0.2, 1.1])),
    S("nn.log_poisson_loss", t([0.5, 3.0]), x([0.2, 1.1]), compute_full_loss=True),
    S("nn.ctc_loss", t([[1, 2, 0], [2, 2, 1]]), x(grid(6, 2, 4)), t([2, 3]), t([5, 6]), rtol=1e-4),
    S(
        "nn.ctc_loss", t([[1, 2], [2, 0]]), x(grid(2, 5, 4)), t([2, 1]), t([5, 4]), logits_time_major=False,
        blank_index=-1, rtol=1e-4,
    ),
    S("nn.collapse_repeated", t([[1, 1, 2, 2, 1], [3, 3, 3, 0, 0]]), t([5, 3])),
    # --- normalisation
    S("nn.moments", x(IMAGE), [0, 1, 2]), S("nn.moments", x(ROWS), axes=[1], keepdims=True),
    S("nn.weighted_moments", x(ROWS), [0], t([[1.0], [3.0]])), S("nn.sufficient_statistics", x(ROWS), [0]),
    S("nn.sufficient_statistics", x(ROWS), [1], shift=0.5),
    S("nn.normalize_moments", t(4.0), x([2.0, 4.0]), x([8.0, 9.0]), None),
    S("nn.normalize_moments", t(4.0), x([2.0]), x([8.0]), t([0.5])),
    S("nn.batch_normalization", x(IMAGE), x([0.1, 0.2]), x([1.5, 0.5]), x([0.3, -0.3]), x([2.0, 1.0]), 1e-3),
    S("nn.batch_normalization", x(ROWS), x([0.1, 0.2, 0.3]), x([1.5, 0.5, 1.0]), None, None, 1e-3),
    S(
        "nn.batch_norm_with_global_normalization", x(IMAGE), x([0.1, 0.2]), x([1.5, 0.5]), x([0.3, -0.3]),
        x([2.0, 1.0]), 1e-3, True,
    ),
    S("nn.local_response_normalization", x(grid(1, 2, 2, 6)), 2, 1.0, 0.3, 0.75), S("nn.lrn", x(grid(1, 2, 2, 6))),
    S("nn.l2_normalize", x(ROWS), 1), S("nn.top_k", x(ROWS), 2), S("nn.in_top_k", t([1, 0]), t(ROWS), 1),
    S("nn.zero_fraction", t([0.0, 1.0])), *[S(f"{space}.approx_max_k", x(ROWS), 2) for space in ("nn", "math")],
]  # fmt: skip
