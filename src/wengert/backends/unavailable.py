"""What each library that is not here answers: no."""


def is_available() -> bool:
    """Whether the library is here: no."""
    return False


def is_built() -> bool:
    """Whether support for the library is part of this build: no."""
    return False


class Switches:
    """Settings of a library that is not here. They can be set and read back."""

    def __init__(self, **switches: bool) -> None:
        self.__dict__.update(switches)
