"""torch.func at work: per-sample gradients, Jacobians, Hessians, ensembles, Newton's method, forward over reverse."""

import json

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

rng = np.random.default_rng(7)
torch.set_default_dtype(torch.float64)


def drawn(*shape):
    return torch.from_numpy(rng.normal(size=shape))


model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
for p in model.parameters():
    p.data = drawn(*p.shape) * 0.5
params = {k: v.detach() for k, v in model.named_parameters()}
x, y = drawn(10, 4), torch.from_numpy(rng.integers(0, 3, 10))


def loss(params, x, y):
    return nn.functional.cross_entropy(functional_call(model, params, (x.unsqueeze(0),)), y.unsqueeze(0))


per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
norms = torch.stack([g.flatten(1).norm(dim=1) for g in per_sample.values()], 1).norm(dim=1)

f = lambda x: functional_call(model, params, (x,))
reverse, forward = vmap(jacrev(f))(x), vmap(jacfwd(f))(x)
assert torch.allclose(reverse, forward)
second = vmap(hessian(lambda x: f(x).logsumexp(0)))(x)
curvature = torch.linalg.eigvalsh(second)[:, -1]
value, slope = jvp(f, (x,), (drawn(10, 4),))
_, pull = vjp(f, x)
pulled = pull(slope)[0]

models = [nn.Linear(4, 3) for _ in range(5)]
for m in models:
    for p in m.parameters():
        p.data = drawn(*p.shape)
stacked, buffers = stack_module_state(models)
ensemble = vmap(lambda p, b, x: functional_call(models[0], (p, b), (x,)), in_dims=(0, 0, None))(stacked, buffers, x)


def rosenbrock(z):
    return ((1 - z[:-1]) ** 2 + 100 * (z[1:] - z[:-1] ** 2) ** 2).sum()


z = torch.tensor([-1.2, 1.0, 0.8])
path = []
for _ in range(8):
    slope_z, value_z = grad_and_value(rosenbrock)(z)
    z = z - torch.linalg.solve(hessian(rosenbrock)(z), slope_z)
    path.append(value_z.item())
print(
    json.dumps(
        {
            "norms": norms.tolist(),
            "jacobian": reverse.norm().item(),
            "curvature": curvature.tolist(),
            "slope": slope.norm(dim=0).tolist(),
            "pulled": pulled.sum(0).tolist(),
            "ensemble": ensemble.mean((1, 2)).tolist(),
            "newton": path,
        }
    )
)
