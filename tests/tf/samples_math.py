"""Samples of `tf.math`, `tf.bitwise` and the same functions at the top."""

from __future__ import annotations

import numpy as np

from tests.tf.sampling import S, Sample, t, x

LINE = [-2.3, -0.7, 0.4, 1.3, 2.8]
UNIT = [-0.9, -0.35, 0.1, 0.6, 0.95]
POSITIVE = [0.3, 0.9, 1.7, 4.2]
ROWS = [[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]]
WHOLE = [[3, -7, 2], [0, 5, -1]]
FLAGS = [[True, False, True], [True, True, True]]
COMPLEX = np.array([0.4 + 1.1j, -1.3 + 0.2j, 0.7 - 0.9j], np.complex64)

UNARY = {
    "abs": LINE, "acos": UNIT, "acosh": [1.2, 2.5, 4.0], "asin": UNIT, "asinh": LINE, "atan": LINE, "atanh": UNIT,
    "ceil": LINE, "cos": LINE, "cosh": LINE, "digamma": POSITIVE, "erf": LINE, "erfc": LINE, "erfcinv": [0.2, 0.9, 1.6],
    "erfinv": UNIT, "exp": LINE, "expm1": LINE, "floor": LINE, "lgamma": POSITIVE, "log": POSITIVE, "log1p": POSITIVE,
    "log_sigmoid": LINE, "ndtri": [0.1, 0.5, 0.8], "negative": LINE, "reciprocal": LINE,
    "reciprocal_no_nan": [0.0, 2.0, -0.5], "rint": [0.5, 1.5, -1.2], "round": [0.5, 1.5, -1.2], "rsqrt": POSITIVE,
    "sigmoid": LINE, "sign": LINE, "sin": LINE, "sinh": LINE, "sqrt": POSITIVE, "square": LINE, "tan": LINE, "tanh": LINE,
    "softplus": LINE, "softsign": LINE, "bessel_i0": LINE, "bessel_i0e": LINE, "bessel_i1": LINE, "bessel_i1e": LINE,
}  # fmt: skip
OF_COMPLEX = (
    "abs acos acosh asin asinh atan atanh cos cosh exp expm1 log log1p negative reciprocal rsqrt sigmoid sign sin sinh sqrt "
    "square tan tanh conj real imag angle"
).split()
AT_THE_TOP = (
    "abs acos acosh asin asinh atan atanh cos cosh exp floor negative round sigmoid sign sin sinh sqrt square tan tanh"
).split()
SPECIAL = {
    "bessel_i0": LINE, "bessel_i0e": LINE, "bessel_i1": LINE, "bessel_i1e": LINE, "bessel_j0": LINE, "bessel_j1": LINE,
    "bessel_k0": POSITIVE, "bessel_k0e": POSITIVE, "bessel_k1": POSITIVE, "bessel_k1e": POSITIVE, "bessel_y0": POSITIVE,
    "bessel_y1": POSITIVE, "dawsn": LINE, "expint": POSITIVE, "fresnel_cos": LINE, "fresnel_sin": LINE,
    "spence": POSITIVE,
}  # fmt: skip
BINARY = (
    "add subtract multiply divide truediv maximum minimum squared_difference divide_no_nan multiply_no_nan floordiv floormod "
    "mod"
).split()
OF_INTEGERS = "add subtract multiply divide truediv maximum minimum floordiv floormod squared_difference".split()
COMPARED = "equal not_equal less less_equal greater greater_equal".split()
REDUCED = (
    "reduce_sum reduce_prod reduce_mean reduce_max reduce_min reduce_logsumexp reduce_euclidean_norm reduce_std reduce_variance"
).split()

