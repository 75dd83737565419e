"""Keras on wengert with data sets of `tf.data`, with MNIST from IDX files, with losses of what an activation gave, and in
loops of a program's own."""

from __future__ import annotations

from tests.keras_wengert.test_bridge import ROOT, run

PROGRAM = """
import os, warnings
os.chdir(DATA)
import keras_wengert.bridge
import keras, numpy as np, wengert
import wengert.tf as tf
from wengert.graph.record import recorder

# MNIST, without a network
(images, digits), (test_images, test_digits) = keras.datasets.mnist.load_data()
assert images.shape == (60000, 28, 28) and images.dtype == test_digits.dtype == np.uint8 and digits[:3].tolist() == [5, 0, 4]

# fit, evaluate, predict
x, t = images[:640].reshape(-1, 784).astype("f") / 255, digits[:640]
dataset = tf.data.Dataset.from_tensor_slices((x, t)).shuffle(640, seed=1).batch(64)
keras.utils.set_random_seed(3)
model = keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
losses = model.fit(dataset, epochs=4, validation_data=dataset, verbose=0).history
assert losses["accuracy"][-1] > 0.8 and losses["val_loss"][-1] < losses["val_loss"][0], losses
assert model.predict(dataset, verbose=0).shape == (640, 10)
halved = model.evaluate(tf.data.Dataset.from_tensor_slices((x, t, np.full(640, 0.5, "f"))).batch(64), verbose=0)[0]
assert np.isclose(2 * halved, model.evaluate(dataset, verbose=0)[0], rtol=1e-4)
model.fit(dataset, class_weight={i: 1.0 for i in range(10)}, verbose=0)
for wrong in (dict(y=t), dict(sample_weight=t)):
    try:
        model.fit(dataset, **wrong, verbose=0)
    except ValueError as error:
        assert "should not be passed" in str(error)
    else:
        raise AssertionError(wrong)

# losses of what a softmax or sigmoid gave
logits = 30 * np.random.default_rng(0).standard_normal((5, 4)).astype("f")
classes, truths = np.array([0, 1, 2, 3, 1]), np.array([1.0, 0.0, 1.0, 1.0, 0.0], "f")
made = lambda activation, of: activation(keras.ops.convert_to_tensor(of))
sparse, full = keras.losses.SparseCategoricalCrossentropy, keras.losses.CategoricalCrossentropy
binary = keras.losses.BinaryCrossentropy
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("default")
    want = float(sparse(from_logits=True)(classes, logits))
    for loss in (sparse(), sparse(from_logits=True), sparse(from_logits=True)):
        assert np.isclose(float(loss(classes, made(keras.activations.softmax, logits))), want, rtol=1e-6)
    assert np.isclose(float(full()(np.eye(4)[classes], made(keras.activations.softmax, logits))), want, rtol=1e-6)
    want = float(binary(from_logits=True)(truths, logits[:, 0]))
    assert np.isclose(float(binary()(truths, made(keras.activations.sigmoid, logits[:, 0]))), want, rtol=1e-6)
said = [str(warning.message) for warning in seen]
assert len(said) == 1 and "received `from_logits=True`" in said[0] and "take away the softmax" in said[0], said
shown = made(keras.activations.softmax, logits)
shown.numpy()  # what went into it is let go: then the loss is that of the probabilities, not of a second softmax
assert float(sparse(from_logits=True)(classes, shown)) == float(sparse()(classes, shown.detach().clone()))

# a step of a loop of one's own ends with the update
network = keras.layers.Dense(2)
optimizer = keras.optimizers.SGD(0.1)
loss = (network(np.ones((3, 4), "f")) ** 2).mean()
gradients = wengert.autograd.grad(loss, [v.value for v in network.trainable_variables])
optimizer.apply_gradients(zip(gradients, network.trainable_variables))
assert not recorder.tape and not optimizer.iterations.value.requires_grad

# a tape lets Keras speak TensorFlow's types, by whichever name it was imported
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(network(np.ones((3, 4), "f")) ** 2)
assert [g.shape.as_list() for g in tape.gradient(loss, network.trainable_variables)] == [[4, 2], [2]]
print("done")
"""


def test_keras_takes_data_and_ends_steps_as_on_tensorflow():
    program = PROGRAM.replace("DATA", repr(str(ROOT / "examples")))
    assert run(program, KERAS_HOME="/nonexistent").splitlines()[-1] == "done"
