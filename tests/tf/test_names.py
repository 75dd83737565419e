"""TensorFlow's names, and the names and order of their arguments, in the namespaces of operations."""

from __future__ import annotations

import pytest

import wengert.tf as tf
from tests.tf.names import arguments, missing, stored
from tests.tf.sampling import function_of

SPACES = ("math", "math.special", "linalg", "nn", "random", "random.experimental", "image", "signal", "bitwise", "debugging")

# What is not there yet, and is not out of scope: each of these should become fewer.
NOT_YET = {
    "debugging.disable_check_numerics", "debugging.enable_check_numerics",
    "image.combined_non_max_suppression", "image.draw_bounding_boxes", "image.extract_glimpse",
    "image.generate_bounding_box_proposals", "image.non_max_suppression_padded", "image.sample_distorted_bounding_box",
    "image.stateless_sample_distorted_bounding_box", "nn.RNNCellDeviceWrapper",
    "nn.RNNCellDropoutWrapper", "nn.RNNCellResidualWrapper", "nn.depthwise_conv2d_backprop_filter",
    "nn.depthwise_conv2d_backprop_input", "nn.fractional_avg_pool", "nn.fractional_max_pool", "nn.isotonic_regression",
    "nn.with_space_to_batch", "random.experimental.index_shuffle",
}  # fmt: skip


def test_no_name_of_an_operation_is_missing_unless_it_is_known_to_be():
    absent = {name for name in missing(tf) if name.rpartition(".")[0] in SPACES}
    assert absent <= NOT_YET


def without_name(names):
    return [name for name in names if name not in ("name", "layout", "args", "kwargs", "indexing")]


@pytest.mark.parametrize("space", ["", *SPACES])
def test_arguments_have_tensorflow_s_names_in_tensorflow_s_order(space):
    differ = []
    for name, theirs in stored()[space].items():
        if not space and not tf.HOME.get(name, "").startswith("ops."):
            continue
        try:
            ours = arguments(function_of(tf, f"{space}.{name}" if space else name))
        except AttributeError:
            continue
        if theirs is not None and ours is not None and without_name(theirs) != without_name(ours):
            differ.append((name, theirs, ours))
    assert not differ
