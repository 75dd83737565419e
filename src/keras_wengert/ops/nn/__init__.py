"""Neural-network operations: `keras.ops.nn` on wengert."""

from keras_wengert.ops.nn.activations import *  # noqa: F403
from keras_wengert.ops.nn.attention import dot_product_attention
from keras_wengert.ops.nn.convolutions import *  # noqa: F403
from keras_wengert.ops.nn.decoding import ctc_decode
from keras_wengert.ops.nn.losses import (
    batch_normalization,
    binary_crossentropy,
    categorical_crossentropy,
    ctc_loss,
    moments,
    psnr,
    sparse_categorical_crossentropy,
)
