"""What the operations refuse: TensorFlow's kind of error for the same call. A call is a text, so that it can be made on
either library; what is wrong may be found when the value is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert.tf as tf

# Error -> calls; `c` is `tf.constant`.
REFUSED: dict[str, list[str]] = {
    "InvalidArgumentError": [
        "tf.debugging.assert_equal(c([1, 2]), c([1, 3]))",
        "tf.debugging.assert_none_equal(c([1, 2]), c([1, 3]))",
        "tf.debugging.assert_less(c(2), 1)",
        "tf.debugging.assert_less_equal(c(2), 1)",
        "tf.debugging.assert_greater(c(1), 1)",
        "tf.debugging.assert_greater_equal(c(0), 1)",
        "tf.debugging.assert_near(c(1.0), c(1.1))",
        "tf.debugging.assert_positive(c([1, 0]))",
        "tf.debugging.assert_negative(c([-1, 0]))",
        "tf.debugging.assert_non_negative(c([1, -1]))",
        "tf.debugging.assert_non_positive(c([-1, 1]))",
        "tf.debugging.Assert(c(False), [c(1)])",
        "tf.debugging.check_numerics(c([np.nan]), 'here')",
        "tf.debugging.assert_all_finite(c([np.inf]), 'here')",
        "tf.add(1, c(2.0))",
        "tf.add(c(2), 1.5)",
        "tf.equal(c(1), c(1.0))",
        "tf.exp(c(1))",
        "tf.sqrt(4)",
        "tf.math.floordiv(c(5), c(0))",
        "tf.math.mod(c(5), c(0))",
        "tf.pow(c(2), c(-1))",
        "tf.nn.softmax(c([1, 2]))",
        "tf.reduce_sum(c([True]))",
        "tf.reduce_sum(c([1.0]), axis=3)",
        "tf.reduce_sum(c([[1.0]]), axis=[0, 0])",
        "tf.reduce_all(c([1, 2]))",
        "tf.matmul(c([1.0]), c([1.0]))",
        "tf.matmul(c([[1.0, 2.0]]), c([[1.0, 2.0]]))",
        "tf.matmul(c([[1]]), c([[1.0]]))",
        "tf.add(c([1.0, 2.0]), c([1.0, 2.0, 3.0]))",
        "tf.reshape(c([1.0, 2.0, 3.0]), [2, 2])",
        "tf.reshape(c([1.0, 2.0, 3.0]), [2, -1])",
        "tf.squeeze(c([[1.0, 2.0]]), 1)",
        "tf.expand_dims(c([1.0]), 4)",
        "tf.transpose(c([[1.0]]), [0, 0])",
        "tf.transpose(c([[1.0]]), [0])",
        "tf.concat([c([1]), c([2.0])], 0)",
        "tf.concat([c([[1]]), c([[2, 3]])], 0)",
        "tf.stack([c([1]), c([1, 2])])",
        "tf.where(c([True]), c(1), c(2.0))",
        "tf.where(c([1]), c(1), c(2))",
        "tf.gather([1, 2, 3], 5.0)",
        "tf.gather([1, 2, 3], [5])",
        "tf.gather([1, 2, 3], [-1])",
        "tf.gather_nd([[1, 2]], [[0, 5]])",
        "tf.one_hot(c([0.0]), 3)",
        "tf.one_hot([0], -1)",
        "tf.split(c([1, 2, 3]), 2)",
        "tf.split(c([1, 2, 3]), [1, 1])",
        "tf.tile(c([1]), [1, 2])",
        "tf.pad(c([[1, 2]]), [[1, 1]])",
        "tf.pad(c([1, 2]), [[3, 1]], 'REFLECT')",
        "tf.slice(c([1, 2, 3]), [2], [5])",
        "tf.scatter_nd([[5]], [1], [3])",
        "tf.scatter_nd([[0]], [1, 2], [3])",
        "tf.tensor_scatter_nd_add(c([1.0]), [[0]], c([1]))",
        "tf.unique(c([[1]]))",
        "tf.range(1, 5, 0)",
        "tf.range(5, 1)",
        "tf.zeros([-1])",
        "tf.clip_by_norm(c([1]), 1)",
        "tf.argmax(c([1]), axis=2)",
        "tf.math.top_k(c([1, 2]), 5)",
        "tf.math.segment_sum(c([1, 2]), c([1, 0]))",
        "tf.math.bincount(c([-1]))",
        "tf.math.confusion_matrix([1, 5], [1, 0], num_classes=2)",
        "tf.math.in_top_k(c([0]), c([[1, 2]]), 1)",
        "tf.logical_and(c(1), c(0))",
        "tf.bitwise.invert(c(1.0))",
        "tf.linalg.inv(c([[1.0, 1.0], [1.0, 1.0]]))",
        "tf.linalg.inv(c([[1.0, 1.0]]))",
        "tf.linalg.inv(c([[1, 1], [0, 1]]))",
        "tf.linalg.solve(c([[1.0]]), c([1.0]))",
        "tf.linalg.logm(c([[1.0]]))",
        "tf.norm(c([1, 2]))",
        "tf.einsum('ij,jk->ik', c([[1.0]]), c([1.0]))",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1.0], logits=[[1.0, 2.0]])",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[2], logits=[[1.0, 2.0]])",
        "tf.nn.softmax_cross_entropy_with_logits(labels=[[1, 2, 3]], logits=[[1.0, 2.0]])",
        "tf.nn.softmax_cross_entropy_with_logits(labels=[[1, 0]], logits=c([[1, 2]]))",
        "tf.nn.conv2d(c(np.ones((1, 3, 3, 2), 'f')), c(np.ones((2, 2, 3, 1), 'f')), 1, 'VALID')",
        "tf.nn.conv2d(c(np.ones((1, 3, 3, 2), 'f')), c(np.ones((2, 2, 2, 1), 'f')), 1, 'OTHER')",
        "tf.nn.conv2d(c(np.ones((3, 3, 2), 'f')), c(np.ones((2, 2, 2, 1), 'f')), 1, 'VALID')",
        "tf.nn.conv2d(c(np.ones((1, 3, 3, 2), 'f')), c(np.ones((2, 2, 2, 1), 'd')), 1, 'VALID')",
        "tf.nn.bias_add(c([[1.0, 2.0]]), c([1.0]))",
        "tf.nn.max_pool2d(c([1.0]), 2, 1, 'SAME')",
        "tf.nn.embedding_lookup(c([[1.0]]), c([0.5]))",
        "tf.nn.embedding_lookup(c([[1.0]]), c([3]))",
        "tf.nn.depth_to_space(c(np.ones((1, 2, 2, 3), 'f')), 2)",
        "tf.signal.fft(c([1.0]))",
        "tf.image.rgb_to_grayscale(c(np.ones((2, 2, 1))))",
        "tf.random.uniform([2], 5, 3, dtype=tf.int32)",
        "tf.random.categorical(c([1.0]), 2)",
        "tf.random.stateless_normal([2], [1])",
        "tf.image.adjust_hue(c(np.ones((2, 2, 1), 'f')), 0.1)",
        "tf.linspace(0.0, 1.0, -1)",
        "tf.linalg.matvec(c([[2]]), [1.5])",
        "tf.tensordot(c([[2]]), [[1.5]], 1)",
        "tf.nn.avg_pool2d(c(np.ones((1, 3, 3, 2), 'f')), 2, 1, 'OTHER')",
    ],
    "TypeError": [
        "tf.debugging.assert_integer(c(1.0))",
        "tf.debugging.assert_type(c(1.0), 'int32')",
        "tf.debugging.assert_proper_iterable(c([1.0]))",
        "tf.maximum(c(2), 1.5)",
        "tf.divide(c(1), c(1.0))",
        "tf.truediv(c(1), c(1.0))",
        "tf.math.reduce_std(c([1, 2]))",
        "tf.concat([[1], [2.0]], 0)",
        "tf.stack([c(1), 2.0])",
        "tf.clip_by_value(c(1), 0.5, 2)",
        "tf.logical_and(1, 0)",
        "tf.random.normal([2], dtype=tf.int32)",
        "tf.subtract(c(2), 1.5)",
        "tf.pow(c(2), 1.5)",
        "tf.math.floordiv(c(2), 1.5)",
    ],
    "ValueError": [
        "tf.debugging.assert_rank(c([1]), 2)",
        "tf.debugging.assert_rank_at_least(c([1]), 2)",
        "tf.debugging.assert_rank_in(c([1]), [0, 2])",
        "tf.debugging.assert_scalar(c([1]))",
        "tf.debugging.assert_shapes([(c([1]), ('N', 2))])",
        "tf.debugging.assert_shapes([(c([1]), ('N',)), (c([1, 2]), ('N',))])",
        "tf.debugging.assert_same_float_dtype([c(1.0), c(1.0, tf.float64)])",
        "tf.math.accumulate_n([c([1]), c([1, 2])])",
        "tf.where(c([True]), 1, None)",
        "tf.pad(c([1, 2]), [[1, 1]], 'OTHER')",
        "tf.boolean_mask(c([1, 2]), c([True]))",
        "tf.boolean_mask(c([1, 2]), c(True))",
        "tf.sort(c([1]), direction='UP')",
        "tf.math.polyval(c([1.0]), 2.0)",
        "tf.norm(c([1.0]), ord='fro')",
        "tf.norm(c([1.0]), ord=-1)",
        "tf.tensordot(c([1.0]), c([1.0]), [[0], [0, 0]])",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[1]], logits=[[1.0, 2.0]])",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1, 0], logits=[[1.0, 2.0]])",
        "tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0], logits=[[1.0, 2.0]])",
        "tf.nn.dropout(c([1]), 0.5)",
        "tf.nn.dropout(c([1.0]), 1.5)",
        "tf.nn.gelu(c([1]))",
        "tf.signal.rfft(c([1]))",
        "tf.signal.dct(c([1.0]), type=5)",
        "tf.image.resize(c([1.0]), [2, 2])",
        "tf.image.resize(c(np.ones((2, 2, 1))), [2, 2], 'other')",
        "tf.image.central_crop(c(np.ones((2, 2, 1))), 1.5)",
        "tf.image.crop_to_bounding_box(c(np.ones((2, 2, 1))), 1, 1, 5, 5)",
        "tf.random.uniform([2], dtype=tf.int32)",
        "tf.einsum('ij,jk->ii2', c([[2]]), c([[1]]))",
        "tf.einsum('ij->i', c([[2]]), c([[1]]))",
        "tf.image.grayscale_to_rgb(c(np.ones((2, 2, 3))))",
        "tf.signal.irfft(c([1.0]))",
    ],
    "UnimplementedError": [
        "tf.cast('a', tf.float32)",
    ],
}
CASES = [(kind, call) for kind, calls in REFUSED.items() for call in calls]


def attempt(library: Any, call: str) -> None:
    """Make a call and ask for its value."""
    result = eval(call, {"tf": library, "c": library.constant, "np": np})
    for part in result if isinstance(result, (list, tuple)) else [result]:
        np.asarray(part)


HOLD = """
tf.debugging.assert_equal(c([1, 2]), [1, 2])
tf.debugging.assert_none_equal(c([1, 2]), [2, 3])
tf.debugging.assert_less(c(1), 2)
tf.debugging.assert_near(c(1.0), c(1.1), atol=0.2)
tf.debugging.assert_positive(c([1, 2]))
tf.debugging.assert_integer(c(1))
tf.debugging.assert_type(c(1.0), tf.float32)
tf.debugging.assert_rank(c([1]), 1)
tf.debugging.assert_rank_in(c([1]), (0, 1))
tf.debugging.assert_shapes([(c([[1]]), ("N", "N")), (c([1.0, 2.0]), (2,)), (c([[[1]]]), ("...", 1))])
tf.debugging.assert_proper_iterable([1])
tf.debugging.Assert(True, [])
""".strip().splitlines()


@pytest.mark.parametrize("call", HOLD)
def test_assertions_that_hold_say_nothing(call):
    assert eval(call, {"tf": tf, "c": tf.constant}) is None


def test_assertions_that_hand_on_what_they_checked():
    assert tf.debugging.check_numerics([1.0], "here").numpy().tolist() == [1.0]
    assert tf.debugging.assert_same_float_dtype([tf.constant(1.0)]) is tf.float32
    assert tf.debugging.is_numeric_tensor(tf.constant(1))
    assert not tf.debugging.is_numeric_tensor([1])


def kind_of(library: Any, name: str) -> Any:
    return getattr(library.errors, name, None) or {"TypeError": TypeError, "ValueError": ValueError}[name]


@pytest.mark.parametrize(("kind", "call"), CASES, ids=[call for _, call in CASES])
def test_refused(kind, call):
    with pytest.raises(kind_of(tf, kind)) as caught:
        attempt(tf, call)
    assert str(caught.value)  # there is a word about it


def test_tensorflow_refuses_them_in_the_same_way():
    tensorflow = pytest.importorskip("tensorflow")
    differ = []
    for kind, call in CASES:
        try:
            attempt(tensorflow, call)
        except Exception as error:  # noqa: BLE001  its kind is what is asked
            if not isinstance(error, kind_of(tensorflow, kind)):
                differ.append((call, type(error)))
        else:
            differ.append((call, None))
    assert not differ
