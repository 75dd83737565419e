"""Which sequences of words are of the second kind: from a generator over padded batches, an embedding that masks the padding,
an LSTM beside an average; trained by fit."""

import json

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(21)
WORDS = 30


def reviews(n, seed):
    draws = np.random.default_rng(seed)
    for _ in range(n):
        words = draws.integers(1, WORDS, draws.integers(3, 10))
        yield words.astype("int32"), np.float32((words > 20).sum() > (words <= 5).sum())


def batches(n, seed):
    dataset = tf.data.Dataset.from_generator(
        lambda: reviews(n, seed),
        output_signature=(tf.TensorSpec(shape=(None,), dtype=tf.int32), tf.TensorSpec(shape=(), dtype=tf.float32)),
    )
    dataset = dataset.filter(lambda words, label: tf.size(words) > 3)
    return dataset.padded_batch(16, padded_shapes=([10], [])).cache().prefetch(1)


words = tf.keras.Input(shape=(None,), dtype="int32")
vectors = tf.keras.layers.Embedding(WORDS, 8, mask_zero=True)(words)
read = tf.keras.layers.LSTM(10)(vectors)
average = tf.keras.layers.GlobalAveragePooling1D()(vectors)
both = tf.keras.layers.Concatenate()([read, average])
output = tf.keras.layers.Dense(1, activation="sigmoid")(tf.keras.layers.Dense(8, "relu")(both))
model = tf.keras.Model(words, output)
model.set_weights([rng.normal(0, 0.3, w.shape).astype("float32") for w in model.get_weights()])
model.compile(
    optimizer=tf.keras.optimizers.SGD(0.3, momentum=0.9, nesterov=True),
    loss=tf.keras.losses.BinaryCrossentropy(),
    metrics=["accuracy", tf.keras.metrics.Recall(name="recall")],
)
seen = []
told = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)))
history = model.fit(
    batches(140, 1), validation_data=batches(60, 2), epochs=4, verbose=0, callbacks=[told], class_weight={0: 1.0, 1: 1.5}
)
first = next(iter(batches(140, 1)))
lengths = tf.reduce_sum(tf.cast(tf.not_equal(first[0], 0), tf.int32), axis=1)
chances = model.predict(first[0], verbose=0)
print(json.dumps({
    **history.history, "seen": seen[-1], "lengths": lengths.numpy().tolist(), "chances": chances[:5, 0].tolist(),
}))
