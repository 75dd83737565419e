"""Colours changed by chance: `tf.image.random_*` and `stateless_random_*`."""

from __future__ import annotations

from typing import Any

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.colours import brighter, contrasted, hue_turned, saturated
from wengert.tf.ops.core import w
from wengert.tf.ops.randomness import generator_of, keyed


def _drawn(low: float, high: float, generator: Any) -> Any:
    return w.rand((), generator=generator, dtype=w.float32) * (high - low) + low


def _need_range(low: float, high: float, what: str) -> None:
    if high <= low or low < 0:
        raise ValueError(f"{what}: need 0 <= lower < upper, got {low} and {high}")


@face("image")
def random_brightness(image: Any, max_delta: Any, seed: Any = None) -> Any:
    """`adjust_brightness` by a number from [-max_delta, max_delta). Raises: ValueError for a negative one."""
    _need_range(0, max_delta, "max_delta")
    return brighter(image, _drawn(-max_delta, max_delta, generator_of(seed)))


@face("image")
def stateless_random_brightness(image: Any, max_delta: Any, seed: Any) -> Any:
    """`random_brightness`, a function of the seed."""
    _need_range(0, max_delta, "max_delta")
    return brighter(image, _drawn(-max_delta, max_delta, keyed(seed)))


@face("image")
def random_contrast(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """`adjust_contrast` by a factor from [lower, upper). Raises: ValueError for bounds that do not rise."""
    _need_range(lower, upper, "random_contrast")
    return contrasted(image, _drawn(lower, upper, generator_of(seed)))


@face("image")
def stateless_random_contrast(image: Any, lower: Any, upper: Any, seed: Any) -> Any:
    """`random_contrast`, a function of the seed."""
    _need_range(lower, upper, "random_contrast")
    return contrasted(image, _drawn(lower, upper, keyed(seed)))


@face("image")
def random_hue(image: Any, max_delta: Any, seed: Any = None) -> Any:
    """`adjust_hue` by a number from [-max_delta, max_delta). Raises: ValueError for one outside [0, 0.5]."""
    _need_hue(max_delta)
    return hue_turned(image, _drawn(-max_delta, max_delta, generator_of(seed)))


@face("image")
def stateless_random_hue(image: Any, max_delta: Any, seed: Any) -> Any:
    """`random_hue`, a function of the seed."""
    _need_hue(max_delta)
    return hue_turned(image, _drawn(-max_delta, max_delta, keyed(seed)))


def _need_hue(max_delta: float) -> None:
    if not 0 <= max_delta <= 0.5:
        raise ValueError(f"max_delta must lie between 0 and 0.5, got {max_delta}")


@face("image")
def random_saturation(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """`adjust_saturation` by a factor from [lower, upper). Raises: ValueError for bounds that do not rise."""
    _need_range(lower, upper, "random_saturation")
    return saturated(image, _drawn(lower, upper, generator_of(seed)))


@face("image")
def stateless_random_saturation(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """`random_saturation`, a function of the seed. Raises: InvalidArgumentError without one."""
    _need_range(lower, upper, "random_saturation")
    if seed is None:
        raise invalid("stateless_random_saturation needs a seed of two numbers")
    return saturated(image, _drawn(lower, upper, keyed(seed)))


__all__ = [
    "random_brightness", "random_contrast", "random_hue", "random_saturation", "stateless_random_brightness",
    "stateless_random_contrast", "stateless_random_hue", "stateless_random_saturation",
]  # fmt: skip
