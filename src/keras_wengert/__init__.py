"""wengert as a backend of Keras 3: ``KERAS_BACKEND=wengert python train.py``.

`ops` has Keras's operations, `variable`, `layer` and `trainer` what Keras builds on; `bridge` lets released Keras versions
load it. Nothing computes here: it names and arranges what `wengert` does.
"""
