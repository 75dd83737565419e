"""Writing through a view: the view then shows what was written, and nothing else of the base has changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.rules.harness import BUDGET, Draw, Program, apply, node_of
from tests.rules.samples import CASES
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives


@pytest.mark.parametrize("name", sorted(name for name in CASES if primitives.table[name].is_view))
def test_what_is_written_through_a_view_is_seen_through_it(name):
    view = primitives.table[name]

    @BUDGET
    @given(st.data())
    def check(data):
        sample = CASES[name].make(Draw(data.draw))
        given = sample.inputs[0]
        base = np.arange(1.0, given.size + 1).reshape(given.shape).astype(complex if np.iscomplexobj(given) else float)
        with separate_tape():
            x = node_of(base)
            y = apply(view, sample, [x])
            (seen,) = Program([x], [y])([base])
            written = (-np.arange(1.0, seen.size + 1)).astype(y.dtype.numpy).reshape(seen.shape)
            new = node_of(written)
            elements = y.dtype is x.dtype  # else the bits of x are seen, all of them
            if elements and (np.unique(seen).size < seen.size or (name == "expand" and y.size != x.size)):
                with pytest.raises(RuntimeError, match="single memory location"):
                    view.write(x, new, **sample.params)
                return
            z = view.write(x, new, **sample.params)
            assert z.type is x.type
            after, shown = Program([x, new], [z, apply(view, sample, [z])])([base, written])
        np.testing.assert_array_equal(shown, written)
        if elements:
            hidden = ~np.isin(base, seen)
            np.testing.assert_array_equal(after[hidden], base[hidden])

    check()
