"""A classifier of two spirals: mini-batches, Adam with a schedule, weight decay, clipping, evaluation."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(0)


def spirals(n):
    label = rng.integers(0, 2, n)
    angle = rng.uniform(0.3, 2.5, n) * np.pi
    points = angle[:, None] / 5 * np.stack([np.cos(angle + np.pi * label), np.sin(angle + np.pi * label)], 1)
    return torch.from_numpy((points + rng.normal(0, 0.05, points.shape)).astype(np.float32)), torch.from_numpy(label)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.GELU(), nn.LayerNorm(32))
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        return self.head(self.body(x))


def draw_weights(model):
    for p in model.parameters():
        scale = 1 / np.sqrt(p.shape[-1])
        with torch.no_grad():
            p.copy_(torch.from_numpy(rng.uniform(-scale, scale, tuple(p.shape)).astype(np.float32)))


model = Net()
draw_weights(model)
train = DataLoader(TensorDataset(*spirals(256)), batch_size=64)
x_test, y_test = spirals(200)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
losses = []
for epoch in range(30):
    model.train()
    total = 0.0
    for x, y in train:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y, label_smoothing=0.05)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(x)
    scheduler.step()
    losses.append(total / 256)
model.eval()
with torch.no_grad():
    accuracy = (model(x_test).argmax(dim=1) == y_test).float().mean().item()
print(json.dumps({"losses": losses[::3], "accuracy": accuracy}))
