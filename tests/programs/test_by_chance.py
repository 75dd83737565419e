"""Training programs made by chance do the same however they are run: interpreted, by recognised tapes and machine code,
compiled as whole steps or with a compiled model; and in PyTorch. `python tests/programs/test_by_chance.py FIRST LAST` runs
more of them.
"""

from __future__ import annotations

import functools
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert
from tests.programs.by_chance.training import Training
from tests.programs.by_chance.values import numbers_in
from wengert.runtime.tiers import wait_for_compilation
from wengert.settings import settings

SEEDS = (1000, 1006)


def outcome(torch: Any, seed: int, compile: Callable[..., Any] = lambda f: f, **how: Any) -> tuple[Training, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where both worlds warn is for other tests
        training = Training(torch, seed, compile, how.get("wait", lambda: None), how.get("part", "step"))
        return training, numbers_in(training.go())


@functools.cache
def interpreted(seed: int) -> Any:
    with settings.scope(tier="interpret"):
        return outcome(wengert, seed)


def in_tiers(seed: int) -> Any:
    with settings.scope(tier="auto"):
        return outcome(wengert, seed, wait=wait_for_compilation)[1]


def by_machine_code(seed: int) -> Any:
    with settings.scope(tier="compile"):
        return outcome(wengert, seed)[1]


def compiled(seed: int) -> Any:
    whole = functools.partial(wengert.compile, keep_gradients=True, silent=True)
    with settings.scope(tier="auto"):
        return outcome(wengert, seed, whole, wait=wait_for_compilation)[1]


def with_compiled_model(seed: int) -> Any:
    part = functools.partial(wengert.compile, silent=True)
    with settings.scope(tier="auto"):
        return outcome(wengert, seed, part, wait=wait_for_compilation, part="model")[1]


def by_pytorch(seed: int) -> Any:
    return outcome(pytest.importorskip("torch"), seed)[1]


WAYS = {
    "in tiers": in_tiers,
    "machine code": by_machine_code,
    "compiled": compiled,
    "compiled model": with_compiled_model,
    "by PyTorch": by_pytorch,
}


def check(way: str, seed: int) -> None:
    """Run a program so, and compare with the interpreter."""
    training, wanted = interpreted(seed)
    if way == "by PyTorch" and training.draws:
        return
    found = WAYS[way](seed)
    close = {"rtol": 1e-7, "atol": 1e-6} if training.dtype is wengert.float64 else {"rtol": 1e-3, "atol": 1e-3}
    assert len(found) == len(wanted)
    for place, (a, b) in enumerate(zip(found, wanted)):
        assert (a is None) == (b is None), (place, a, b)
        if isinstance(b, str):
            assert a == b, (place, a, b)
        elif b is not None:
            assert np.shape(a) == np.shape(b), (place, a, b)
            np.testing.assert_allclose(a, b, **close, err_msg=str(place))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", SEEDS)
def test_programs_made_by_chance_do_the_same(seed, way):
    check(way, seed)


def main(first: int, last: int) -> None:
    """Run these programs in every way, and say which differ."""
    warnings.simplefilter("ignore")
    for seed in range(first, last):
        for name in WAYS:
            try:
                check(name, seed)
            except AssertionError as difference:
                sys.stdout.write(f"program {seed}, {name}: {' '.join(str(difference).split())[:300]}\n")
            except Exception:  # noqa: BLE001  the next program is run in any case
                sys.stdout.write(f"program {seed}, {name}: {traceback.format_exc()[-400:]}\n")
        interpreted.cache_clear()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
