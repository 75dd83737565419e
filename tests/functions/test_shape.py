"""Views of shape and order, beside PyTorch's: results, strides, sharing, gradients, errors."""

from __future__ import annotations

import pytest

import wengert
from tests.functions.both import agree


def x(t):
    return t.arange(24.0, dtype=t.float64).reshape(2, 3, 4)


# Each gives a view of its argument.
VIEWS = {
    "view": lambda a: a.view(6, 4),
    "view -1": lambda a: a.view(-1, 2),
    "view of a tuple": lambda a: a.view((24,)),
    "view after select": lambda a: a[1].view(12),
    "view of a narrowed": lambda a: a[:, 1:3].view(2, 8),
    "view_as": lambda a: a.view_as(a.new_zeros(4, 6)),
    "reshape": lambda a: a.reshape(3, 8),
    "reshape to itself": lambda a: a.reshape(2, 3, 4),
    "reshape of a slice": lambda a: a[:, ::2].reshape(2, 2, 2, 2),
    "flatten": lambda a: a.flatten(),
    "flatten some": lambda a: a.flatten(1, 2),
    "flatten one": lambda a: a.flatten(1, 1),
    "unflatten": lambda a: a.unflatten(2, (2, -1)),
    "ravel": lambda a: a.ravel(),
    "squeeze": lambda a: a.view(1, 6, 1, 4).squeeze(),
    "squeeze dim": lambda a: a.view(1, 6, 1, 4).squeeze(2),
    "squeeze dims": lambda a: a.view(1, 6, 1, 4).squeeze((0, 1)),
    "squeeze nothing": lambda a: a.squeeze(0),
    "unsqueeze": lambda a: a.unsqueeze(1),
    "unsqueeze at the end": lambda a: a.unsqueeze(-1),
    "unsqueeze a transpose": lambda a: a.transpose(0, 2).unsqueeze(0),
    "permute": lambda a: a.permute(2, 0, 1),
    "permute of a tuple": lambda a: a.permute((0, -1, 1)),
    "transpose": lambda a: a.transpose(0, 2),
    "transpose negative": lambda a: a.transpose(-1, -2),
    "t": lambda a: a[0].t(),
    "t of a vector": lambda a: a[0, 0].t(),
    "T": lambda a: a[0].T,
    "mT": lambda a: a.mT,
    "H": lambda a: a[0].H,
    "mH": lambda a: a.mH,
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "swapdims": lambda a: a.swapdims(0, 2),
    "movedim": lambda a: a.movedim(0, 2),
    "movedim of several": lambda a: a.movedim((0, 1), (-1, 0)),
    "moveaxis": lambda a: a.moveaxis(2, 0),
    "expand": lambda a: a[:, :1].expand(2, 5, 4),
    "expand in front": lambda a: a.expand(3, -1, -1, -1),
    "expand_as": lambda a: a[0, 0].expand_as(a),
    "broadcast_to": lambda a: a[0].broadcast_to((2, 3, 4)),
    "select": lambda a: a.select(1, -1),
    "narrow": lambda a: a.narrow(2, 1, 2),
    "narrow from the end": lambda a: a.narrow(2, -3, 2),
    "narrow to nothing": lambda a: a.narrow(2, 4, 0),
    "diagonal": lambda a: a.diagonal(0, 1, 2),
    "diagonal above": lambda a: a.diagonal(2, 2, 0),
    "diagonal below": lambda a: a.diagonal(-1, 1, 2),
    "diagonal outside": lambda a: a.diagonal(9, 1, 2),
    "unbind": lambda a: a.unbind(1),
    "iteration": lambda a: tuple(a),
    "split": lambda a: a.split(2, 2),
    "split unevenly": lambda a: a.split(2, 1),
    "split by sizes": lambda a: a.split([1, 3], dim=-1),
    "chunk": lambda a: a.chunk(3, 2),
    "chunk too many": lambda a: a.chunk(5, 0),
    "tensor_split": lambda a: a.tensor_split(3, 2),
    "tensor_split at": lambda a: a.tensor_split((1, 3), 2),
    "tensor_split beyond": lambda a: a.tensor_split((2, 9, -1), 1),
    "hsplit": lambda a: a.hsplit(3),
    "vsplit": lambda a: a.vsplit((1,)),
    "dsplit": lambda a: a.dsplit(2),
    "unfold": lambda a: a.unfold(2, 2, 1),
    "unfold by steps": lambda a: a.transpose(0, 2).unfold(0, 2, 2),
    "as_strided": lambda a: a.as_strided((2, 2), (12, 3), 1),
    "as_strided of a slice": lambda a: a[1].as_strided((3,), (2,)),
    "as_strided overlapping": lambda a: a.as_strided((3, 2), (1, 1)),
    "detach": lambda a: a.detach(),
    "contiguous": lambda a: a.contiguous(),
    "chain": lambda a: a.transpose(0, 1)[1:, :, ::2].unsqueeze(0).permute(3, 1, 0, 2),
    "atleast_1d": lambda a: (a[0, 0, 0].reshape(()).unsqueeze(0), a.ravel()),
}


