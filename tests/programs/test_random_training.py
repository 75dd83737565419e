"""Training programs made by chance do the same however they are run: interpreted, by recognised tapes and machine code,
compiled as whole steps; and in PyTorch. `python tests/programs/test_random_training.py FIRST LAST` runs more of them.
"""

from __future__ import annotations

import functools
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import wengert
from tests.programs.random_training import outcome
from wengert.runtime.tiers import wait_for_compilation
from wengert.settings import settings

SEEDS = (3, 8, 29)


def interpreted(seed: int) -> Any:
    with settings.scope(tier="interpret"):
        return outcome(wengert, seed)


def in_tiers(seed: int) -> Any:
    with settings.scope(tier="auto"):
        return outcome(wengert, seed, wait=wait_for_compilation)


def compiled(seed: int) -> Any:
    whole = functools.partial(wengert.compile, keep_gradients=True, silent=True)
    with settings.scope(tier="auto"):
        return outcome(wengert, seed, whole, wait_for_compilation)


def by_pytorch(seed: int) -> Any:
    return outcome(pytest.importorskip("torch"), seed)


WAYS = {"in tiers": in_tiers, "compiled": compiled, "by PyTorch": by_pytorch}


def assert_agree(found: list[Any], wanted: list[Any]) -> None:
    assert len(found) == len(wanted)
    for place, (a, b) in enumerate(zip(found, wanted)):
        assert (a is None) == (b is None), place
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8, err_msg=str(place))


@functools.cache
def reference(seed: int) -> Any:
    return interpreted(seed)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", SEEDS)
def test_programs_made_by_chance_do_the_same(seed, way):
    assert_agree(WAYS[way](seed), reference(seed))


def main(first: int, last: int) -> None:
    """Run these programs in every way, and say which differ."""
    warnings.simplefilter("ignore")
    for seed in range(first, last):
        for name, way in WAYS.items():
            try:
                assert_agree(way(seed), reference(seed))
            except AssertionError as difference:
                sys.stdout.write(f"program {seed}, {name}: {difference}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
