"""Checkpoint: the variables of a program's objects, saved to a file and read back.

A file is a safetensors file, ``<prefix>.safetensors``: every variable once, under the shortest path to it, and the graph of
objects as text in its header (`objects.py`). It is there as a whole or not at all.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.saving import safe
from wengert.tensors.tensor import Tensor as Core
from wengert.tf.errors import NotFoundError
from wengert.tf.train.objects import Holder, described, is_container, is_leaf, is_tracked, parts, set_leaf, value_of_leaf, walk
from wengert.tf.train.state import after_save
from wengert.tf.variable import Variable

ENDING = ".safetensors"
_GRAPH = "wengert.tf.objects"


class CheckpointOptions:
    """Options of reading and writing: accepted; there is one file on one machine."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.options = kwargs


class Checkpoint(Holder):
    """The variables in objects: ``Checkpoint(model=model, optimizer=optimizer, step=step)``.

    root: an object whose parts belong to the checkpoint as if they were named here.
    kwargs: variables, modules, Keras's models and optimizers, generators of random numbers, lists and dicts of these.

    Raises: ValueError for an object that has no variables.
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        for name, value in {"root": root, **kwargs}.items():
            empty = (value is None and name == "root") or (isinstance(value, (list, tuple, dict)) and not value)
            if not (empty or is_tracked(value)):
                raise ValueError(
                    f"`Checkpoint` was expecting {name} to be a trackable object, got {value!r}. Give a tf.Variable, a "
                    "tf.Module, a Keras model, layer or optimizer, or a list or dict of these."
                )
        self._root = root
        for name, value in kwargs.items():
            setattr(self, name, value)

    def parts(self) -> dict[str, Any]:
        """What it was given, and what `root` holds."""
        own = {name: value for name, value in vars(self).items() if name != "_root"}
        return {**(dict(parts(self._root)) if self._root is not None else {}), **own}

    def _counter(self) -> Variable:
        """The number of `save` calls."""
        if "save_counter" not in vars(self):
            self.save_counter = Variable(0, trainable=False, dtype="int64", name="save_counter")
        return self.save_counter

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Write the file ``<file_prefix>.safetensors``; the prefix."""
        prefix = os.fspath(file_prefix)
        os.makedirs(os.path.dirname(prefix) or ".", exist_ok=True)
        nodes = walk(self)
        tensors = {node.key: value_of_leaf(node.value) for node in nodes if node.key}
        safe.save_file(tensors, prefix + ENDING, {_GRAPH: json.dumps(described(nodes))})
        return prefix

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Write ``<file_prefix>-<n>``, for the nth time, and note it as the latest of its folder; its name."""
        number = self._counter().assign_add(1)
        path = self.write(f"{os.fspath(file_prefix)}-{int(number)}")
        after_save(path)
        return path

    def read(self, save_path: Any, options: Any = None) -> CheckpointLoadStatus:
        """Read what `write` wrote. As `restore`."""
        return CheckpointLoadStatus(self, os.fspath(save_path))

    def restore(self, save_path: Any, options: Any = None) -> Any:
        """Give variables the values of a file. Those of layers and optimizers that are not built get them when they are.

        save_path: what `save` gave; None for none, which does nothing.

        Raises: NotFoundError without such a file; ValueError for a variable of another shape.
        """
        if save_path is None:
            return InitializationOnlyStatus()
        self._counter()
        return self.read(save_path)


class InitializationOnlyStatus:
    """What `restore(None)` gives."""

    def assert_consumed(self) -> None:
        """Raises: AssertionError, since nothing was read."""
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    assert_existing_objects_matched = assert_nontrivial_match = assert_consumed

    def expect_partial(self) -> InitializationOnlyStatus:
        """Nothing."""
        return self


class CheckpointLoadStatus:
    """What reading found: which saved values were taken, and which variables have none."""

    def __init__(self, checkpoint: Checkpoint, prefix: str) -> None:
        self._checkpoint = checkpoint
        self._file = File(prefix)
        self._matched: dict[int, Any] = {}  # saved node -> the object that took it
        self._taken: set[int] = set()  # saved nodes whose values are in variables
        self._match([(0, checkpoint)])

    def _match(self, pairs: list[tuple[int, Any]]) -> None:
        """Go along both graphs from pairs of a saved node and an object, and set variables."""
        todo, seen = list(pairs), set()
        for number, value in todo:
            node = self._file.nodes[number]
            if number in seen or (not is_container(value) and self._matched.setdefault(number, value) is not value):
                continue
            seen.add(number)
            if is_leaf(value):
                if "value" in node and number not in self._taken:
                    set_leaf(value, self._file.tensors[node["value"]])
                    self._taken.add(number)
                continue
            present = dict(parts(value))
            todo.extend([(place, present[name]) for name, place in node["parts"].items() if name in present])
            if hasattr(value, "build") and getattr(value, "built", True) is False:
                self._when_built(number, value)

    def _when_built(self, number: int, owner: Any) -> None:
        """Set the variables of a layer or optimizer of Keras's when it makes them."""
        build, own = owner.build, "build" in vars(owner)

        @functools.wraps(build)
        def built(*args: Any, **kwargs: Any) -> Any:
            result = build(*args, **kwargs)
            if own:
                owner.build = build
            else:
                del owner.build
            self._match([(number, owner)])
            return result

        owner.build = built

    # --- what was found ---------------------------------------------------------------------------------------------

    def _unset(self) -> Iterator[str]:
        """Variables that are there and were not given a saved value."""
        taken = {id(self._matched[number]) for number in self._taken}
        for node in walk(self._checkpoint):
            if node.key and id(node.value) not in taken and node.path != "save_counter":
                yield node.path

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Itself. Raises: AssertionError unless every saved value was taken and every variable was given one."""
        left = [node["value"] for n, node in enumerate(self._file.nodes) if "value" in node and n not in self._taken]
        if left:
            raise AssertionError(f"Some saved values were taken by no object: {left}. If that is meant, use expect_partial()")
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Itself. Raises: AssertionError unless every variable was given a saved value."""
        unset = list(self._unset())
        if unset:
            raise AssertionError(f"Found variables that the checkpoint has no value for: {unset}")
        return self

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Itself. Raises: AssertionError when nothing but the root matched."""
        counters = {n for n, node in enumerate(self._file.nodes) if str(node.get("value")).startswith("save_counter/")}
        if not self._taken - counters:
            raise AssertionError("Nothing except the root object matched a checkpointed value.")
        return self

    def expect_partial(self) -> CheckpointLoadStatus:
        """Itself: a part is what is wanted."""
        return self


class File:
    """A file that `Checkpoint.write` wrote: TensorFlow's `load_checkpoint`.

    Raises: NotFoundError when it is not there; ValueError for another file.
    """

    def __init__(self, prefix: Any) -> None:
        prefix = os.fspath(prefix)
        path = prefix + ENDING
        if not os.path.isfile(path):
            why = ""
            if os.path.exists(prefix + ".index"):
                why = " There is one of TensorFlow's own; save the weights there with model.save_weights('x.weights.h5')."
            raise NotFoundError(None, None, f"Failed to find any matching files for {prefix}: there is no file {path}.{why}")
        graph = safe.load_metadata(path).get(_GRAPH)
        if graph is None:
            raise ValueError(f"{path} was not written by tf.train.Checkpoint: it holds tensors, but no graph of objects")
        self.nodes: list[dict[str, Any]] = json.loads(graph)
        self.tensors: dict[str, Core] = safe.load_file(path)

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is a value of this name."""
        return tensor_str in self.tensors

    def get_tensor(self, tensor_str: str) -> Any:
        """A value as an array. Raises: NotFoundError when there is none of this name."""
        if tensor_str not in self.tensors:
            raise NotFoundError(None, None, f"Key {tensor_str} not found in checkpoint. There are: {sorted(self.tensors)}")
        return np.array(self.tensors[tensor_str].numpy())

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes of the values by name."""
        return {name: list(tensor.shape) for name, tensor in self.tensors.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """The dtypes of the values by name."""
        return {name: tensor.dtype for name, tensor in self.tensors.items()}
