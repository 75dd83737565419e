"""Export of models for serving."""

from __future__ import annotations

from typing import Any


class WengertExportArchive:
    """SavedModel archives are TensorFlow's own; wengert writes none."""

    def track(self, resource: Any) -> None:
        """Raises: NotImplementedError."""
        raise _refusal("track")

    def add_endpoint(self, name: str, fn: Any, input_signature: Any = None, **kwargs: Any) -> None:
        """Raises: NotImplementedError."""
        raise _refusal("add_endpoint")

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any, **kwargs: Any) -> None:
        """Raises: NotImplementedError."""
        raise _refusal("track_and_add_endpoint")


def _refusal(method: str) -> NotImplementedError:
    return NotImplementedError(
        f"`{method}` is not implemented in the wengert backend: SavedModel needs TensorFlow. Save the model with "
        "`model.save('model.keras')`, and export it where Keras runs on TensorFlow"
    )
