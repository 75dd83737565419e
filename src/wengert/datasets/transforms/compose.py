"""Chains of transforms, and the way of a whole batch through a chain.

A transform takes one image. It may also have a method ``batch(images)`` that takes many, stacked along a new first
axis, and gives the stack of what it would have made of each; a data set whose whole chain has one is read a batch at a
time (`batch_form`). Transforms that are only functions need nothing: their chain is walked image by image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.utils.data.rows import wins


class Compose:
    """One transform after another.

    Args: transforms: what to apply, in order; each takes an image and returns one.
    Raises: TypeError when one of them can't be called.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        for transform in transforms:
            if not callable(transform):
                raise TypeError(f"Compose: a transform should be callable; got {transform!r}")
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({lines}\n)"


class Lambda:
    """Any function of one image.

    Raises: TypeError when `lambd` can't be called.
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda: wanted a function; got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def batch_form(transform: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """The function that takes a stack of images through `transform`; None when only single images can go through.

    A subclass that changes what happens to one image, and not what happens to a batch, goes image by image.
    """
    if transform is None:
        return lambda images: images
    if type(transform) is Compose:
        forms = [batch_form(step) for step in transform.transforms]
        return None if None in forms else lambda images: _through(forms, images)
    return transform.batch if wins(type(transform), "batch", "__call__") else None


def _through(forms: Sequence[Any], images: Any) -> Any:
    for form in forms:
        images = form(images)
    return images
