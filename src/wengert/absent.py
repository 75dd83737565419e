"""What of PyTorch is outside wengert's scope, with the reason, for errors that say so."""

from __future__ import annotations

import re

# First match wins. A pattern matches the whole name that a program asked for.
_REASONS: tuple[tuple[str, str], ...] = (
    (r"(.*_)?sparse(_.*)?|SparseAdam|(is_)?coalesced?|c?(row|col)_indices|smm|ss?p?addmm|sp?mm|hspmm|hsmm|dsmm",
     "sparse tensors"),
    (r"q?u?int(8|32|4x2|2x4)?_?quantiz.*|q(u?int.*|scheme|_.*)|(fake_|de)?quanti[sz].*|int_repr|per_(tensor|channel)_.*|ao",
     "quantised tensors"),
    (r"nested.*|jagged|to_padded_tensor", "nested tensors"),
    (r"distributed.*|DistributedDataParallel|rpc|futures|fork|wait|elastic", "distributed training; a program is one process"),
    (r"jit|script.*|Script.*|fx|export|package|jiterator.*|_C|ops|library",
     "PyTorch's compilers and their intermediate forms; compile(function) is there, and programs are compiled as they run"),
    (r"hub", "downloads of models; read a file of weights with torch.load"),
    (r"chalf|complex32|ComplexHalf.*", "complex numbers of half precision"),
    (r"float8.*|float4.*|u?int[1-7]|bits.*", "numbers of less than 8 bits, and floating ones of less than 16"),
    (r"eig|symeig|lstsq|solve|matrix_rank", "what PyTorch has removed; its successor is in torch.linalg"),
    (r"(cudnn|miopen|mkldnn|fbgemm|mkl)_.*|to_mkldnn", "functions of one library for one device"),
    (r".*Storage", "storages; tensors that share memory are views of each other"),
)  # fmt: skip


def reason_absent(name: str) -> str:
    """For a name out of scope a sentence that says so, after a space; nothing for any other."""
    for pattern, what in _REASONS:
        if re.fullmatch(pattern, name):
            return f" It belongs to what wengert leaves out: {what}."
    return ""


class AbsentAttribute(AttributeError):
    """A name that something of wengert does not have. The reason is looked for only when somebody reads the message, since
    programs may ask with `hasattr`."""

    def __str__(self) -> str:
        return f"{super().__str__()}.{reason_absent(str(self.name))}"
