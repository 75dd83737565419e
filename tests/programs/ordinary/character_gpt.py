"""A small GPT that learns a text by heart, character by character, and then writes."""

import math

import numpy as np
import torch
import torch.nn as nn
from torch.nn import functional as F

TEXT = (
    "The Analytical Engine has no pretensions whatever to originate any thing. It can do whatever we know how to order "
    "it to perform. It can follow analysis; but it has no power of anticipating any analytical relations or truths. "
) * 4
random = np.random.default_rng(2)
characters = sorted(set(TEXT))
encode = {c: i for i, c in enumerate(characters)}
data = torch.tensor([encode[c] for c in TEXT], dtype=torch.long)
CONTEXT, WIDTH, HEADS, LAYERS = 32, 48, 4, 2


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH)
        self.c_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(C, dim=2)
        q, k, v = (y.view(B, T, HEADS, C // HEADS).transpose(1, 2) for y in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = CausalSelfAttention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(0.0))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(len(characters), WIDTH),
                wpe=nn.Embedding(CONTEXT, WIDTH),
                h=nn.ModuleList([Block() for _ in range(LAYERS)]),
                ln_f=nn.LayerNorm(WIDTH),
            )
        )
        self.lm_head = nn.Linear(WIDTH, len(characters), bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, idx, targets=None):
        positions = torch.arange(0, idx.size(1), dtype=torch.long)
        x = self.transformer.wte(idx) + self.transformer.wpe(positions)
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        if targets is None:
            return self.lm_head(x[:, [-1], :]), None
        logits = self.lm_head(x)
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)

    @torch.no_grad()
    def generate(self, idx, count):
        for _ in range(count):
            logits, _ = self(idx[:, -CONTEXT:])
            probabilities = F.softmax(logits[:, -1, :] / 0.8, dim=-1)
            idx = torch.cat((idx, probabilities.argmax(dim=-1, keepdim=True)), dim=1)
        return idx


model = GPT()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            scale = 0.05 / math.sqrt(2 * LAYERS) if name.endswith("c_proj.weight") else 0.05
            parameter.copy_(torch.from_numpy((scale * random.normal(size=tuple(parameter.shape))).astype(np.float32)))
        elif name.endswith("bias"):
            parameter.zero_()
decay = [p for p in model.parameters() if p.dim() >= 2]
rest = [p for p in model.parameters() if p.dim() < 2]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=3e-3, betas=(0.9, 0.95)
)
steps = 240
for step in range(steps):
    for group in optimizer.param_groups:
        group["lr"] = 3e-3 * min(1.0, (step + 1) / 10) * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    starts = random.integers(len(data) - CONTEXT - 1, size=12)
    x = torch.stack([data[i : i + CONTEXT] for i in starts])
    y = torch.stack([data[i + 1 : i + 1 + CONTEXT] for i in starts])
    _, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 40 == 0 or step == steps - 1:
        print(f"loss {loss.item():.6f}")
model.eval()
written = model.generate(torch.tensor([[encode[c] for c in "The Analytical "]]), 60)[0].tolist()
text = "".join(characters[i] for i in written)
print(f"written {text!r}")
right = sum(a == b for a, b in zip(text, TEXT))
print(f"accuracy {right / len(text):.4f}")
