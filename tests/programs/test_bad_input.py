"""Wrong input stops an ordinary program with PyTorch's kind of error, at the user's line; what PyTorch accepts goes
through with its result. Each program runs on both."""

from __future__ import annotations

import re
import warnings

import pytest

import wengert
import wengert.utils.data
from wengert.settings import settings


@pytest.fixture(autouse=True, params=["interpret", "compile"])
def tier(request):
    with settings.scope(tier=request.param):
        yield


def run(lib, source):
    """What `r` is in the end, or the error and the line of the program that raised it."""
    names = {"torch": lib, "nn": lib.nn, "F": lib.nn.functional, "optim": lib.optim, "data": lib.utils.data}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, "program", "exec"), names)
    except Exception as error:  # noqa: BLE001  the caller compares it
        lines, frame = [], error.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_filename == "program":
                lines.append(frame.tb_lineno)
            frame = frame.tb_next
        return error, lines[-1]
    return None, repr(names.get("r")).replace("wengert.", "torch.")


# (program, what the message says)
WRONG = [
    # shapes
    ("torch.randn(2, 3) @ torch.randn(4, 5)", r"3 != 4.*program:1"),
    ("nn.Linear(3, 4)(torch.randn(2, 5))", r"linear.*5 != 3"),
    ("torch.randn(2, 3) + torch.randn(4)", r"dimension 1.*3 and 4"),
    ("torch.cat([torch.randn(2, 3), torch.randn(2, 4)])", "must match"),
    ("torch.cat([])", "non-empty list"),
    ("torch.stack([torch.randn(2), torch.randn(3)])", "equal size"),
    ("torch.randn(6).view(4)", "invalid for input of size 6"),
    ("torch.randn(6).view(-1, -1)", "only one dimension can be inferred"),
    ("torch.randn(2, 3).t().view(6)", "reshape"),
    ("torch.bmm(torch.zeros(2, 3), torch.zeros(3, 2))", "3D"),
    ("torch.zeros(2, 3).sum(5)", r"\[-2, 1\], but got 5"),
    ("F.mse_loss(torch.zeros(2, 3), torch.zeros(4))", "mse_loss"),
    ("F.cross_entropy(torch.randn(2, 3), torch.tensor([0, 1, 1]))", "batch_size"),
    ("nn.BatchNorm1d(3)(torch.zeros(1, 3))", "more than 1 value per channel"),
    ("nn.BatchNorm1d(3)(torch.zeros(4, 5))", "5 elements not 3"),
    ("nn.LayerNorm(3)(torch.zeros(4, 5))", "normalized_shape"),
    ("x = torch.zeros(3)\nx[:2] = torch.zeros(3)", None),
    ("x = torch.zeros(3)\nx.add_(torch.zeros(2, 3))", None),
    # dtypes
    ("torch.tensor([1, 2], requires_grad=True)", "floating point"),
    ("x = torch.randn(3)\nx[torch.tensor([0.5])]", "long, int, byte or bool"),
    ("x = torch.randn(3)\nx[1.5]", None),
    ("nn.Linear(2, 2)(torch.zeros(2, dtype=torch.float64))", "float64"),
    ("nn.Embedding(5, 2)(torch.tensor([1.0, 2.0]))", "int64 or int32"),
    ("torch.zeros(2, dtype=torch.int64).add_(1.5)", "can't be cast"),
    ("torch.zeros(2, dtype=torch.int64).mean()", "could not infer output dtype"),
    ("F.cross_entropy(torch.randn(2, 3), torch.tensor([0.0, 1.0]))", None),
    ("F.binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([1, 0]))", "target of a floating dtype.*float()"),
    ("F.binary_cross_entropy_with_logits(torch.zeros(2), torch.tensor([True, False]))", "target of a floating dtype"),
    ("nn.BCELoss()(torch.ones(2), torch.tensor([1, 0]))", "target of a floating dtype"),
    ("torch.ones(2) + 'x'", None),
    ("torch.tensor([[1, 2], [3]])", None),
    ("torch.ones(2).requires_grad_('no')", "bool"),
    ("torch.set_grad_enabled('x')", "bool"),
    # indices, at the line that gave them
    ("x = torch.randn(3)\nx[3]", "out of"),
    ("x = torch.randn(3)\nx[0, 0]", "too many indices"),
    ("x = torch.randn(3)\ny = x[torch.tensor([0, 7])]\ny.sum().item()", r"7 is out of bounds.*program:2"),
    ("e = nn.Embedding(5, 2)\ny = e(torch.tensor([1, 5]))\ny.sum().item()", r"embedding.*got 5.*program:2"),
    ("e = nn.Embedding(5, 2)\ny = e(torch.tensor([1, -1]))\ny.sum().item()", r"got -1.*program:2"),
    ("z = torch.randn(2, 3)\nl = F.cross_entropy(z, torch.tensor([0, 3]))\nl.item()", "Target 3 is out of bounds"),
    ("z = torch.randn(2, 3)\nl = F.cross_entropy(z, torch.tensor([0, -1]))\nl.item()", "Target -1 is out of bounds"),
    ("x = torch.zeros(3)\nx[torch.tensor([True, False])]", "mask"),
    ("torch.topk(torch.zeros(3), 5)", "out of range"),
    ("F.one_hot(torch.tensor([3]), 2)", None),
    # values
    ("torch.zeros(3).item()", "3 elements"),
    ("float(torch.zeros(2))", "one element"),
    ("int(torch.zeros(0))", "one element"),
    ("bool(torch.zeros(2))", "ambiguous"),
    ("bool(torch.zeros(0))", "ambiguous"),
    ("torch.zeros(0).max()", None),
    ("torch.zeros(0, 3).argmax(0)", None),
    ("(torch.ones(2, dtype=torch.int64) // 0).tolist()", "floor_divide"),
    ("F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0])).item()", "between 0 and 1"),
    ("for i in torch.tensor(3): pass", "0-d"),
    # derivatives
    ("x = torch.ones(3, requires_grad=True)\ny = (x * x).sum()\ny.backward()\ny.backward()", "second time.*program:2"),
    ("x = torch.ones(3, requires_grad=True)\nx += 1", "leaf"),
    ("x = torch.ones(3, requires_grad=True)\nx[0] = 1", "leaf"),
    ("x = torch.ones(3, requires_grad=True)\ny = x.exp()\ny += 1\ny.sum().backward()", "inplace operation.*program:2"),
    ("x = torch.ones(3, requires_grad=True)\n(x * 2).backward()", "scalar outputs"),
    ("torch.ones(3).sum().backward()", "does not require grad"),
    ("x = torch.ones(3, requires_grad=True)\n(x * 2).backward(torch.ones(2))", "Mismatch in shape"),
    ("x = torch.ones(3, requires_grad=True)\nx.numpy()", "detach"),
    ("x = torch.ones(3, requires_grad=True)\nx.grad = torch.ones(2)", None),
    # modules and optimizers
    ("nn.Linear(2, 3).load_state_dict({'weight': torch.zeros(3, 2)})", "Missing key.*bias"),
    ("nn.Linear(2, 3).load_state_dict({'weight': torch.zeros(3, 4), 'bias': torch.zeros(3)})", "size mismatch for weight"),
    ("nn.Linear(2, 3).load_state_dict({'weight': 3, 'bias': torch.zeros(3)})", None),
    ("nn.Linear(2, 2).weight = torch.zeros(2, 2)", "weight"),
    ("optim.SGD([], lr=0.1)", "empty parameter list"),
    ("optim.SGD([torch.ones(3, requires_grad=True) * 2], lr=0.1)", "non-leaf"),
    ("optim.SGD(torch.ones(3), lr=0.1)", None),
    ("optim.SGD([torch.ones(2, requires_grad=True)], lr=-1)", "learning rate"),
    ("p = torch.ones(2, requires_grad=True)\noptim.SGD([{'params': [p]}, {'params': [p]}], lr=1)", "more than one"),
    # data
    ("data.DataLoader(data.TensorDataset(torch.zeros(3)), batch_size=0)", "batch_size"),
    ("data.DataLoader(data.TensorDataset(torch.zeros(3)), num_workers=-1)", "num_workers"),
    ("data.DataLoader(data.TensorDataset(torch.zeros(3)), shuffle=True, sampler=[0])", "sampler"),
    ("data.DataLoader(data.TensorDataset(torch.zeros(3)), prefetch_factor=2)", "prefetch_factor"),
    ("data.TensorDataset(torch.zeros(3), torch.zeros(4))", None),
    ("data.random_split([1, 2, 3], [1, 1])", None),
    ("list(data.DataLoader([torch.zeros(2), torch.zeros(3)], batch_size=2))", None),
    ("list(data.DataLoader([object(), object()], batch_size=2))", None),
]  # fmt: skip


