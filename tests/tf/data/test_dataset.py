"""What a data set is to a program: lazy, iterable again and again, of any structure; wrong input gets TensorFlow's errors."""

from __future__ import annotations

import warnings
from collections import namedtuple

import numpy as np
import pytest

import wengert
import wengert.tf as tf

Dataset = tf.data.Dataset


def pairs(n=10):
    return Dataset.from_tensor_slices((np.arange(3.0 * n, dtype="f").reshape(n, 3), np.arange(n)))


def values(dataset):
    return [np.asarray(element).tolist() for element in dataset.as_numpy_iterator()]


def test_nothing_runs_before_it_is_asked_for():
    calls = []

    def generate():
        calls.append(1)
        yield 1.0

    dataset = Dataset.from_generator(generate, output_signature=tf.TensorSpec([], tf.float32)).map(lambda x: x * 2.0).batch(1)
    assert calls == []
    assert [values(dataset), values(dataset)] == [[[2.0]], [[2.0]]] and calls == [1, 1]


def test_elements_are_tensors_and_numpy_elements_are_the_programs_own():
    image, label = next(iter(pairs().batch(4)))
    assert isinstance(image, tf.Tensor) and image.shape == (4, 3) and label.dtype == tf.int64
    own = next(pairs().batch(4).as_numpy_iterator())[0]
    own[:] = -1
    assert next(pairs().batch(4).as_numpy_iterator())[0].min() == 0
    assert type(next(Dataset.range(1).as_numpy_iterator())) is np.int64


def test_arrays_are_copied_when_the_pipeline_is_made():
    array = np.zeros(3)
    dataset = Dataset.from_tensor_slices(array)
    array[:] = 1
    assert values(dataset) == [0.0, 0.0, 0.0]


def test_named_tuples_and_nothing_keep_their_place():
    Pair = namedtuple("Pair", "x y")
    element = next(iter(Dataset.from_tensor_slices(Pair([1, 2], [3, 4])).batch(2)))
    assert type(element) is Pair and element.y.numpy().tolist() == [3, 4]
    assert next(iter(Dataset.range(2).map(lambda x: (x, None)).batch(2)))[1] is None


def test_a_pipeline_inside_a_tape_is_not_recorded():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = next(iter(Dataset.from_tensors(3.0).map(lambda v: v * x)))
        z = x * y
    assert tape.gradient(z, x).numpy() == 6.0 and not y.requires_grad


def test_iterator_ends_as_tensorflows_does():
    iterator = iter(Dataset.range(1))
    assert iterator.get_next().numpy() == 0
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        iterator.get_next()
    with pytest.raises(StopIteration):
        next(iterator)
    assert not iterator.get_next_as_optional().has_value()
    assert iter(Dataset.range(1)).get_next_as_optional().get_value().numpy() == 0


