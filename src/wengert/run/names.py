"""Which module of wengert each of a program's names stands for, and the other way round."""

from __future__ import annotations

# The program's name -> wengert's. Below each, further parts are the same: torch.nn.functional -> wengert.nn.functional.
NAMES = {
    "torch": "wengert",
    "torch._dynamo": "wengert.compiler",
    "torchvision": "wengert.run.vision",
    "torchvision.datasets": "wengert.datasets",
    "torchvision.transforms": "wengert.datasets.transforms",
    "safetensors.torch": "wengert.saving.safe",
}

NOT_YET = {"tensorflow", "tf_keras"}

# Folders and files of wengert that are its inner works: no part of torch, even where the name is one.
INNER = frozenset(
    "errors settings dtypes shapes trees origin graph primitives derive rewrite loops runtime tensors functions "
    "datasets saving tf run privacy insight health".split()
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


def torch_name(real: str) -> str | None:
    """``wengert.nn`` -> ``torch.nn``; None for what is not wengert's and for its inner works."""
    parts = real.split(".")
    if parts[0] != "wengert" or (len(parts) > 1 and parts[1] in INNER):
        return None
    return ".".join(["torch", *parts[1:]])
