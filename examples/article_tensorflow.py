"""The article's network on MNIST, in plain TensorFlow. It runs on either:

    wengert run --progress examples/article_tensorflow.py     (what `make demo` does)
    python examples/article_tensorflow.py                     (with TensorFlow installed)

The softmax layer and from_logits=True do not belong together: the loss expects what goes into a softmax. Keras says so in a
warning and computes the loss from that, so training goes on as if the layer had no activation.
"""

import tensorflow as tf

(train_images, train_labels), (test_images, test_labels) = tf.keras.datasets.mnist.load_data()
train_images, test_images = [(images / 255.0 - 0.5).astype("float32") / 0.5 for images in (train_images, test_images)]
train_dataset = tf.data.Dataset.from_tensor_slices((train_images, train_labels)).shuffle(60000).batch(64)
test_dataset = tf.data.Dataset.from_tensor_slices((test_images, test_labels)).batch(1000)

model = tf.keras.Sequential([
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(128, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax"),
])
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)

for epoch in range(10):
    for images, labels in train_dataset:
        with tf.GradientTape() as tape:
            predictions = model(images)
            loss = loss_fn(labels, predictions)
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))

accuracy = tf.keras.metrics.SparseCategoricalAccuracy()
for images, labels in test_dataset:
    accuracy.update_state(labels, model(images))
print(f"test accuracy: {100 * accuracy.result():.2f}%")
