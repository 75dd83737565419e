"""A generative adversarial network on a ring of Gaussians: two optimisers, spectral normalisation, detach."""

import json
import math

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import spectral_norm

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(2)


def real_samples(n):
    angle = torch.from_numpy(rng.integers(0, 8, n)) * (math.pi / 4)
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.from_numpy(rng.standard_normal((n, 2)))


def noise(n):
    return torch.from_numpy(rng.standard_normal((n, 4)))


def from_numpy(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))))
        for name, b in module.named_buffers():
            if name.endswith(("_u", "_v")):
                b.copy_(nn.functional.normalize(torch.from_numpy(rng.standard_normal(tuple(b.shape))), dim=0))
    return module


generator = from_numpy(nn.Sequential(nn.Linear(4, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 2)))
discriminator = from_numpy(
    nn.Sequential(spectral_norm(nn.Linear(2, 24)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(24, 1)))
)
criterion = nn.BCEWithLogitsLoss()
optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
history = []
for step in range(60):
    optimizer_d.zero_grad()
    real_loss = criterion(discriminator(real_samples(64)), ones)
    fake = generator(noise(64))
    fake_loss = criterion(discriminator(fake.detach()), zeros)
    (real_loss + fake_loss).backward()
    optimizer_d.step()

    optimizer_g.zero_grad()
    g_loss = criterion(discriminator(fake), ones)
    g_loss.backward()
    optimizer_g.step()
    if step % 10 == 9:
        history.append([real_loss.item(), fake_loss.item(), g_loss.item()])
generator.eval()
radius = generator(noise(200)).norm(dim=1).mean().item()
print(json.dumps({"history": history, "radius": radius}))
