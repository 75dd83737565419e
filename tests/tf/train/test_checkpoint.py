"""tf.train: what is saved comes back, also into other objects, parts of programs and what is not built yet; errors are
TensorFlow's."""

from __future__ import annotations

import os

import numpy as np
import pytest

import wengert
import wengert.tf as tf
from wengert.saving import safe


class Line(tf.Module):
    def __init__(self, slope=2.0, name=None):
        super().__init__(name=name)
        self.slope = tf.Variable(slope)
        self._offsets = [tf.Variable([1.0, 2.0]), tf.Variable(3, dtype=tf.int64)]
        self.more = {"half": tf.Variable(1.0, dtype=tf.float16), "note": "no variable", "inner": None}


def values(line):
    return [line.slope.numpy(), line._offsets[0].numpy().tolist(), line._offsets[1].numpy(), line.more["half"].numpy()]


def test_every_variable_comes_back_with_its_dtype(tmp_path):
    line = Line()
    path = tf.train.Checkpoint(line=line).write(tmp_path / "a")
    line.slope.assign(5.0)
    line._offsets[0].assign([0.0, 0.0])
    line._offsets[1].assign(2**60)
    line.more["half"].assign(0.0)
    tf.train.Checkpoint(line=line).read(path).assert_consumed()
    assert values(line) == [2.0, [1.0, 2.0], 3, 1.0]
    assert line._offsets[1].numpy() == 3 and line._offsets[1].dtype is tf.int64


def test_the_file_is_one_that_safetensors_readers_read(tmp_path):
    path = tf.train.Checkpoint(line=Line()).write(tmp_path / "a")
    found = safe.load_file(path + ".safetensors")
    assert sorted(found) == [
        "line/_offsets/0/.ATTRIBUTES/VARIABLE_VALUE", "line/_offsets/1/.ATTRIBUTES/VARIABLE_VALUE",
        "line/more/half/.ATTRIBUTES/VARIABLE_VALUE", "line/slope/.ATTRIBUTES/VARIABLE_VALUE",
    ]  # fmt: skip
    assert tf.train.list_variables(path)[0] == ("line/_offsets/0/.ATTRIBUTES/VARIABLE_VALUE", [2])
    assert tf.train.load_variable(path, "line/slope/.ATTRIBUTES/VARIABLE_VALUE") == 2.0
    with pytest.raises(tf.errors.NotFoundError, match="slop"):
        tf.train.load_variable(path, "slop")


def test_a_part_is_found_by_any_way_that_leads_to_it(tmp_path):
    """The variables of `line` are saved under their shortest path, and read by another one."""
    line = Line()
    holder = tf.Module()
    holder.a_line = line
    path = tf.train.Checkpoint(z=holder, a=line).write(tmp_path / "a")
    other = tf.Module()
    other.a_line = Line(0.0)
    tf.train.Checkpoint(z=other).read(path).expect_partial()
    assert other.a_line.slope.numpy() == 2.0


def test_the_parts_of_a_root_are_parts_of_the_checkpoint(tmp_path):
    path = tf.train.Checkpoint(Line()).write(tmp_path / "a")
    fresh = tf.Variable(0.0)
    tf.train.Checkpoint(slope=fresh).read(path)
    assert fresh.numpy() == 2.0


def test_checkpoints_in_checkpoints(tmp_path):
    v, inner = tf.Variable(1.0), tf.train.Checkpoint(v=tf.Variable(2.0))
    path = tf.train.Checkpoint(inner=inner, v=v).save(tmp_path / "a")
    v.assign(0.0)
    inner.v.assign(0.0)
    tf.train.Checkpoint(inner=inner, v=v).restore(path).assert_consumed()
    assert v.numpy() == 1.0 and inner.v.numpy() == 2.0


def test_generators_go_on_where_they_stood(tmp_path):
    generator = tf.random.Generator.from_seed(1)
    generator.normal([2])
    checkpoint = tf.train.Checkpoint(generator=generator)
    path = checkpoint.save(tmp_path / "a")
    after = generator.normal([3]).numpy()
    checkpoint.restore(path)
    assert (generator.normal([3]).numpy() == after).all()


def test_what_has_no_match_is_told(tmp_path):
    v, w = tf.Variable(1.0), tf.Variable(2.0)
    path = tf.train.Checkpoint(v=v, w=w).write(tmp_path / "a")
    status = tf.train.Checkpoint(v=v).read(path)
    status.assert_existing_objects_matched().assert_nontrivial_match().expect_partial()
    with pytest.raises(AssertionError, match="w"):
        status.assert_consumed()
    with pytest.raises(AssertionError, match="other"):
        tf.train.Checkpoint(v=v, other=w).read(path).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="root"):
        tf.train.Checkpoint(other=w).read(path).assert_nontrivial_match()
    with pytest.raises(AssertionError, match="save_path=None"):
        tf.train.Checkpoint(v=v).restore(None).assert_consumed()
    assert tf.train.Checkpoint(v=v).restore(tf.train.latest_checkpoint(tmp_path)).expect_partial() is not None


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="there is no file"):
        tf.train.Checkpoint(v=tf.Variable(1.0)).restore(tmp_path / "none")
    (tmp_path / "theirs.index").write_bytes(b"")
    with pytest.raises(tf.errors.NotFoundError, match="TensorFlow's own"):
        tf.train.Checkpoint(v=tf.Variable(1.0)).restore(tmp_path / "theirs")
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(tmp_path / "a")
    with pytest.raises(ValueError, match=r"incompatible tensor with shape \(2,\).*shape \(3,\)"):
        tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0])).read(path)
    safe.save_file({"x": wengert.ones(1)}, tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="was not written by"):
        tf.train.Checkpoint(v=tf.Variable(1.0)).read(tmp_path / "b")
    for wrong in (object(), 3, None, tf.constant(1.0)):
        with pytest.raises(ValueError, match="expecting v to be a trackable object"):
            tf.train.Checkpoint(v=wrong)


