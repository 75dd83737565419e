"""Every primitive is sampled, or it is said why not."""

from __future__ import annotations

import pytest

from tests.rules.samples import CASES, REASONS
from wengert.graph.rule import primitives


@pytest.mark.parametrize("name", sorted(primitives.table))
def test_every_primitive_has_a_sample_or_a_reason(name):
    assert (name in CASES) != (name in REASONS), (
        f"primitive {name}: add how it is sampled to a table in tests/rules/samples_*.py, or a reason to REASONS"
    )


def test_no_table_names_what_does_not_exist():
    assert not ({*CASES, *REASONS} - set(primitives.table))
