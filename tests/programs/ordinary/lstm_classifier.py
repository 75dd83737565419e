"""Sentences of different lengths, classified by a bidirectional LSTM over packed sequences."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

random = np.random.default_rng(0)
WORDS, CLASSES = 30, 3


def sentence():
    """The class is that of the words that occur most: every third word belongs to one class."""
    label = int(random.integers(CLASSES))
    words = random.integers(WORDS, size=int(random.integers(4, 13)))
    own = random.random(len(words)) < 0.6
    return torch.tensor(np.where(own, words // 3 * 3 + label, words)), label


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS + 1, 16, padding_idx=WORDS)
        self.lstm = nn.LSTM(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(48, CLASSES)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embedding(words), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.head(torch.cat([h[-2], h[-1]], dim=1))


def batches(data, size):
    for start in range(0, len(data), size):
        part = data[start : start + size]
        words = pad_sequence([x for x, _ in part], batch_first=True, padding_value=WORDS)
        yield words, torch.tensor([len(x) for x, _ in part]), torch.tensor([y for _, y in part])


train, test = [sentence() for _ in range(320)], [sentence() for _ in range(200)]
model = Classifier()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.from_numpy(random.uniform(-0.2, 0.2, tuple(parameter.shape)).astype(np.float32)))
    model.embedding.weight[WORDS] = 0
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    total = 0.0
    for words, lengths, labels in batches(train, 32):
        optimizer.zero_grad()
        loss = criterion(model(words, lengths), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(labels)
    print(f"loss {total / len(train):.6f}")
model.eval()
with torch.no_grad():
    right = sum((model(w, n).argmax(1) == y).sum().item() for w, n, y in batches(test, 50))
print(f"accuracy {right / len(test):.4f}")
