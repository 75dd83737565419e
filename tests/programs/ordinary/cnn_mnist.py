"""A convolutional network with batch norm learns to read digits."""

import gzip
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset

FOLDER = Path(__file__).parents[3] / "examples" / "data" / "mnist"
random = np.random.default_rng(5)


class Digits(Dataset):
    def __init__(self, kind, count):
        with gzip.open(FOLDER / f"{kind}-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:count]
        with gzip.open(FOLDER / f"{kind}-labels-idx1-ubyte.gz") as file:
            self.labels = np.frombuffer(file.read(), np.uint8, offset=8)[:count].astype(np.int64)
        self.images = ((images / 255.0 - 0.1307) / 0.3081).astype(np.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return torch.from_numpy(self.images[index]).unsqueeze(0), int(self.labels[index])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, kernel_size=3, padding=1, groups=16),
            nn.Conv2d(16, 24, kernel_size=1),
            nn.BatchNorm2d(24),
            nn.ReLU(inplace=True),
        )
        self.pool = nn.AdaptiveAvgPool2d((3, 3))
        self.dropout = nn.Dropout(0.0)
        self.classifier = nn.Linear(24 * 3 * 3, 10)

    def forward(self, x):
        x = self.pool(self.features(x))
        x = torch.flatten(x, 1)
        return F.log_softmax(self.classifier(self.dropout(x)), dim=1)


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = Net().to(device)
with torch.no_grad():
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            bound = 1 / np.sqrt(module.weight[0].numel())
            for parameter in module.parameters():
                drawn = random.uniform(-bound, bound, tuple(parameter.shape)).astype(np.float32)
                parameter.copy_(torch.from_numpy(drawn))
train = DataLoader(Digits("train", 2048), batch_size=64)
test = DataLoader(Digits("t10k", 500), batch_size=250)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
scheduler = StepLR(optimizer, step_size=1, gamma=0.5)

for epoch in range(2):
    model.train()
    total = 0.0
    for data, target in train:
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"loss {total / len(train):.6f}")

    model.eval()
    correct, lost = 0, 0.0
    with torch.no_grad():
        for data, target in test:
            output = model(data.to(device))
            lost += F.nll_loss(output, target.to(device), reduction="sum").item()
            correct += output.argmax(dim=1, keepdim=True).eq(target.view_as(output[:, :1])).sum().item()
    print(f"loss {lost / len(test.dataset):.6f}")
    print(f"accuracy {correct / len(test.dataset):.4f}")
