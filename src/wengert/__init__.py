"""wengert: every program is recorded as it runs, and executed as if it had been static.

The public names are PyTorch's: ``import wengert as torch``.
"""

from importlib import import_module as _import_module
from math import e, inf, nan, pi
from sys import modules as _modules
from typing import Any as _Any

from wengert import autograd, backends
from wengert.absent import AbsentAttribute as _AbsentAttribute
from wengert.dtypes import (
    DType as dtype,
    bfloat16,
    bool_ as bool,
    can_cast,
    complex64,
    complex64 as cfloat,
    complex128,
    complex128 as cdouble,
    float8_e4m3fn,
    float8_e5m2,
    float16,
    float16 as half,
    float32,
    float32 as float,
    float64,
    float64 as double,
    get_default_dtype,
    int8,
    int16,
    int16 as short,
    int32,
    int32 as int,
    int64,
    int64 as long,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from wengert.functions import fft, linalg, masked, methods as _methods, random, return_types, signal, special
from wengert.functions.choice import cond
from wengert.functions.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from wengert.functions.copies import (
    alias_copy,
    as_strided_copy,
    detach_copy,
    diagonal_copy,
    expand_copy,
    permute_copy,
    resize_as_,
    resolve_conj,
    resolve_neg,
    select_copy,
    split_copy,
    split_with_sizes_copy,
    squeeze_copy,
    t_copy,
    transpose_copy,
    unbind_copy,
    unfold_copy,
    unsqueeze_copy,
    view_as_complex_copy,
    view_as_real_copy,
    view_copy,
)
from wengert.functions.counting import bincount, histc, histogram, histogramdd, unique, unique_consecutive
from wengert.functions.create import (
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from wengert.functions.cumulative import (
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_trapezoid,
    diff,
    logcumsumexp,
    trapezoid,
    trapz,
)
from wengert.functions.data import (
    as_tensor,
    asarray,
    clone,
    from_dlpack,
    from_numpy,
    frombuffer,
    is_tensor,
    scalar_tensor,
    tensor,
)
from wengert.functions.einsum import einsum
from wengert.functions.elementwise import (
    abs,
    absolute,
    acos,
    acosh,
    add,
    addcdiv,
    addcmul,
    allclose,
    angle,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    ceil,
    clamp,
    clamp_max,
    clamp_min,
    clip,
    complex,
    conj,
    copysign,
    cos,
    cosh,
    deg2rad,
    digamma,
    div,
    divide,
    eq,
    equal,
    erf,
    erfc,
    erfinv,
    exp,
    exp2,
    expm1,
    fix,
    float_power,
    floor,
    floor_divide,
    fmax,
    fmin,
    fmod,
    frac,
    ge,
    greater,
    greater_equal,
    gt,
    heaviside,
    hypot,
    i0,
    imag,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    isreal,
    le,
    lerp,
    less,
    less_equal,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    logit,
    lt,
    maximum,
    minimum,
    mul,
    multiply,
    nan_to_num,
    ne,
    neg,
    negative,
    nextafter,
    not_equal,
    polar,
    positive,
    pow,
    rad2deg,
    real,
    reciprocal,
    relu,
    remainder,
    round,
    rsqrt,
    rsub,
    sgn,
    sigmoid,
    sign,
    signbit,
    sin,
    sinc,
    sinh,
    sqrt,
    square,
    sub,
    subtract,
    tan,
    tanh,
    true_divide,
    trunc,
    where,
    xlogy,
)
from wengert.functions.elimination import lu, lu_solve, lu_unpack, triangular_solve
from wengert.functions.extremes import amax, amin, aminmax, argmax, argmin, max, min
from wengert.functions.join import (
    cat,
    column_stack,
    concat,
    concatenate,
    dstack,
    hstack,
    repeat_interleave,
    row_stack,
    stack,
    tile,
    vstack,
)
from wengert.functions.layout import is_complex, is_floating_point, is_nonzero, is_same_size, numel
from wengert.functions.legacy import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)
from wengert.functions.masks import argwhere, masked_fill, masked_scatter, masked_select, nonzero, nonzero_static
from wengert.functions.matrices import (
    cholesky,
    cholesky_inverse,
    cholesky_solve,
    det,
    inverse,
    logdet,
    pinverse,
    qr,
    slogdet,
    svd,
)
from wengert.functions.multilinear import chain_matmul, cross, kron, matrix_power, tensordot, trace
from wengert.functions.norms import cdist, dist, norm, pdist, renorm
from wengert.functions.numbers import conj_physical, frexp, gcd, gradient, lcm, ldexp
from wengert.functions.order import adjoint, moveaxis, movedim, permute, swapaxes, swapdims, t, transpose
from wengert.functions.overwrite import diagonal_scatter, fill, fill_, narrow_copy, select_scatter, slice_scatter, zero_
from wengert.functions.parts import (
    as_strided,
    as_strided_,
    as_strided_scatter,
    diagonal,
    narrow,
    select,
    view_as_complex,
    view_as_real,
)
from wengert.functions.patterns import (
    block_diag,
    cartesian_prod,
    combinations,
    diag,
    diag_embed,
    diagflat,
    meshgrid,
    tril,
    tril_indices,
    triu,
    triu_indices,
    vander,
)
from wengert.functions.pieces import (
    chunk,
    dsplit,
    hsplit,
    split,
    split_with_sizes,
    tensor_split,
    unbind,
    unsafe_chunk,
    unsafe_split,
    unsafe_split_with_sizes,
    vsplit,
)
from wengert.functions.platform import (
    are_deterministic_algorithms_enabled,
    compiled_with_cxx11_abi,
    get_default_device,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_conj,
    is_deterministic_algorithms_warn_only_enabled,
    is_distributed,
    is_inference,
    is_neg,
    is_signed,
    is_storage,
    is_warn_always_enabled,
    set_default_device,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from wengert.functions.pooling import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d_with_indices as adaptive_max_pool1d,
    avg_pool1d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool3d,
)
from wengert.functions.products import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    dot,
    ger,
    inner,
    matmul,
    mm,
    mv,
    outer,
    vdot,
)
from wengert.functions.put import index_put, index_put_, put, take, take_along_dim, unravel_index
from wengert.functions.quantiles import median, mode, nanmedian, nanquantile, quantile
from wengert.functions.random import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from wengert.functions.ranges import arange, eye, linspace, logspace
from wengert.functions.recurrent import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from wengert.functions.reduce import (
    all,
    any,
    count_nonzero,
    log_softmax,
    logsumexp,
    mean,
    nanmean,
    nansum,
    prod,
    softmax,
    sum,
)
from wengert.functions.sampling import bernoulli, binomial, multinomial, normal, poisson
from wengert.functions.scatter import (
    gather,
    index_add,
    index_copy,
    index_fill,
    index_reduce,
    index_select,
    scatter,
    scatter_add,
    scatter_reduce,
)
from wengert.functions.seeds import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from wengert.functions.shape import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    flatten,
    ravel,
    reshape,
    squeeze,
    unflatten,
    unsqueeze,
)
from wengert.functions.shuffle import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from wengert.functions.sort import argsort, bucketize, isin, kthvalue, msort, searchsorted, sort, topk
from wengert.functions.special import igamma, igammac, mvlgamma, polygamma
from wengert.functions.spectra import geqrf, matrix_exp, orgqr, ormqr, pca_lowrank, svd_lowrank
from wengert.functions.spectrum import istft, stft
from wengert.functions.statistics import corrcoef, cov, std, std_mean, var, var_mean
from wengert.functions.tapers import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window
from wengert.functions.turn import flip, fliplr, flipud, roll, rot90
from wengert.functions.types import (
    channels_last,
    contiguous_format,
    finfo,
    iinfo,
    preserve_format,
    result_type,
    strided,
    typename,
)
from wengert.runtime.flush import flush
from wengert.runtime.threads import get_num_threads, set_num_threads
from wengert.tensors.device import device
from wengert.tensors.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from wengert.tensors.printing import set_printoptions
from wengert.tensors.tensor import Size, Tensor
from wengert.version import __version__