@pytest.mark.parametrize(("source", "says"), WRONG, ids=[source for source, _ in WRONG])
def test_wrong_input_is_pytorchs_error_at_the_users_line(source, says):
    torch = pytest.importorskip("torch")
    theirs, line = run(torch, source)
    ours, at = run(wengert, source)
    assert theirs is not None
    assert isinstance(ours, type(theirs)), f"{ours!r} is not {theirs!r}"
    assert at == line
    if says is not None:
        assert re.search(says, str(ours), re.DOTALL), str(ours)


STEP = """
net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Dropout(), nn.LayerNorm(3), nn.Linear(3, 2))
optimizer = {optimizer}
loss = {loss}
loss.backward()
optimizer.step()
r = loss.item(), [p.isnan().tolist() for p in net.parameters()], net[1].weight.grad.tolist()
"""
NO_LABELS = "F.cross_entropy(net(torch.zeros(0, 2, 2)), torch.zeros(0, dtype=torch.long))"

RIGHT = [
    # a batch of nothing through a whole step
    STEP.format(optimizer="optim.SGD(net.parameters(), lr=0.1)", loss=NO_LABELS),
    STEP.format(optimizer="optim.Adam(net.parameters(), lr=0.1)", loss=NO_LABELS),
    STEP.format(optimizer="optim.SGD(net.parameters(), lr=0.1, momentum=0.9)", loss="net(torch.zeros(0, 4)).sum()"),
    # empty tensors
    "r = torch.zeros(0).sum(), torch.zeros(0).mean(), torch.zeros(0).prod(), torch.zeros(0).all(), torch.zeros(0).any()",
    "r = torch.zeros(0, 4) @ torch.zeros(4, 5), torch.zeros(3, 0) @ torch.zeros(0, 2)",
    "r = torch.cat([torch.zeros(0), torch.zeros(2, 3)]), torch.stack([torch.zeros(0)]), torch.zeros(0, 3).argmax(1)",
    "r = F.softmax(torch.zeros(0, 3), 1), F.softmax(torch.zeros(3, 0), 1), torch.logsumexp(torch.zeros(3, 0), 1)",
    "r = torch.zeros(0).sort(), torch.zeros(0).cumsum(0), torch.zeros(0, 3).max(1), nn.Flatten()(torch.zeros(0, 2, 3)).shape",
    "x = torch.zeros(0, 3)\nr = x[x > 0], x[torch.zeros(0, dtype=torch.long)], x[:, 1], x.view(-1, 3).shape",
    "x = torch.zeros(0, 3, requires_grad=True)\nx.mean().backward()\nr = x.grad",
    "r = nn.Embedding(3, 2)(torch.zeros(0, dtype=torch.long)).shape, F.one_hot(torch.zeros(0, dtype=torch.long), 3)",
    "r = list(data.DataLoader(data.TensorDataset(torch.zeros(0))))",
    # not a number
    "r = F.cross_entropy(torch.zeros(2, 3), torch.full((2, 3), float('nan')))",
    "x = torch.tensor([[float('nan'), 1.0, 2.0]], requires_grad=True)\nl = F.cross_entropy(x, torch.tensor([0]))\n"
    "l.backward()\nr = l.item(), x.grad.tolist()",
    "r = F.cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100]))",
    "x = torch.zeros(2, 3, requires_grad=True)\nF.cross_entropy(x, torch.tensor([0, -100])).backward()\nr = x.grad",
    "r = F.binary_cross_entropy_with_logits(torch.tensor([0.0]), torch.tensor([float('nan')]))",
    "x = torch.tensor([float('nan'), 1.0])\nr = x.max(), x.argmax(), x.sort(), x.clamp(0, 2), x.to(torch.bool)",
    # what is missing is told
    "a = nn.Linear(2, 3).load_state_dict({'weight': torch.zeros(3, 2)}, strict=False)\nr = a.missing_keys, a.unexpected_keys",
]


