"""NumPy's operations: `keras.ops.numpy` on wengert. A chapter per file."""

from keras_wengert.ops.linalg import slogdet
from keras_wengert.ops.numpy.arrangement import *  # noqa: F403
from keras_wengert.ops.numpy.creation import *  # noqa: F403
from keras_wengert.ops.numpy.elementwise import *  # noqa: F403
from keras_wengert.ops.numpy.places import *  # noqa: F403
from keras_wengert.ops.numpy.products import *  # noqa: F403
from keras_wengert.ops.numpy.reductions import *  # noqa: F403
