"""A physics-informed network: u'' = -pi^2 sin(pi x) with u = 0 at both ends, by Adam and then L-BFGS."""

import json
import math

import numpy as np
import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(4)


class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(1, width), nn.Linear(width, width), nn.Linear(width, 1)])
        for layer in self.layers:
            fan = layer.in_features
            layer.weight.data.copy_(torch.from_numpy(rng.normal(0, 1 / math.sqrt(fan), tuple(layer.weight.shape))))
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


net = Net()
x = torch.linspace(0, 1, 40).reshape(-1, 1).requires_grad_()
ends = torch.tensor([[0.0], [1.0]])


def residual():
    u = net(x)
    du = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
    ddu = torch.autograd.grad(du, x, torch.ones_like(du), create_graph=True)[0]
    return ddu + math.pi**2 * torch.sin(math.pi * x)


def loss_of():
    return residual().pow(2).mean() + 10 * net(ends).pow(2).mean()


losses = []
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(60):
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        losses.append(loss.item())

lbfgs = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=15, history_size=10)


def closure():
    lbfgs.zero_grad()
    loss = loss_of()
    loss.backward()
    return loss


for _ in range(2):
    losses.append(lbfgs.step(closure).item())
with torch.no_grad():
    error = (net(x) - torch.sin(math.pi * x)).abs().max().item()
print(json.dumps({"losses": losses, "error": error}))
