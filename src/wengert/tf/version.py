"""`tf.version`: the version of TensorFlow whose names are here."""

VERSION = "2.21.0"
COMPILER_VERSION = "wengert"
GIT_VERSION = "wengert"
GRAPH_DEF_VERSION = 0
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
