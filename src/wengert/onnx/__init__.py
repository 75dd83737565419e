"""Models for other runtimes: `export` writes an ONNX file. It needs the `onnx` package (``pip install onnx``)."""

from wengert.onnx.export import export
from wengert.onnx.sizes import UnsupportedOperatorError

__all__ = ["export", "UnsupportedOperatorError"]
