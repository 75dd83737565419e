"""Keras's operations, a file (or folder) for each part of `keras.ops`."""