# These are modules of their own to a program: `import wengert.fft`, `from wengert.linalg import inv`.
_modules.update(
    {f"wengert.{_part.__name__.rpartition('.')[2]}": _part for _part in (fft, linalg, masked, signal, special)}
)
_modules["wengert.signal.windows"] = signal.windows

# Loaded when they are first named: a program that only takes a derivative starts without them.
_LATER = (
    "accelerator", "amp", "compiler", "cpu", "cuda", "datasets", "distributed", "distributions", "func",
    "mps", "multiprocessing", "nn", "onnx", "optim", "profiler", "quasirandom", "saving", "serialization", "testing", "types",
    "utils", "xpu",
)  # fmt: skip
_AUTOCAST = ("autocast", "is_autocast_available", "is_autocast_enabled", "get_autocast_dtype", "set_autocast_dtype")
_RECURRENCES = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_IN_LATER = {
    "vmap": "func", "compile": "compiler", "save": "saving", "load": "saving", "GradScaler": "amp",
    "is_anomaly_enabled": "autograd.anomaly", **dict.fromkeys(_AUTOCAST, "amp"),
    **dict.fromkeys(_RECURRENCES, "nn.recurrences"),
}  # fmt: skip


# In-place methods that are functions too: `wengert.relu_(x)`.
_IN_PLACE = frozenset(
    """
    abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ ceil_ clamp_
    clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ detach_ erf_ erfc_ exp2_ exp_ expm1_ fix_ floor_ frac_
    gcd_ i0_ lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_ rad2deg_ reciprocal_ relu_ round_
    rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ xlogy_
    """.split()
)
# What `nn.outside` has: layers' functions that also stand here.
_OF_LAYERS = frozenset(
    """
    adaptive_avg_pool1d adaptive_max_pool1d affine_grid_generator alpha_dropout alpha_dropout_ avg_pool1d batch_norm
    bilinear binary_cross_entropy_with_logits celu celu_ constant_pad_nd convolution cosine_embedding_loss
    cosine_similarity ctc_loss dropout dropout_ embedding feature_alpha_dropout feature_alpha_dropout_ grid_sampler
    grid_sampler_2d grid_sampler_3d group_norm hardshrink hinge_embedding_loss instance_norm kl_div layer_norm
    margin_ranking_loss max_pool1d max_pool2d max_pool3d native_batch_norm native_group_norm native_layer_norm
    pairwise_distance poisson_nll_loss prelu rms_norm rrelu rrelu_ selu selu_ threshold threshold_ triplet_margin_loss
    """.split()
)
newaxis = None


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        return _import_module(f"wengert.{name}")
    if name == "_dynamo":  # where PyTorch's programs find `reset` and `config`
        return _import_module("wengert.compiler")
    if name == "_standard_gamma":  # PyTorch has it here
        return _import_module("wengert.distributions.utils").standard_gamma
    if name in _IN_LATER:
        return getattr(_import_module(f"wengert.{_IN_LATER[name]}"), name)
    if name in _IN_PLACE:
        return getattr(Tensor, name)
    if name in _OF_LAYERS:
        outside = _import_module("wengert.nn.outside")
        return getattr(outside.functional if name in outside.SAME else outside, name)
    raise _AbsentAttribute(f"module 'wengert' has no attribute {name!r}", name=name, obj=_modules[__name__])


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER, *_IN_LATER, *_IN_PLACE, *_OF_LAYERS])