@pytest.mark.parametrize("source", RIGHT)
def test_odd_input_gives_pytorchs_result(source):
    torch = pytest.importorskip("torch")
    theirs = run(torch, source)
    assert theirs[0] is None, theirs
    assert run(wengert, source) == theirs


@pytest.mark.parametrize(
    "source", ["torch.randn(3, device='cuda')", "torch.randn(3).to('cuda')", "torch.randn(3).cuda()", "nn.Linear(2, 2).cuda()"]
)  # fmt: skip
def test_a_device_that_is_not_there(source):
    error, line = run(wengert, source)
    assert isinstance(error, RuntimeError)
    assert "is_available" in str(error)
    assert line == 1


# --- errors that only values decide, inside a flush --------------------------------------------------------------------


def make_net():
    wengert.manual_seed(0)
    net = wengert.nn.Sequential(wengert.nn.Linear(4, 8), wengert.nn.ReLU(), wengert.nn.Linear(8, 3))
    return net, wengert.randn(6, 4), wengert.tensor([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    "method", [
        lambda p: wengert.optim.SGD(p, lr=0.1), lambda p: wengert.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda p: wengert.optim.Adam(p, lr=0.01), lambda p: wengert.optim.RMSprop(p, lr=0.001),
        lambda p: wengert.optim.Adagrad(p, lr=0.1),
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_computed_changes_nothing(method):
    net, x, y = make_net()
    optimizer = method(net.parameters())

    def step(labels):
        optimizer.zero_grad()
        loss = wengert.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    def everything():
        state = [value for of in optimizer.state_dict()["state"].values() for value in of.values() if value is not None]
        return [value.tolist() for value in (*net.state_dict().values(), *state)]

    first = step(y).item()
    step(y)
    before = everything()
    with pytest.raises(IndexError, match=r"index 3 is out of bounds.*test_bad_input"):
        step(y + 1)  # not known to be wrong before it runs
    assert everything() == before
    assert step(y).item() < first


def test_an_error_inside_a_flush_spares_what_does_not_depend_on_it():
    w = wengert.ones(3, requires_grad=True)
    before, other = w * 2, wengert.ones(3)
    other += 4
    wrong = before[wengert.tensor([1, 2]) * 3]
    loss = (wrong * w[:2]).exp().sum()
    loss.backward()
    for _ in range(2):  # and it stays the same error, also once others have run
        with pytest.raises(IndexError, match=r"index [36] is out of bounds.*test_bad_input"):
            loss.item()
        with pytest.raises(IndexError, match="out of bounds"):
            w.grad.tolist()
        assert (other + 1).tolist() == [6, 6, 6]
        assert before.tolist() == [2, 2, 2]
    w.grad = None
    (w * w).sum().backward()
    assert w.grad.tolist() == [2, 2, 2]
