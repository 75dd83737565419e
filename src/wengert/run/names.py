"""Which module of wengert each of a program's names stands for, and the other way round."""

from __future__ import annotations

# The program's name -> wengert's. Below each, further parts are the same: torch.nn.functional -> wengert.nn.functional.
NAMES = {
    "torch": "wengert",
    "torch._dynamo": "wengert.compiler",
    "torch.nn.modules": "wengert.nn",
    "torch.nn.modules.batchnorm": "wengert.nn.normalization",
    "torch.nn.modules.container": "wengert.nn.containers",
    "torch.nn.modules.conv": "wengert.nn.convolution",
    "torch.nn.modules.instancenorm": "wengert.nn.normalization",
    "torch.nn.modules.loss": "wengert.nn.losses",
    "torch.nn.modules.pixelshuffle": "wengert.nn.folding",
    "torch.nn.modules.rnn": "wengert.nn.recurrent",
    "torch.nn.modules.sparse": "wengert.nn.embedding",
    "torch.nn.modules.upsampling": "wengert.nn.resampling",
    "torch.nn.modules.utils": "wengert.nn.tuples",
    "torch.torch_version": "wengert.run.torch_version",
    "torchvision": "wengert.run.vision",
    "torchvision.datasets": "wengert.datasets",
    "torchvision.transforms": "wengert.datasets.transforms",
    "safetensors.torch": "wengert.saving.safe",
    "tensorflow": "wengert.tf",
    "tensorflow.keras": "keras._tf_keras.keras",  # the real Keras, as TensorFlow hands it on
}

# Packages that stand on TensorFlow's own runtime -> what a program does without them.
REFUSED = {
    "tensorflow_datasets": "load data with tf.keras.datasets, or make a tf.data.Dataset from arrays or a generator",
    "tensorflow_hub": "its models are TensorFlow's own saved graphs; keras.applications and keras.models.load_model are there",
    "tensorflow_probability": "wengert.distributions has distributions, by PyTorch's names",
    "tensorflow_addons": "Keras 3 has most of it: layers, losses, optimizers",
    "tf_keras": "that is Keras 2; `import keras` and tf.keras are Keras 3",
}

# Folders and files of wengert that are its inner works: no part of torch, even where the name is one.
INNER = frozenset(
    "errors settings dtypes shapes trees origin graph primitives derive rewrite loops runtime tensors functions "
    "datasets saving tf run privacy insight health absent".split()
)


def real_name(name: str) -> str | None:
    """``torch.nn`` -> ``wengert.nn``; None for a name that is not aliased."""
    head, rest = name, ""
    while head not in NAMES:
        head, dot, last = head.rpartition(".")
        if not dot:
            return None
        rest = f".{last}{rest}"
    return NAMES[head] + rest


def tensorflow_name(real: str) -> str | None:
    """``wengert.tf.math`` -> ``tensorflow.math``; None for what is neither that face nor Keras."""
    for head, name in (("wengert.tf", "tensorflow"), ("keras._tf_keras.keras", "tensorflow.keras")):
        if real == head or real.startswith(head + "."):
            return name + real[len(head) :]
    return None


def torch_name(real: str) -> str | None:
    """``wengert.nn`` -> ``torch.nn``; None for what is not wengert's and for its inner works."""
    parts = real.split(".")
    if parts[0] != "wengert" or (len(parts) > 1 and parts[1] in INNER):
        return None
    return ".".join(["torch", *parts[1:]])
