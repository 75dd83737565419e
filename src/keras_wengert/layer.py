"""What every Keras layer is besides, on this backend."""

from __future__ import annotations


class WengertLayer:
    """Keras's own layer does everything; variables hold their tensors themselves."""
