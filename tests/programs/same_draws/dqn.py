"""Deep Q-learning in a corridor of its own: replay memory, target network, epsilon-greedy actions, Huber loss."""

import copy
import json
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(3)
random.seed(3)


class Corridor:
    """Seven cells; the reward is at the right end, a small one at the left."""

    def reset(self):
        self.at, self.steps = 3, 0
        return self.state()

    def state(self):
        state = np.zeros(7)
        state[self.at] = 1
        return state

    def step(self, action):
        self.at += 1 if action == 1 else -1
        self.steps += 1
        done = self.at in (0, 6) or self.steps >= 20
        reward = 1.0 if self.at == 6 else 0.2 if self.at == 0 else -0.01
        return self.state(), reward, done


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 2))
        for p in self.parameters():
            nn.init.zeros_(p)
            p.data += torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape)))

    def forward(self, x):
        return self.layers(x)


env, policy = Corridor(), QNet()
target = copy.deepcopy(policy)
target.load_state_dict(policy.state_dict())
target.eval()
optimizer = torch.optim.RMSprop(policy.parameters(), lr=5e-3)
memory = deque(maxlen=500)
returns, losses = [], []
for episode in range(40):
    state, total, done = env.reset(), 0.0, False
    while not done:
        epsilon = max(0.05, 0.9 * 0.93**episode)
        if rng.random() < epsilon:
            action = int(rng.integers(2))
        else:
            with torch.no_grad():
                action = policy(torch.from_numpy(state).unsqueeze(0)).max(1)[1].item()
        following, reward, done = env.step(action)
        memory.append((state, action, reward, following, float(done)))
        state, total = following, total + reward
        if len(memory) >= 32:
            batch = random.sample(memory, 32)
            states, actions, rewards, nexts, dones = (torch.tensor(np.array(part)) for part in zip(*batch))
            q = policy(states).gather(1, actions.unsqueeze(1)).squeeze(1)
            with torch.no_grad():
                goal = rewards + 0.95 * (1 - dones) * target(nexts).max(dim=1).values
            loss = F.smooth_l1_loss(q, goal)
            optimizer.zero_grad()
            loss.backward()
            for p in policy.parameters():
                p.grad.data.clamp_(-1, 1)
            optimizer.step()
            losses.append(loss.item())
    returns.append(total)
    if episode % 5 == 4:
        target.load_state_dict(policy.state_dict())
values = policy(torch.eye(7)).max(1).values.tolist()
print(json.dumps({"returns": returns, "losses": losses[::40], "values": values}))
