"""The core, as the chapters see it.

Methods are bound to tensors when the core is loaded, where a type checker does not see them: here they are of any type.
"""

from __future__ import annotations

from typing import Any

import wengert
from wengert.functions import drawn
from wengert.nn import functional
from wengert.tf import values

w: Any = wengert
F: Any = functional
fresh: Any = values.fresh
gamma_sample: Any = drawn.gamma_sample

__all__ = ["F", "fresh", "gamma_sample", "w"]
