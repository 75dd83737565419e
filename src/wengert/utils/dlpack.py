"""Memory that is shared with other libraries, by DLPack."""

from wengert.tensors.interop import from_dlpack as from_dlpack
