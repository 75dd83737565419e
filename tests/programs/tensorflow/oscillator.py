"""What drives a damped oscillator, found from measurements: variables in a Module, checkpoints that training goes on from."""

import json
import os
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(3)
times = np.linspace(0.0, 6.0, 120)
measured = 1.4 * np.exp(-0.3 * times) * np.cos(2.2 * times + 0.4) + 0.02 * rng.standard_normal(times.shape)


class Oscillator(tf.Module):
    """a exp(-d t) cos(w t + p)"""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.amplitude = tf.Variable(1.0, dtype=tf.float64, name="amplitude")
        self.damping = tf.Variable(0.1, dtype=tf.float64, name="damping")
        self.frequency = tf.Variable(2.0, dtype=tf.float64, name="frequency")
        self.phase = tf.Variable(tf.zeros([], tf.float64), name="phase")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)])
    def __call__(self, t):
        return self.amplitude * tf.exp(-self.damping * t) * tf.cos(self.frequency * t + self.phase)


class Momentum(tf.Module):
    """Gradient descent with momentum, written out."""

    def __init__(self, variables, rate=0.05, decay=0.9):
        super().__init__()
        self.rate, self.decay = rate, decay
        self.velocities = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]

    def apply(self, gradients, variables):
        for velocity, gradient, variable in zip(self.velocities, gradients, variables):
            velocity.assign(self.decay * velocity + gradient)
            variable.assign_sub(self.rate * velocity)


model = Oscillator(name="oscillator")
optimizer = Momentum(model.trainable_variables)
step = tf.Variable(0, dtype=tf.int64, trainable=False)
data = tf.data.Dataset.from_tensor_slices((times, measured)).batch(40).repeat()


def train(batches):
    losses = []
    for t, y in batches:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(t) - y))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        step.assign_add(1)
        losses.append(loss.numpy())
    return losses


with tempfile.TemporaryDirectory() as folder:
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, step=step)
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2, checkpoint_name="oscillator")
    assert manager.latest_checkpoint is None
    losses = []
    for _ in range(4):
        losses += train(data.take(15))
        manager.save(checkpoint_number=step)
    kept = [os.path.basename(path) for path in manager.checkpoints]
    after = train(data.take(15))
    status = checkpoint.restore(manager.latest_checkpoint)
    status.assert_consumed()
    step_restored = int(step)
    again = train(data.take(15))
    assert np.allclose(again, after, rtol=1e-12)

    fresh = Oscillator()
    tf.train.Checkpoint(model=fresh).restore(tf.train.latest_checkpoint(folder)).expect_partial()
    restored = [float(v) for v in fresh.trainable_variables]

print(json.dumps({
    "losses": losses[::6], "after": after[-1], "kept": kept, "step": step_restored, "restored": restored,
    "found": {v.name: float(v.numpy()) for v in model.trainable_variables},
    "names": [m.name for m in (model, optimizer)],
}))