def flat(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", VIEWS)
def test_views_as_in_pytorch(name):
    view = VIEWS[name]
    agree(lambda t: view(x(t)))
    agree(lambda t: [(v.stride(), v.storage_offset(), v.is_contiguous()) for v in flat(view(x(t)))])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_sees_writes_to_its_base(name):
    def case(t):
        base = x(t)
        views = flat(VIEWS[name](base))
        base.mul_(2)
        base[1, 1] = -1
        return views

    agree(case)


OVERLAP = {"expand", "expand in front", "expand_as", "broadcast_to", "unfold", "as_strided overlapping"}


@pytest.mark.parametrize("name", [n for n in VIEWS if n not in OVERLAP])
def test_the_base_sees_writes_to_a_view(name):
    def case(t):
        base = x(t)
        for number, v in enumerate(flat(VIEWS[name](base))):
            v.add_(100 * number + 100)
        return base

    agree(case)


@pytest.mark.parametrize("name", sorted(OVERLAP))
def test_a_write_through_a_view_that_overlaps_itself_is_refused(name):
    with pytest.raises(RuntimeError, match="single memory location"):
        VIEWS[name](x(wengert)).add_(1)


@pytest.mark.parametrize("name", VIEWS)
def test_gradients_of_views(name):
    def case(t):
        leaf = x(t).requires_grad_()
        views = flat(VIEWS[name](leaf))
        total = sum([(v * t.arange(1.0, v.numel() + 1, dtype=t.float64).reshape(v.shape)).sum() for v in views])
        if not total.requires_grad:
            return total
        (total * total).backward()
        return leaf.grad

    agree(case)


FUNCTIONS = {
    "flatten of a number": lambda t: t.flatten(t.tensor(1.0)),
    "squeeze of a number": lambda t: t.squeeze(t.tensor(1.0), 0),
    "unsqueeze of a number": lambda t: t.unsqueeze(t.tensor(1.0), -1),
    "transpose of a number": lambda t: t.transpose(t.tensor(1.0), 0, -1),
    "permute of a number": lambda t: t.permute(t.tensor(1.0), ()),
    "view of nothing": lambda t: t.zeros(0, 3).view(3, 0),
    "view of nothing to -1": lambda t: t.zeros(0, 3).view(-1, 3),
    "ravel of nothing": lambda t: t.zeros(0, 3).ravel(),
    "reshape of a transpose": lambda t: x(t).transpose(0, 2).reshape(4, 6),
    "flatten of a transpose": lambda t: x(t).mT.flatten(1),
    "atleast_1d": lambda t: t.atleast_1d(t.tensor(1.0), t.ones(2)),
    "atleast_2d": lambda t: t.atleast_2d(t.tensor(1.0), t.ones(2), t.ones(2, 3)),
    "atleast_3d": lambda t: t.atleast_3d((t.tensor(1.0), t.ones(2), t.ones(2, 3))),
    "broadcast_tensors": lambda t: t.broadcast_tensors(t.ones(2, 1), t.zeros(3)),
    "adjoint of complex": lambda t: t.tensor([[1 + 2j, 3.0], [4j, 5.0]]).mH,
    "movedim of nothing": lambda t: t.ones(()).movedim((), ()),
    "split of nothing": lambda t: t.zeros(0, 2).split(3),
    "chunk of nothing": lambda t: t.zeros(0, 2).chunk(2),
    "unbind of nothing": lambda t: t.zeros(0, 2).unbind(),
    "unfold of a number": lambda t: t.tensor(3.0).unfold(0, 1, 1),
    "view in the same bits": lambda t: t.tensor([1.0, -2.0]).view(t.int32),
    "view in fewer bits": lambda t: t.tensor([1, 256], dtype=t.int32).view(t.uint8),
    "view in more bits": lambda t: t.zeros(2, 8, dtype=t.uint8).view(t.float64),
    "complex as real": lambda t: t.tensor([1 + 2j]).view(t.float32),
    "complex as pairs": lambda t: t.view_as_real(t.tensor([[1 + 2j], [3 - 1j]]).t()),
    "pairs as complex": lambda t: t.view_as_complex(t.arange(12.0).reshape(3, 2, 2).transpose(0, 1)),
    "layout of pairs": lambda t: (t.view_as_real(t.ones(2, 3, dtype=t.complex64).t()[1:]).stride(),
                                  t.view_as_real(t.ones(2, 3, dtype=t.complex64)[1:]).storage_offset(),
                                  t.view_as_complex(t.ones(3, 2, 2)[1:]).stride()),
    "written pairs": lambda t: written(t.zeros(2, dtype=t.complex64), lambda z: t.view_as_real(z)[:, 1].add_(3)),
    "written complex": lambda t: written(t.zeros(2, 2), lambda x: t.view_as_complex(x).add_(1 + 2j)),
    "written real part": lambda t: written(t.zeros(2, dtype=t.complex64), lambda z: z.real.add_(3)),
    "written imaginary part": lambda t: written(t.zeros(2, 2, dtype=t.complex64), lambda z: z[1].imag.fill_(3)),
    "parts of a transpose": lambda t: t.tensor([[1 + 2j, 3j], [4.0, 5 - 1j]]).t().imag,
    "broadcast_shapes": lambda t: t.broadcast_shapes((2, 1), (3,), 3, ()),
    "as_strided_scatter": lambda t: t.as_strided_scatter(t.zeros(3, 3), t.ones(2, 2), (2, 2), (4, 1), 1),
    "reversed": lambda t: list(reversed(t.arange(3))),
    "strides of one": lambda t: t.ones(2, 3).stride(1),
}


def written(base, write):
    write(base)
    return base


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_as_in_pytorch(name):
    agree(FUNCTIONS[name])


ERRORS = {
    "view too large": lambda t: x(t).view(5, 5),
    "view of two unknowns": lambda t: x(t).view(-1, -1),
    "view of a transpose": lambda t: x(t).transpose(0, 2).view(24),
    "view of a narrowed": lambda t: x(t)[:, 1:3].view(16),
    "view of an expanded": lambda t: t.ones(3).expand(2, 3).view(6),
    "view negative": lambda t: x(t).view(-2, 12),
    "view of a string": lambda t: x(t).view("a"),
    "view of nothing to an unknown": lambda t: t.zeros(0, 3).view(-1, 0),
    "reshape too small": lambda t: x(t).reshape(5),
    "flatten backwards": lambda t: x(t).flatten(2, 1),
    "flatten beyond": lambda t: x(t).flatten(0, 3),
    "unflatten": lambda t: x(t).unflatten(0, (3, 2)),
    "squeeze beyond": lambda t: x(t).squeeze(3),
    "unsqueeze beyond": lambda t: x(t).unsqueeze(5),
    "permute twice": lambda t: x(t).permute(0, 0, 1),
    "permute too few": lambda t: x(t).permute(0, 1),
    "permute beyond": lambda t: x(t).permute(0, 1, 3),
    "transpose beyond": lambda t: x(t).transpose(0, 3),
    "t of three": lambda t: x(t).t(),
    "mT of a vector": lambda t: t.ones(3).mT,
    "H of three": lambda t: x(t).H,
    "movedim twice": lambda t: x(t).movedim((0, 0), (0, 1)),
    "movedim of unequal": lambda t: x(t).movedim((0, 1), (0,)),
    "expand": lambda t: x(t).expand(2, 4, 4),
    "expand to fewer": lambda t: x(t).expand(4),
    "expand unknown in front": lambda t: x(t).expand(-1, 2, 3, 4),
    "broadcast": lambda t: t.broadcast_tensors(t.ones(2), t.ones(3)),
    "select beyond": lambda t: x(t).select(0, 2),
    "select of a number": lambda t: t.tensor(1.0).select(0, 0),
    "narrow beyond": lambda t: x(t).narrow(0, 1, 2),
    "narrow negative": lambda t: x(t).narrow(0, 1, -1),
    "diagonal of one": lambda t: x(t).diagonal(0, 1, 1),
    "diagonal of a vector": lambda t: t.ones(3).diagonal(),
    "unbind a number": lambda t: t.tensor(1.0).unbind(),
    "iterate a number": lambda t: list(t.tensor(1.0)),
    "split by wrong sizes": lambda t: x(t).split([1, 2], 2),
    "split by zero": lambda t: x(t).split(0),
    "chunk by zero": lambda t: x(t).chunk(0),
    "tensor_split by zero": lambda t: x(t).tensor_split(0),
    "hsplit": lambda t: x(t).hsplit(2),
    "vsplit of a vector": lambda t: t.ones(4).vsplit(2),
    "unfold too large": lambda t: x(t).unfold(0, 3, 1),
    "unfold without step": lambda t: x(t).unfold(0, 1, 0),
    "as_strided outside": lambda t: x(t).as_strided((3, 3), (12, 12)),
    "view of a number in other bits": lambda t: t.tensor(1.0).view(t.uint8),
    "view in bits that do not fit": lambda t: t.ones(3, dtype=t.uint8).view(t.float32),
    "view of columns in other bits": lambda t: t.ones(4, 4).t().view(t.uint8),
    "pairs of reals": lambda t: t.view_as_real(t.ones(2)),
    "complex of three": lambda t: t.view_as_complex(t.ones(2, 3)),
    "complex of ints": lambda t: t.view_as_complex(t.ones(2, 2, dtype=t.int64)),
    "complex of columns": lambda t: t.view_as_complex(t.ones(2, 2).t()),
    "shapes that do not broadcast": lambda t: t.broadcast_shapes((2,), (3,)),
    "as_strided_scatter of another size": lambda t: t.as_strided_scatter(t.zeros(3), t.ones(3), (2,), (1,)),
    "no tensor": lambda t: t.reshape([1, 2], (2,)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])


def test_gradients_of_complex_parts():
    def case(t):
        z = t.tensor([1 + 2j, 3 - 1j], requires_grad=True)
        pairs = t.view_as_real(z)
        y = (pairs * t.tensor([[1.0, 2.0], [3.0, 4.0]])).sum() + (z.real * z.imag).sum()
        back = t.view_as_complex(pairs * 2)
        (y + (back * back.conj()).real.sum()).backward()
        return z.grad

    agree(case)


IN_PLACE = {
    "t_": lambda a: a.t_(),
    "transpose_": lambda a: a.transpose_(0, 1),
    "unsqueeze_": lambda a: a.unsqueeze_(1),
    "squeeze_": lambda a: a.unsqueeze_(0).squeeze_(),
    "swapaxes_": lambda a: a.swapaxes_(0, 1),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_changed_shape_in_place(name):
    def case(t):
        a = t.arange(6.0).reshape(2, 3)
        row = a[0]
        given = IN_PLACE[name](a)
        assert given is a
        a.mul_(10)
        row.add_(1)
        return a, row, a.stride()

    agree(case)


@pytest.mark.parametrize("name", IN_PLACE)
def test_changed_shape_in_place_keeps_the_history(name):
    def case(t):
        leaf = t.arange(6.0).reshape(2, 3).requires_grad_()
        a = leaf * 2
        row = a[0]
        IN_PLACE[name](a)
        (a * a).sum().backward(retain_graph=True)
        (row * row).sum().backward()
        return leaf.grad

    agree(case)


def test_a_leaf_changes_shape_under_no_grad_only():
    def refused(t):
        t.ones(2, 3, requires_grad=True).t_()

    def allowed(t):
        leaf = t.ones(2, 3, requires_grad=True)
        with t.no_grad():
            leaf.t_()
        (leaf * 3).sum().backward()
        return leaf, leaf.is_leaf, leaf.grad

    agree(refused)
    agree(allowed)


def test_reshape_copies_where_strides_forbid_a_view():
    base = wengert.arange(6.0).reshape(2, 3)
    copied = base.t().reshape(6)
    base.zero_()
    assert copied.tolist() == [0, 3, 1, 4, 2, 5]


def test_data_ptr_tells_what_shares_memory():
    base = wengert.arange(6.0)
    assert base[2:].data_ptr() == base.data_ptr() + 8
    assert base.view(2, 3).data_ptr() == base.data_ptr()
    assert base.clone().data_ptr() != base.data_ptr()