SAMPLES: list[Sample] = [
    *[S(f"math.{name}", x(values)) for name, values in UNARY.items()],
    *[S(f"math.{name}", x(COMPLEX), rtol=1e-4) for name in OF_COMPLEX],
    *[
        S(f"math.{name}", x(values, "float64"), rtol=1e-9)
        for name, values in UNARY.items() if name in ("exp", "erf", "lgamma")
    ],
    *[S(name, x(UNARY[name] if name != "acosh" else [1.2, 2.5])) for name in AT_THE_TOP],
    *[S(f"math.special.{name}", x(values), rtol=1e-4) for name, values in SPECIAL.items()],
    *[S(f"math.{name}", x(ROWS), x([[1.1, -0.4, 0.9]])) for name in BINARY],
    *[S(f"math.{name}", t(WHOLE), t([[2, -3, 4]])) for name in OF_INTEGERS],
    *[S(f"math.{name}", t(WHOLE), t([[3, 5, 2]])) for name in COMPARED],
    *[
        S(f"math.{name}", x(ROWS), 0.5)
        for name in ("add", "subtract", "multiply", "divide", "maximum", "pow", "greater")
    ],
    S("add", x(ROWS), x(ROWS)), S("subtract", x(ROWS), x(ROWS)), S("multiply", x(ROWS), x(ROWS)),
    S("divide", x(ROWS), x([1.0, 2.0, 3.0])), S("truediv", t([1, 2]), t([3, 4])),
    S("truediv", t([1], "int8"), t([3], "int8")), S("realdiv", x(ROWS), x([1.0, 2.0, 3.0])),
    S("truncatediv", t([7, -7]), t([2, 2])), S("truncatemod", t([7, -7]), t([3, 3])),
    S("truncatemod", t([7.5, -7.5]), t([2.0, 2.0])), S("maximum", x([1.0, 2.0]), x([1.5, 0.5])),
    S("minimum", x([1.0, 2.0]), x([1.5, 0.5])), S("equal", t([1, 2]), t([1, 3])), S("not_equal", t([1, 2]), t([1, 3])),
    S("less", t([1, 2]), 2), S("less_equal", t([1, 2]), 1), S("greater", t([1, 2]), 1),
    S("greater_equal", t([1, 2]), 2), S("pow", x([1.5, 2.0]), x([2.0, 0.5])), S("pow", t([2, 3]), t([3, 2])),
    S("logical_and", t(FLAGS), t([True, False, False])), S("logical_or", t(FLAGS), t([True, False, False])),
    S("logical_not", t(FLAGS)), S("add_n", [x([1.0, 2.0]), x([3.0, 4.0])]), S("scalar_mul", 3.0, x(ROWS)),
    S("complex", x([1.0, 2.0]), x([0.5, -1.0])), S("math.add_n", [t([1, 2]), t([3, 4])]),
    S("math.scalar_mul", 2, t(WHOLE)), S("math.logical_and", t(FLAGS), t([True, False, False])),
    S("math.logical_or", t(FLAGS), t([True, False, False])), S("math.logical_xor", t(FLAGS), t([True, False, False])),
    S("math.logical_not", t(FLAGS)), S("math.is_finite", t([1.0, np.inf, np.nan])),
    S("math.is_inf", t([1.0, np.inf, np.nan])), S("math.is_nan", t([1.0, np.inf, np.nan])), S("math.abs", t(WHOLE)),
    S("math.sign", t(WHOLE)), S("math.square", t(WHOLE)), S("math.negative", t(WHOLE)),
    S("atan2", x(LINE), x([1.0, -1.0, 2.0, 0.5, 0.3])), S("math.atan2", y=x([1.0]), x=x([-2.0])),
    S("math.divide_no_nan", x([1.0, 2.0]), x([0.0, 4.0])), S("math.multiply_no_nan", t([np.inf, 2.0]), t([0.0, 4.0])),
    S("math.multiply_no_nan", x([3.0, 2.0]), x([0.0, 4.0])),
    S("math.nextafter", t([1.0, 2.0], "float64"), t([2.0, 1.0], "float64")),
    S("math.xlogy", x([0.0, 2.0]), x([3.0, 4.0])), S("math.xlog1py", x([0.0, 2.0]), x([3.0, 4.0])),
    S("math.xdivy", x([0.0, 2.0]), x([3.0, 4.0])), S("math.xdivy", t([0.0, 1.0]), t([0.0, 2.0])),
    S("math.igamma", t([0.5, 2.0]), x([0.7, 1.5])), S("math.igammac", t([0.5, 2.0]), x([0.7, 1.5])),
    S("math.zeta", t([2.0, 3.5]), x([0.7, 1.5])), S("math.polygamma", t([1.0, 2.0]), x([0.7, 1.5])),
    S("math.lbeta", x([[0.5, 1.2], [3.0, 2.0]])), S("math.betainc", t([0.5, 2.0]), t([1.5, 3.0]), x([0.3, 0.8])),
    S("math.polyval", [1.0, -2.0, 0.5], x(LINE)), S("math.polyval", [x(1.0), x(-2.0)], x([0.5, 3.0])),
    S("math.pow", x(COMPLEX), x(COMPLEX[::-1].copy()), rtol=1e-4), S("math.real", x(LINE)), S("math.imag", t(LINE)),
    S("math.conj", x(LINE)), S("math.multiply", x(COMPLEX), x(COMPLEX[::-1].copy())),
    S("math.divide", x(COMPLEX), x(COMPLEX[::-1].copy()), rtol=1e-4),
    # --- reductions
    *[S(f"math.{name}", x(ROWS)) for name in REDUCED], *[S(f"math.{name}", x(ROWS), axis=1) for name in REDUCED],
    *[S(f"math.{name}", x(ROWS), axis=[0, -1], keepdims=True) for name in REDUCED],
    *[
        S(f"math.{name}", t(WHOLE), axis=0)
        for name in ("reduce_sum", "reduce_prod", "reduce_mean", "reduce_max", "reduce_min", "reduce_euclidean_norm")
    ],
    *[
        S(name, x(ROWS), axis=0)
        for name in ("reduce_sum", "reduce_prod", "reduce_mean", "reduce_max", "reduce_min", "reduce_logsumexp")
    ],
    *[S(f"math.{name}", t(FLAGS), axis=1) for name in ("reduce_all", "reduce_any")], S("reduce_all", t(FLAGS)),
    S("reduce_any", t(FLAGS), 0, True), S("math.reduce_sum", x(COMPLEX)), S("math.reduce_mean", x(COMPLEX)),
    S("math.reduce_variance", x(COMPLEX)), S("math.reduce_std", t(COMPLEX)), S("math.reduce_sum", x(2.0)),
    S("math.reduce_sum", x(ROWS), axis=[]), S("math.reduce_max", t(np.zeros((0, 2), np.float32)), axis=0),
    S("math.reduce_max", x([[1.0, 1.0], [0.5, 2.0]]), axis=1), S("math.reduce_mean", t([-3, 2])),
    S("math.reduce_sum", t([200, 100], "uint8")), S("math.argmax", t(ROWS)),
    S("math.argmax", t(ROWS), axis=1, output_type="int32"), S("math.argmin", t(WHOLE), axis=-1),
    S("argmax", t([[1, 1], [0, 2]]), 1), S("argmin", t(ROWS), 0), S("cumsum", x(ROWS)),
    S("math.cumsum", x(ROWS), axis=1, exclusive=True), S("math.cumsum", x(ROWS), axis=1, reverse=True),
    S("math.cumsum", t(WHOLE), axis=-1, exclusive=True, reverse=True), S("math.cumprod", x(ROWS), axis=1),
    S("math.cumprod", x(ROWS), axis=1, exclusive=True), S("math.cumprod", t(WHOLE), axis=0, reverse=True),
    S("math.cumulative_logsumexp", x(ROWS), axis=1),
    S("math.cumulative_logsumexp", t(ROWS), axis=1, exclusive=True, reverse=True), S("math.count_nonzero", t(WHOLE)),
    S("math.count_nonzero", t(WHOLE), axis=1, keepdims=True, dtype="int32"), S("math.zero_fraction", t(WHOLE)),
    S("math.is_non_decreasing", t([1, 2, 2])), S("math.is_strictly_increasing", t([1, 2, 2])),
    S("math.is_strictly_increasing", t([[1, 2], [3, 4]])), S("math.bincount", t([1, 2, 1, 5])),
    S("math.bincount", t([1, 2, 1, 5]), minlength=8), S("math.bincount", t([1, 2, 1, 5]), maxlength=3),
    S("math.bincount", t([1, 2, 1]), weights=t([0.5, 1.5, 2.0])), S("math.bincount", t([[1, 2], [1, 1]]), axis=-1),
    S("math.bincount", t([[1, 2], [1, 1]]), axis=-1, binary_output=True),
    S("math.bincount", t([1, 1, 3]), dtype="float32"), S("math.confusion_matrix", t([1, 2, 1]), t([1, 0, 1])),
    S("math.confusion_matrix", t([1, 2]), t([1, 0]), num_classes=4, weights=t([2, 3])),
    S("math.in_top_k", t([1, 0]), t([[0.1, 0.9, 0.3], [0.1, 0.5, 0.3]]), 2),
    S("math.in_top_k", targets=t([0]), predictions=t([[0.5, 0.5, 0.5]]), k=1), S("math.top_k", x(ROWS), k=2),
    S("math.top_k", t(WHOLE)), S("math.top_k", t([3, 1, 3, 2]), k=3, index_type="int64"),
    S("math.invert_permutation", t([2, 0, 1])), S("math.l2_normalize", x(ROWS)),
    S("math.l2_normalize", x(ROWS), axis=1), S("math.softmax", x(ROWS)), S("math.softmax", x(ROWS), axis=0),
    S("math.log_softmax", x(ROWS)), S("math.log_softmax", x(ROWS), axis=0),
    S("histogram_fixed_width", t([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0]), [0.0, 5.0], nbins=5),
    S("histogram_fixed_width_bins", t([-1.0, 0.0, 1.5, 5.0]), [0.0, 5.0], nbins=5),
    # --- segments
    *[
        S(f"math.segment_{kind}", x([[1.0, 2.0], [0.5, -1.0], [3.0, 4.0]]), t([0, 0, 2]))
        for kind in ("sum", "mean", "max", "min")
    ],
    S("math.segment_prod", t([[1, 2], [3, -1], [3, 4]]), t([0, 0, 1])),
    *[
        S(f"math.unsorted_segment_{kind}", x([[1.0, 2.0], [0.5, -1.0], [3.0, 4.0]]), t([2, 0, 2]), 3)
        for kind in ("sum", "mean", "sqrt_n")
    ],
    *[
        S(f"math.unsorted_segment_{kind}", x([[1.0, 2.0], [0.5, -1.0], [3.0, 4.0]]), t([1, 0, 1]), 2)
        for kind in ("max", "min", "prod")
    ],
    S("math.unsorted_segment_sum", t([1, 2, 3]), t([-1, 0, 0]), 2),
    S("math.unsorted_segment_max", t([1, 2, 3]), t([0, 0, 0]), 2),
    # --- bits
    *[S(f"bitwise.bitwise_{kind}", t([6, 5], "uint8"), t([3, 12], "uint8")) for kind in ("and", "or", "xor")],
    S("bitwise.invert", t([6, -5])), S("bitwise.invert", t([6, 5], "uint16")),
    S("bitwise.left_shift", t([1, 5]), t([3, 1])), S("bitwise.right_shift", t([16, -5]), t([3, 1])),
]  # fmt: skip
