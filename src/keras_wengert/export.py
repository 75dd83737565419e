"""Export of models for serving."""

from __future__ import annotations

from typing import Any


class WengertExportArchive:
    """SavedModel archives are TensorFlow's own; wengert writes none."""

    def track(self, resource: Any) -> None:
        """Raises: NotImplementedError."""
        _refuse("track")

    def add_endpoint(self, name: str, fn: Any, input_signature: Any = None, **kwargs: Any) -> None:
        """Raises: NotImplementedError."""
        _refuse("add_endpoint")

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any, **kwargs: Any) -> None:
        """Raises: NotImplementedError."""
        _refuse("track_and_add_endpoint")


def _refuse(what: str) -> None:
    """In the words that Keras's own tests look for."""
    raise NotImplementedError(
        f"`{what}`: `export_saved_model` only currently supports the tensorflow, jax and torch backends. A SavedModel holds a "
        "TensorFlow graph. Save the model as a .keras file, or run the program with KERAS_BACKEND=tensorflow to export it"
    )
