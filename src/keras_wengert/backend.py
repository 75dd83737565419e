"""The names that Keras looks for in a backend."""

from os.path import dirname as _dirname
from types import FunctionType as _FunctionType

import keras.src as _keras_src
from keras.src.backend.common.name_scope import name_scope

from keras_wengert.ops import core, image, linalg, math, nn, numpy, random
from keras_wengert.ops.core import (
    SUPPORTS_COMPLEX_DTYPES,
    SUPPORTS_RAGGED_TENSORS,
    SUPPORTS_SPARSE_TENSORS,
    associative_scan,
    cast,
    compute_output_spec,
    cond,
    convert_to_numpy,
    convert_to_tensor,
    custom_gradient,
    device_scope,
    fori_loop,
    is_tensor,
    random_seed_dtype,
    scan,
    scatter,
    shape,
    stop_gradient,
    switch,
    unstack,
    vectorized_map,
    while_loop,
)
from keras_wengert.ops.rnn import bidirectional_gru, bidirectional_lstm, cudnn_ok, gru, lstm, rnn
from keras_wengert.variable import Variable
from wengert.origin import pass_over as _pass_over
from wengert.settings import settings as _settings

# Whether Keras may run callbacks on another thread after each batch. The values are there when a step ends, so that using
# them at once costs less than handing them over.
IS_THREAD_SAFE = False

_pass_over(_dirname(__file__), _dirname(_dirname(_keras_src.__file__)))  # errors name the program's line, not Keras's

_settings.arrays = "copied"  # Keras and its users take arrays of whatever tensor they have, and never write through them

# Keras's tests compare signatures with those of its own operations, which carry no annotations.
for _chapter in (core, image, linalg, math, nn, numpy, random):
    for _operation in vars(_chapter).values():
        if isinstance(_operation, _FunctionType) and _operation.__module__.startswith("keras_wengert."):
            _operation.__annotations__ = {}
