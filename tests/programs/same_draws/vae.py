"""A variational autoencoder of small pictures: reparametrisation, Kullback-Leibler divergence, sampling."""

import json

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

rng = np.random.default_rng(1)


def bars(n):
    pictures = np.zeros((n, 8, 8), np.float32)
    for picture in pictures:
        for _ in range(2):
            if rng.random() < 0.5:
                picture[rng.integers(8)] = 1
            else:
                picture[:, rng.integers(8)] = 1
    return pictures


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc21 = nn.Linear(48, 6)
        self.fc22 = nn.Linear(48, 6)
        self.fc3 = nn.Linear(6, 48)
        self.fc4 = nn.Linear(48, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        noise = torch.from_numpy(rng.standard_normal(tuple(mu.shape)).astype(np.float32))
        return self.decode(mu + noise * torch.exp(0.5 * logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


model = VAE()
for p in model.parameters():
    p.data = torch.tensor(rng.uniform(-0.2, 0.2, tuple(p.shape)), dtype=torch.float32)
data = torch.from_numpy(bars(256))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
losses = []
for epoch in range(12):
    total = 0
    for batch in data.split(64):
        optimizer.zero_grad()
        recon, mu, logvar = model(batch)
        loss = loss_function(recon, batch, mu, logvar)
        loss.backward()
        total += loss.item()
        optimizer.step()
    losses.append(total / len(data))
with torch.no_grad():
    sample = model.decode(torch.from_numpy(rng.standard_normal((16, 6)).astype(np.float32)))
print(json.dumps({"losses": losses, "sample": sample.mean(0)[::7].tolist()}))
