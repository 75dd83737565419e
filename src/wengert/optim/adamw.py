"""AdamW: Adam with weight decay beside the gradient's way, not in it.

I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.optim.adam import Adam


class AdamW(Adam):
    r"""x <- (1 - lr weight_decay) x, then Adam's step with the bare gradient.

    Args: as `Adam`, with a weight decay of 0.01.
    State: as `Adam`.
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: Optional[bool] = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: Optional[bool] = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # also when the state comes from a plain Adam
            group["decoupled_weight_decay"] = True
