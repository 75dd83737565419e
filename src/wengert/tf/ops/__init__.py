"""TensorFlow's operations by chapter. The namespaces (`tf.math`, `tf.nn` ...) are lists of names from here."""
