"""Model-agnostic meta-learning of sines: gradients through inner steps of gradient descent, second order."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

rng = np.random.default_rng(5)
torch.set_default_dtype(torch.float64)

net = nn.Sequential(nn.Linear(1, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 1))
for p in net.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape)))
params = dict(net.named_parameters())
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)


def task():
    amplitude, phase = rng.uniform(0.5, 2.0), rng.uniform(0, np.pi)

    def sample(k):
        x = rng.uniform(-3, 3, (k, 1))
        return torch.from_numpy(x), torch.from_numpy(amplitude * np.sin(x + phase))

    return sample


def adapted(params, x, y, steps=2, lr=0.02):
    for _ in range(steps):
        loss = F.mse_loss(functional_call(net, params, (x,)), y)
        grads = torch.autograd.grad(loss, params.values(), create_graph=True)
        params = {name: p - lr * g for (name, p), g in zip(params.items(), grads)}
    return params


history = []
for step in range(12):
    optimizer.zero_grad()
    total = 0.0
    for _ in range(4):
        sample = task()
        fast = adapted(params, *sample(8))
        x, y = sample(8)
        loss = F.mse_loss(functional_call(net, fast, (x,)), y) / 4
        loss.backward()
        total += loss.item()
    optimizer.step()
    history.append(total)
print(json.dumps({"history": history, "weight": net[0].weight.detach().squeeze().tolist()[:5]}))
