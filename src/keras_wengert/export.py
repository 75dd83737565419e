"""Export of models for serving."""

from __future__ import annotations

from typing import Any


class WengertExportArchive:
    """SavedModel archives are TensorFlow's own; wengert writes none."""

    def track(self, resource: Any) -> None:
        """Raises: NotImplementedError."""
        raise NotImplementedError("`track` is not implemented in the wengert backend: SavedModel needs TensorFlow")

    def add_endpoint(self, name: str, fn: Any, input_signature: Any = None, **kwargs: Any) -> None:
        """Raises: NotImplementedError."""
        raise NotImplementedError("`add_endpoint` is not implemented in the wengert backend: SavedModel needs TensorFlow")
