"""Helpers around parameters: clipping gradients, one vector of all, parametrizations, pruning, fusion; and `rnn`, packed
sequences."""

from wengert.nn.utils import fusion, parametrizations, parametrize, prune, rnn, stateless
from wengert.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from wengert.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from wengert.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from wengert.nn.utils.normalized import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from wengert.nn.utils.skip import skip_init

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "fuse_conv_bn_eval", "fuse_conv_bn_weights",
    "fuse_linear_bn_eval", "fuse_linear_bn_weights", "fusion", "get_total_norm", "parameters_to_vector",
    "parametrizations", "parametrize", "prune", "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init",
    "spectral_norm", "stateless", "vector_to_parameters", "weight_norm",
]  # fmt: skip
