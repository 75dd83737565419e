"""`import torch` and `import torchvision` give wengert's own modules, and say so when something is missing."""

import importlib.util

import pytest

SAME = """
import importlib.util
import torch, torch.nn as nn, torch.nn.functional as F, torch.optim.lr_scheduler, torchvision.transforms.functional
import torchvision.transforms as T
from torch import Tensor, autograd, optim
from torch.autograd import gradcheck
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
import wengert

assert torch is wengert and nn is torch.nn is wengert.nn and F is nn.functional is wengert.nn.functional
assert optim is wengert.optim and torch.optim.lr_scheduler is wengert.optim.lr_scheduler
assert DataLoader is wengert.utils.data.DataLoader and datasets is wengert.datasets
assert T is transforms is wengert.datasets.transforms and callable(T.functional.pad)
assert wengert.__spec__.name == "wengert" and nn.__spec__.name == nn.__name__ == "wengert.nn"
assert callable(torch.autograd.gradcheck)
assert torch.__version__ >= (2, 10) and torch.__version__ > "2.4" and int(torch.__version__.split(".")[0]) == 2
assert torch.version.__version__ == torch.__version__ and "wengert" in torch.__version__
assert isinstance(torch.__version__, torch.torch_version.TorchVersion) and torchvision.__version__ >= "0.13"
assert str(torch.float32) == "torch.float32" and repr(torch.zeros(1, dtype=torch.float64).dtype) == "torch.float64"

assert not hasattr(torch, "no_such_name") and getattr(torch, "no_such_name", 3) == 3
assert hasattr(torch, "relu") and hasattr(torch.nn, "Linear")
assert importlib.util.find_spec("torch.nn") and importlib.util.find_spec("torch.no_such_part") is None
try:
    from torch.utils.no_such_part import Writer
except ImportError:
    Writer = None
try:
    from torch import no_such_name
except ImportError as error:
    assert "no_such_name" in str(error)
print("all the same")
"""


def test_every_name_is_the_same_object(wengert):
    done = wengert("run", "same.py", files={"same.py": SAME})
    assert (done.stdout, done.stderr, done.returncode) == ("all the same\n", "", 0)


TENSORFLOW = """
import importlib.util
import tensorflow as tf, wengert
import wengert.tf
from tensorflow.data import Dataset

assert tf is wengert.tf and Dataset is wengert.tf.data.Dataset
assert str(tf.float32) == "<dtype: 'float32'>" and repr(tf.float32) == "tf.float32"
assert importlib.util.find_spec("tensorflow") and importlib.util.find_spec("tensorflow_datasets") is None
try:
    import tensorflow_datasets
except ImportError as error:
    print(error)
"""


def test_tensorflow_is_wengerts_face(wengert):
    done = wengert("run", "a.py", files={"a.py": TENSORFLOW})
    assert done.returncode == 0, done.stderr
    assert "tensorflow_datasets computes with TensorFlow's own runtime" in done.stdout
    assert "tf.keras.datasets" in done.stdout and "(a.py:11)" in done.stdout


KERAS = """
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, models
import tensorflow.keras.backend as K
from tensorflow.keras.utils import to_categorical
import keras as real

assert tf.keras is keras and layers is keras.layers and layers.Dense is real.layers.Dense and K is keras.backend
assert real.backend.backend() == "wengert" and to_categorical([1], 2).tolist() == [[0.0, 1.0]]
print(K.epsilon())
"""


def test_keras_of_tensorflow_is_the_real_one_on_wengert(wengert):
    pytest.importorskip("keras")
    done = wengert("run", "a.py", files={"a.py": KERAS})
    assert (done.stdout, done.returncode) == ("1e-07\n", 0), done.stderr


def test_tensorboard_does_not_take_the_face_for_tensorflow(wengert):
    source = "try:\n    import tensorflow\nexcept ImportError as error:\n    print(error)\n"
    done = wengert("run", "-m", "tensorboard.compat", files={"tensorboard/__init__.py": "", "tensorboard/compat.py": (
        "__name__ = 'tensorboard.compat'\n" + source
    )})  # fmt: skip
    assert (done.stdout, done.returncode) == ("No module named 'tensorflow'\n", 0), done.stderr


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("torch.sofmax", "MissingName", "torch.sofmax: wengert has no such name (a.py:3). Nearest: torch.softmax"),
        ("torch.cross_entropy", "MissingName", "Nearest: torch.nn.functional.cross_entropy"),
        ("from torch.nn import Lineer", "MissingImport", "(a.py:3). Nearest: torch.nn.Linear, torch.nn.Bilinear"),
        ("import torch.optm", "MissingModule", "torch.optm: wengert has no such module (a.py:3). Nearest: torch.optim"),
        ("import torch.primitives", "MissingModule", "wengert has no such module"),
        ("import torchvision.models", "MissingModule", "import torchvision.models: wengert has no such module"),
        ("import tf_keras", "ModuleNotFoundError", "Keras 3 (a.py:3)"),
        ("import tensorflow as tf; tf.constent", "MissingName", "constent: wengert has no such name (a.py:3). Nearest: tensor"),
        ("import tensorflow as tf; tf.Dataset", "MissingName", "Nearest: tensorflow.data.Dataset"),
        ("from tensorflow.data import Datset", "MissingImport", "Nearest: tensorflow.data.Dataset"),
        ("import tensorflow.datas", "MissingModule", "Nearest: tensorflow.data"),
    ],
)
def test_what_is_missing_stops_with_name_line_and_neighbours(wengert, line, error, message):
    done = wengert("run", "a.py", files={"a.py": f"import torch\n\n{line}\nprint('not reached')\n"})
    assert done.returncode == 1 and done.stdout == ""
    assert f"{error}: " in done.stderr and message in done.stderr
    assert done.stderr.count("File ") == 1 and 'a.py", line 3' in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_keras_computes_on_wengert(wengert):
    source = """
    import keras, numpy as np
    import torch
    x = keras.ops.ones((2, 3))
    print(keras.backend.backend(), type(x) is torch.Tensor, keras.layers.Dense(4)(x).shape)
    """
    done = wengert("run", "a.py", files={"a.py": source})
    assert (done.returncode, done.stdout) == (0, "wengert True torch.Size([2, 4])\n"), done.stderr


@pytest.mark.parametrize("lines", ["import tensorflow as tf, keras", "import keras, tensorflow as tf"])
def test_keras_by_its_own_name_speaks_tensorflows_types(wengert, lines):
    pytest.importorskip("keras")
    done = wengert("run", "a.py", files={"a.py": f"{lines}\nprint(keras.layers.Dense(2)(tf.ones((3, 4))).shape.as_list())\n"})
    assert done.stdout == "[3, 2]\n", done.stderr