def test_saves_are_counted(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    first, second = checkpoint.save(tmp_path / "a"), checkpoint.save(tmp_path / "a")
    assert [os.path.basename(path) for path in (first, second)] == ["a-1", "a-2"]
    assert tf.train.latest_checkpoint(tmp_path) == second
    again = tf.train.Checkpoint(v=tf.Variable(0.0))
    again.restore(first).assert_consumed()
    assert again.save_counter.numpy() == 1 and again.save(tmp_path / "a") == second


def test_the_manager_keeps_the_latest(tmp_path):
    checkpoint, step = tf.train.Checkpoint(v=tf.Variable(1.0)), tf.Variable(0)
    manager = tf.train.CheckpointManager(checkpoint, tmp_path / "new", max_to_keep=2, checkpoint_name="m")
    assert manager.restore_or_initialize() is None and manager.latest_checkpoint is None and manager.checkpoints == []
    for _ in range(4):
        manager.save()
    assert [os.path.basename(path) for path in manager.checkpoints] == ["m-3", "m-4"]
    assert sorted(os.listdir(tmp_path / "new")) == ["checkpoint", "m-3.safetensors", "m-4.safetensors"]
    assert manager.latest_checkpoint == tf.train.latest_checkpoint(tmp_path / "new") == str(tmp_path / "new" / "m-4")
    later = tf.train.CheckpointManager(checkpoint, tmp_path / "new", 1, None, "m", step_counter=step, checkpoint_interval=5)
    assert later.checkpoints == manager.checkpoints and later.restore_or_initialize() == manager.latest_checkpoint
    assert later.save() is None and later.save(check_interval=False) is not None
    step.assign(5)
    assert later.save(checkpoint_number=7).endswith("-7") and len(os.listdir(tmp_path / "new")) == 2
    state = tf.train.get_checkpoint_state(tmp_path / "new")
    assert state.model_checkpoint_path == later.latest_checkpoint and state.all_model_checkpoint_paths == later.checkpoints


def test_the_manager_keeps_one_of_some_hours(tmp_path):
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(1.0)), tmp_path, 1, keep_checkpoint_every_n_hours=0)
    manager.save(), manager.save()
    assert len(manager.checkpoints) == 1 and {"ckpt-1.safetensors", "ckpt-2.safetensors"} < set(os.listdir(tmp_path))


def test_managers_that_make_no_sense():
    with pytest.raises(ValueError, match="positive integer"):
        tf.train.CheckpointManager(tf.train.Checkpoint(), "x", 0)
    with pytest.raises(ValueError, match="step_counter"):
        tf.train.CheckpointManager(tf.train.Checkpoint(), "x", 1, checkpoint_interval=2)


def test_a_damaged_state_file_is_named(tmp_path):
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "a\n')
    with pytest.raises(ValueError, match="damaged"):
        tf.train.latest_checkpoint(tmp_path)


def net():
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Dense(3, "tanh"), layers.BatchNormalization(), layers.Dense(1)])


def train(model, optimizer, x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True)))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return loss.numpy()


@pytest.mark.parametrize("built", [True, False])
def test_training_of_a_keras_model_goes_on(tmp_path, built):
    """Weights, statistics and the optimizer's state; also where neither model nor optimizer is built at restoring."""
    x = tf.constant(np.random.default_rng(0).standard_normal((8, 4)), tf.float32)
    model, optimizer = net(), tf.keras.optimizers.Adam(0.1)
    [train(model, optimizer, x) for _ in range(3)]
    path = tf.train.Checkpoint(model=model, optimizer=optimizer).save(tmp_path / "k")
    wanted = [train(model, optimizer, x) for _ in range(3)]
    model, optimizer = net(), tf.keras.optimizers.Adam(0.5)
    if built:
        train(model, optimizer, x)
    status = tf.train.Checkpoint(model=model, optimizer=optimizer).restore(path)
    found = [train(model, optimizer, x) for _ in range(3)]
    assert found == pytest.approx(wanted, rel=1e-5)
    status.assert_consumed()
    assert optimizer.iterations.numpy() == 6 if hasattr(optimizer.iterations, "numpy") else int(optimizer.iterations) == 6


def test_moving_averages_follow():
    v = tf.Variable([1.0, 2.0])
    ema = tf.train.ExponentialMovingAverage(decay=0.9)
    assert ema.average(v) is None
    ema.apply([v])
    v.assign([3.0, 2.0])
    ema.apply([v])
    assert ema.average(v).numpy() == pytest.approx([1.2, 2.0])
    early = tf.train.ExponentialMovingAverage(0.9, num_updates=tf.Variable(0))
    early.apply([v])
    v.assign([0.0, 0.0])
    early.apply([v])
    assert early.average(v).numpy() == pytest.approx([0.3, 0.2])
