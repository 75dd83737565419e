"""Functions with derivatives of their own: a straight-through quantiser, a clipped exponential, gradient reversal."""

import json

import numpy as np
import torch
from torch import nn
from torch.autograd import Function, gradcheck

rng = np.random.default_rng(6)


class Quantize(Function):
    @staticmethod
    def forward(ctx, x, levels):
        ctx.save_for_backward(x)
        return torch.round(x.clamp(-1, 1) * levels) / levels

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1), None


class ClippedExp(Function):
    @staticmethod
    def forward(x):
        return torch.exp(torch.clamp(x, max=5.0))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return torch.where(x < 5.0, grad * y, torch.zeros_like(grad))


class Reverse(Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad.neg() * ctx.scale, None


assert gradcheck(ClippedExp.apply, (torch.from_numpy(rng.normal(size=(3, 2))).requires_grad_(),))

encoder, label, domain = nn.Linear(6, 8), nn.Linear(8, 1), nn.Linear(8, 1)
parameters = [*encoder.parameters(), *label.parameters(), *domain.parameters()]
for p in parameters:
    p.data = torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape)).astype(np.float32))
x = torch.from_numpy(rng.normal(size=(80, 6)).astype(np.float32))
y = (x[:, :1] * x[:, 1:2] + x[:, 2:3]).detach()
side = (x[:, 3:4] > 0).float()
optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9)
history = []
for step in range(60):
    optimizer.zero_grad()
    h = Quantize.apply(torch.tanh(encoder(x)), 8)
    fit = ((label(h) - y) ** 2).mean()
    confusion = nn.functional.binary_cross_entropy_with_logits(domain(Reverse.apply(h, 0.1)), side)
    smooth = ClippedExp.apply(-h.abs()).mean()
    (fit + confusion + 0.01 * smooth).backward()
    optimizer.step()
    if step % 6 == 0:
        history.append([fit.item(), confusion.item(), smooth.item()])
print(json.dumps({"history": history}))
