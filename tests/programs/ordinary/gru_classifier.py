"""Waves in noise, classified by their frequency with a GRU that is stepped through a data loader."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

random = np.random.default_rng(1)
STEPS, CLASSES = 24, 4


def waves(count):
    labels = random.integers(CLASSES, size=count)
    time = np.arange(STEPS) / STEPS
    clean = np.sin(2 * np.pi * ((labels + 1)[:, None] * time + random.random((count, 1))))
    x = clean + 0.2 * random.normal(size=(count, STEPS))
    return torch.from_numpy(x[:, :, None].astype(np.float32)), torch.from_numpy(labels)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.GRU(1, 20, batch_first=True)
        self.cell = nn.GRUCell(20, 20)
        self.norm = nn.LayerNorm(20)
        self.head = nn.Linear(20, CLASSES)

    def forward(self, x):
        states, h = self.first(x)
        h = h[0]
        for t in range(STEPS - 4, STEPS):  # and the last steps once more, by hand
            h = self.cell(states[:, t], h)
        return self.head(self.norm(h))


train, test = TensorDataset(*waves(400)), TensorDataset(*waves(200))
model = Classifier()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            parameter.copy_(torch.from_numpy(random.uniform(-0.3, 0.3, tuple(parameter.shape)).astype(np.float32)))
optimizer = torch.optim.RMSprop(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
for epoch in range(8):
    total = 0.0
    for x, y in DataLoader(train, batch_size=50, shuffle=False):
        loss = F.cross_entropy(model(x), y, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"loss {total / 8:.6f}")
with torch.no_grad():
    right = sum((model(x).argmax(dim=1) == y).float().sum().item() for x, y in DataLoader(test, batch_size=64))
print(f"accuracy {right / len(test):.4f}")