def test_length_and_truth():
    assert len(pairs().batch(3)) == 4 and bool(Dataset.range(0))
    with pytest.raises(TypeError, match="infinite"):
        len(pairs().repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(Dataset.range(3).filter(lambda x: x > 0))


def test_representation_is_tensorflows():
    spec = "TensorSpec(shape=(None,), dtype=tf.int64, name=None)"
    assert repr(Dataset.range(3).batch(2)) == f"<_BatchDataset element_spec={spec}>"
    spec = "DatasetSpec(TensorSpec(shape=(), dtype=tf.int64, name=None), TensorShape([]))"
    assert repr(Dataset.range(3).window(2).element_spec) == spec


def test_reduce_and_single_elements():
    assert Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x).numpy() == 10
    assert Dataset.range(4).batch(4).get_single_element().numpy().tolist() == [0, 1, 2, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one element"):
        Dataset.range(2).get_single_element()


def test_samples_follow_the_weights():
    dataset = Dataset.sample_from_datasets([Dataset.range(1).repeat(), Dataset.range(1, 2).repeat()], [0.2, 0.8], seed=1)
    share = np.mean(values(dataset.take(2000)))
    assert 0.77 < share < 0.83
    assert sorted(values(Dataset.sample_from_datasets([Dataset.range(3), Dataset.range(3, 5)], seed=1))) == [0, 1, 2, 3, 4]


def test_cache_computes_once():
    calls = []

    def note(x):
        calls.append(1)
        return x * float(x.numpy() > 0)  # a value is asked for, so that rows come one by one

    dataset = Dataset.from_tensor_slices(np.arange(4.0, dtype="f")).map(note).cache()
    first = values(dataset.shuffle(4).batch(3))
    count = len(calls)
    assert sorted(first[0] + first[1]) == [0, 1, 2, 3] and values(dataset) == [0, 1, 2, 3] and len(calls) == count


def test_asserted_cardinality_is_checked():
    dataset = Dataset.range(3).apply(tf.data.experimental.assert_cardinality(4))
    assert len(dataset) == 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to contain 4 elements but contained 3"):
        values(dataset)


def test_errors_can_be_let_go():
    def inverse(x):
        if x == 2:
            raise tf.errors.InvalidArgumentError(None, None, "two")
        return x

    assert values(Dataset.range(4).map(inverse).ignore_errors()) == [0, 1, 3]


def signature(*shape):
    return tf.TensorSpec(shape, tf.int32)


INVALID, DATA_LOSS = tf.errors.InvalidArgumentError, tf.errors.DataLossError
WRONG = {
    "lengths": (lambda: Dataset.from_tensor_slices((np.zeros(3), np.zeros(4))), ValueError, "3 and 4 are not compatible"),
    "scalar": (lambda: Dataset.from_tensor_slices(3), ValueError, "rank >= 1"),
    "ragged": (lambda: Dataset.from_tensor_slices([[1, 2], [3]]), ValueError, "non-rectangular"),
    "no batch": (lambda: pairs().batch(0), INVALID, "greater than zero"),
    "no number": (lambda: pairs().batch("a"), TypeError, "'a'"),
    "no buffer": (lambda: pairs().shuffle(0), INVALID, "buffer_size"),
    "shard": (lambda: pairs().shard(2, 2), INVALID, "between 0 and 1"),
    "shapes": (lambda: values(Dataset.range(3).map(lambda x: np.zeros(int(x))).batch(2)), INVALID, "component 0"),
    "generator's shape": (
        lambda: values(Dataset.from_generator(lambda: [[1]], output_signature=signature(2))), INVALID, "shape"
    ),
    "generator's dtype": (
        lambda: values(Dataset.from_generator(lambda: [["a"]], output_signature=signature(1))), INVALID, "converted"
    ),
    "generator's form": (
        lambda: values(Dataset.from_generator(lambda: [(1, 2)], output_signature=(signature(),) * 3)), INVALID, "structure"
    ),
    "no generator": (lambda: Dataset.from_generator(3, tf.int32), TypeError, "callable"),
    "no signature": (lambda: Dataset.from_generator(lambda: [1]), TypeError, "output_signature"),
    "no function": (lambda: pairs().map(3), ValueError, "must be a callable"),
    "arguments": (lambda: values(pairs().map(lambda x: x)), TypeError, "1 positional argument but 2"),
    "no predicate": (lambda: values(Dataset.range(3).filter(lambda x: x)), ValueError, "tf.bool"),
    "no data set": (lambda: values(Dataset.range(3).flat_map(lambda x: x)), TypeError, "must return a `Dataset`"),
    "zip": (lambda: Dataset.zip(3), TypeError, "Inputs are expected"),
    "unlike": (lambda: pairs().concatenate(Dataset.range(3)), TypeError, "Incompatible dataset elements"),
    "state": (lambda: Dataset.range(2).reduce(np.int64(0), lambda s, x: tf.constant(1.0)), TypeError, "element types"),
    "unbatch": (lambda: Dataset.range(3).unbatch(), ValueError, "scalar components"),
    "step": (lambda: Dataset.range(0, 5, 0), INVALID, "non-zero"),
    "padding": (lambda: Dataset.range(3).padded_batch(2, padding_values=-1.5), TypeError, "padding_values"),
    "padded too small": (
        lambda: values(Dataset.range(1, 4).map(lambda x: np.zeros(int(x))).padded_batch(3, [2])), DATA_LOSS, "smaller size"
    ),
    "strings": (lambda: Dataset.from_tensor_slices(["a", "b"]), ValueError, "unsupported type|strings"),
    "an option": (lambda: setattr(tf.data.Options(), "deterministics", True), AttributeError, "deterministics"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_an_error(name):
    call, kind, text = WRONG[name]
    with pytest.raises(kind, match=text):
        call()


def test_functions_of_rows_are_computed_for_whole_batches():
    calls = []

    def scaled(x, y):
        calls.append(1)
        return x * 2.0, y + 1

    dataset = pairs(64).map(scaled).shuffle(64, seed=1).batch(16)
    for _ in range(3):
        images, labels = next(dataset.as_numpy_iterator())
        np.testing.assert_array_equal(images[:, 0], 6.0 * (labels - 1))
    assert len(calls) <= 3


def test_random_functions_draw_for_each_row():
    rows = next(Dataset.from_tensor_slices(np.zeros(8, "f")).map(lambda x: x + wengert.rand(())).batch(8).as_numpy_iterator())
    assert len(set(rows.tolist())) == 8


def test_a_function_of_elements_is_compiled_for_all_rows():
    data = tf.data.Dataset.from_tensor_slices((np.ones((40, 3), "f"), np.arange(40) % 4))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        batches = list(data.map(lambda x, y: {"x": x / 2.0, "y": tf.one_hot(y, 4)}).batch(8))
    assert not said and len(batches) == 5 and batches[0]["y"].numpy().tolist() == np.eye(4)[np.arange(8) % 4].tolist()
