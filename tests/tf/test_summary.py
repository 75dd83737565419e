"""tf.summary: what is written is what TensorBoard's own reader finds."""

from __future__ import annotations

import pytest

import wengert.tf as tf

pytest.importorskip("tensorboard")


@pytest.fixture
def read(tmp_path):
    """Open a writer, and read what was written."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def reader():
        found = EventAccumulator(str(tmp_path))
        found.Reload()
        return found

    return tf.summary.create_file_writer(tmp_path), reader


def test_numbers_have_the_step_and_the_scope_of_their_place(read):
    writer, reader = read
    with writer.as_default(step=3), tf.name_scope("train"):
        assert tf.summary.scalar("loss", tf.constant(0.5))
        assert tf.summary.scalar("loss", 0.25, step=tf.constant(4, tf.int64))
    assert [(e.step, e.value) for e in reader().Scalars("train/loss")] == [(3, 0.5), (4, 0.25)]


def test_summaries_of_a_compiled_function_are_written_in_every_call(read):
    writer, reader = read
    step = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def square(x):
        tf.summary.scalar("square", x * x, step=step)
        step.assign_add(1)
        return x

    with writer.as_default():
        for number in (1.0, 2.0, 3.0):
            square(tf.constant(number))
    assert [(e.step, e.value) for e in reader().Scalars("square")] == [(0, 1.0), (1, 4.0), (2, 9.0)]


def test_pictures_distributions_and_text(read):
    writer, reader = read
    with writer.as_default(step=1):
        assert tf.summary.histogram("weights", tf.range(10.0), buckets=5)
        assert tf.summary.image("pictures", tf.zeros([5, 4, 3, 1]), max_outputs=2)
        assert tf.summary.image("picture", tf.ones([1, 4, 3, 3], tf.uint8))
        assert tf.summary.text("words", "hello")
    tags = reader().Tags()
    assert tags["images"] == ["pictures/0", "pictures/1", "picture"] and tags["histograms"] == ["weights"]
    assert tags["tensors"] == ["words/text_summary"]
    picture = reader().Images("pictures/0")[0]
    assert (picture.height, picture.width, picture.step) == (4, 3, 1)
    histogram = reader().Histograms("weights")[0].histogram_value
    assert (histogram.num, histogram.sum, histogram.max) == (10, 45, 9)


def test_nothing_is_written_without_a_writer_or_where_the_condition_does_not_hold(read):
    writer, reader = read
    assert not tf.summary.scalar("loss", 1.0, step=1) and not tf.summary.should_record_summaries()
    with tf.summary.create_noop_writer().as_default(step=1):
        assert not tf.summary.scalar("loss", 1.0)
    with writer.as_default(step=1):
        with tf.summary.record_if(lambda: tf.constant(False)):
            assert not tf.summary.scalar("loss", 1.0)
        assert tf.summary.should_record_summaries()
    assert reader().Tags()["scalars"] == []


def test_what_is_wrong_is_said(read):
    writer, _ = read
    with writer.as_default():
        assert tf.summary.experimental.get_step() is None
        with pytest.raises(ValueError, match="No step set"):
            tf.summary.scalar("loss", 1.0)
        with pytest.raises(ValueError, match="one number"):
            tf.summary.scalar("loss", [1.0, 2.0], step=1)
        with pytest.raises(ValueError, match="height, width"):
            tf.summary.image("picture", tf.ones([4, 4]), step=1)
        with pytest.raises(TypeError, match="text is wanted"):
            tf.summary.write("tag", 1.0, step=1)


def test_kerass_callback_writes_its_curves(tmp_path):
    """It imports TensorFlow, so it is asked in a program that runs as one."""
    import subprocess
    import sys

    program = tmp_path / "program.py"
    program.write_text(
        "import tensorflow as tf\n"
        "model = tf.keras.Sequential([tf.keras.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        f"callback = tf.keras.callbacks.TensorBoard({str(tmp_path)!r}, histogram_freq=1)\n"
        "model.fit(tf.ones([4, 2]), tf.ones([4, 1]), epochs=2, verbose=0, callbacks=[callback])\n"
    )
    done = subprocess.run([sys.executable, "-m", "wengert", "run", str(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path / "train"))
    found.Reload()
    assert [e.step for e in found.Scalars("epoch_loss")] == [0, 1]
    assert "keras" in found.Tags()["tensors"]
