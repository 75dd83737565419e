"""Tools around training: data loading."""

from wengert.utils import data

__all__ = ["data"]
