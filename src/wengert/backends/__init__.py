"""What makes a graph run: the protocol of executables, the interpreter, machine code through LLVM. Also the names of
`torch.backends` that programs set or ask: none of those libraries is here, and nothing depends on their switches."""


class _Absent:
    """A library that is not here. Its switches can be set and read back."""

    def __init__(self, **switches: bool) -> None:
        self.__dict__.update(switches)

    def is_available(self) -> bool:
        """Whether the library is here: no."""
        return False

    def is_built(self) -> bool:
        """Whether support for the library is part of this build: no."""
        return False


cudnn = _Absent(enabled=False, benchmark=False, deterministic=False, allow_tf32=False)
mps = _Absent()
