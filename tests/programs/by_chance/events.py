"""What happens between the steps of a program."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

from tests.programs.by_chance.values import tensors_in


def linear(training: Any) -> Any:
    """One of the layers with a plain weight."""
    kinds = training.torch.nn.Linear
    layers = [m for m in training.model.modules() if type(m) is kinds and "weight" in m._parameters and m.weight.dim() == 2]
    return training.choose.choice(layers) if layers else training.rival[0]


# --- what is trained, and how -----------------------------------------------------------------------------------------


def freeze(training: Any) -> None:
    linear(training).weight.requires_grad_(False)


def freeze_all(training: Any) -> None:
    training.model.requires_grad_(False)


def thaw(training: Any) -> None:
    for p in training.model.parameters():
        p.requires_grad_(True)


def rate(training: Any) -> None:
    training.optimizer.param_groups[-1]["lr"] *= training.choose.choice([0.5, 2, 0.1])


def decay(training: Any) -> None:
    training.optimizer.param_groups[0]["weight_decay"] = training.choose.choice([0.0, 0.1, 0])


def momentum(training: Any) -> None:
    group = training.optimizer.param_groups[0]
    if "betas" in group:
        group["betas"] = (training.choose.choice([0.5, 0.9]), 0.99)
    elif "momentum" in group:
        group["momentum"] = training.choose.choice([0.5, 0.9])


def upwards(training: Any) -> None:
    if "maximize" in training.optimizer.param_groups[0]:
        training.optimizer.param_groups[0]["maximize"] = training.choose.random() < 0.5


def new_group(training: Any) -> None:
    training.optimizer.add_param_group({"params": [*training.rival.parameters()], "lr": 0.01})


def follow_schedule(training: Any) -> None:
    schedules = training.torch.optim.lr_scheduler
    if training.schedule is None or training.schedule.optimizer is not training.optimizer:
        once = ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9})
        name, options = training.choose.choice([("StepLR", {"step_size": 1}), ("CosineAnnealingLR", {"T_max": 4}), once])
        training.schedule = getattr(schedules, name)(training.optimizer, **options)
    training.schedule.step()


def mode(training: Any) -> None:
    training.model.train(training.choose.random() < 0.5)


def mode_of_one(training: Any) -> None:
    training.choose.choice([*training.model.modules()]).eval()


def exchange(training: Any) -> None:
    layer = linear(training)
    layer.bias = training.torch.nn.Parameter(layer.bias.detach() * 0.5)
    training.parameters = [*training.model.parameters()]
    training.optimizer = training.method()


def other_method(training: Any) -> None:
    training.optimizer = training.method()


def start_anew(training: Any) -> None:
    training.optimizer.state.clear()


# --- hooks ------------------------------------------------------------------------------------------------------------


def hook(training: Any) -> None:
    weight, factor = linear(training).weight, training.choose.choice([0.5, 2.0])
    if weight.requires_grad:
        training.handles.append(weight.register_hook(lambda g: g * factor))


def hook_on_layer(training: Any) -> None:
    factor = training.choose.choice([0.5, 2.0])
    training.handles.append(linear(training).register_forward_hook(lambda _layer, _x, y: y * factor))


def hook_before_layer(training: Any) -> None:
    training.handles.append(linear(training).register_forward_pre_hook(lambda _layer, x: (x[0] * 0.5,)))


def hook_on_slope(training: Any) -> None:
    layer = linear(training)
    training.handles.append(layer.register_full_backward_hook(lambda _layer, _before, _after: None))


def halve_gradient(p: Any) -> None:
    p.grad.mul_(0.5)


def hook_after_gradient(training: Any) -> None:
    weight = linear(training).weight
    if weight.requires_grad:
        training.handles.append(weight.register_post_accumulate_grad_hook(halve_gradient))


def hook_on_method(training: Any) -> None:
    training.handles.append(training.optimizer.register_step_post_hook(lambda method, _args, _kwargs: None))


def unhook(training: Any) -> None:
    if training.handles:
        training.handles.pop(training.choose.randrange(len(training.handles))).remove()


# --- what is stored ---------------------------------------------------------------------------------------------------


def load(training: Any) -> None:
    training.model.load_state_dict({name: value.clone() for name, value in training.model.state_dict().items()})
    training.optimizer.load_state_dict(copy.deepcopy(training.optimizer.state_dict()))


def load_file(training: Any) -> None:
    file = io.BytesIO()
    training.torch.save([training.model.state_dict(), training.optimizer.state_dict()], file)
    file.seek(0)
    model, method = training.torch.load(file, weights_only=True)
    training.model.load_state_dict(model)
    training.optimizer.load_state_dict(method)


def load_by_assigning(training: Any) -> None:
    training.model.load_state_dict(copy.deepcopy(training.model.state_dict()), assign=True)
    training.parameters = [*training.model.parameters()]
    training.optimizer = training.method()


def go_on_with_a_copy(training: Any) -> None:
    training.model, training.optimizer = copy.deepcopy((training.model, training.optimizer))
    training.parameters = [p for group in training.optimizer.param_groups for p in group["params"]]
    training.predict = training.compile(training.model) if training.predict is not None else None


def train_a_copy(training: Any) -> None:
    """Of the model: what the optimizer knows stays behind."""
    other = copy.deepcopy(training.model)
    with training.torch.no_grad():
        for p in other.parameters():
            p.mul_(2)


# --- writing ----------------------------------------------------------------------------------------------------------


def scale(training: Any) -> None:
    training.factor["factor"] = training.choose.choice([0.5, 1.0, 2.0])


def write(training: Any) -> None:
    with training.torch.no_grad():
        linear(training).weight.mul_(0.9)
    training.mean.zero_()


def write_data(training: Any) -> None:
    layer = linear(training)
    if training.choose.random() < 0.5:
        layer.weight.data.mul_(0.9)
        layer.weight.data[0] = 0.25
    else:
        layer.weight.data = layer.weight.data.clone() * 0.9


def write_part(training: Any) -> None:
    part = linear(training).weight.detach()[0]
    part += 0.1


def write_by_numpy(training: Any) -> None:
    array = linear(training).weight.detach().numpy()
    array *= 0.9


def write_gradients(training: Any) -> None:
    for p in training.model.parameters():
        if p.grad is not None:
            p.grad.mul_(0.5)


def drop_gradients(training: Any) -> None:
    training.model.zero_grad()


def set_gradient(training: Any) -> None:
    weight = linear(training).weight
    weight.grad = training.torch.ones_like(weight) * 0.1


def share_gradient(training: Any) -> None:
    """One tensor as the gradient of two parameters."""
    weights = [m.weight for m in training.model.modules() if type(m) is training.torch.nn.Linear]
    same = [w for w in weights if w.shape == weights[0].shape][:2]
    grad = training.torch.full_like(weights[0], 0.1).detach() if same else None
    for w in same:
        w.grad = grad


def write_buffers(training: Any) -> None:
    for buffer in training.model.buffers():
        if buffer.is_floating_point():
            buffer.mul_(0.5)


def keep_gradient(training: Any) -> None:
    training.kept.append(linear(training).weight.grad)


def keep_weight(training: Any) -> None:
    weight = linear(training).weight
    training.kept.append([weight.detach(), weight.detach().clone(), weight.detach().t()[:1]])


def write_results(training: Any) -> None:
    for value in tensors_in(training.kept[-1:]):
        if value.is_floating_point():
            with training.torch.no_grad():
                value.mul_(2)


def forget_results(training: Any) -> None:
    training.kept.clear()


# --- trouble ----------------------------------------------------------------------------------------------------------


def fail_after_forward(training: Any) -> None:
    training.trouble = "after forward"


def fail_after_backward(training: Any) -> None:
    training.trouble = "after backward"


def wrong_shape(training: Any) -> None:
    inputs, _ = training.batch()
    training.run(inputs, training.torch.zeros(9, dtype=training.torch.int64), 1.0, True)


def wrong_class(training: Any) -> None:
    """The step fails at a value. How much of it was done by then is not the same in every way: all of it is put back."""
    if training.options["kind"] != "plain" or training.options["every"] > 1 or training.is_searching:
        return
    before = copy.deepcopy(training.model.state_dict()), training.mean.clone(), training.before
    inputs, t = training.batch()
    try:
        training.run(inputs, t + 7, 1.0, True)
    finally:
        training.model.load_state_dict(before[0])
        training.mean.copy_(before[1])
        training.before = before[2]
        training.optimizer.zero_grad()


def no_rows(training: Any) -> None:
    with training.torch.no_grad():
        training.log.append(training.model(*training.inputs(0)))


EVENTS: list[Callable[[Any], None]] = [
    freeze, freeze_all, thaw, thaw, rate, decay, momentum, upwards, new_group, follow_schedule, mode, mode_of_one, exchange,
    other_method, start_anew, hook, hook_on_layer, hook_before_layer, hook_on_slope, hook_after_gradient, hook_on_method,
    unhook, load, load_file, load_by_assigning, go_on_with_a_copy, train_a_copy, scale, write, write_data, write_part,
    write_by_numpy, write_gradients, drop_gradients, set_gradient, share_gradient, write_buffers, keep_gradient, keep_weight,
    write_results, forget_results, fail_after_forward, fail_after_backward, wrong_shape, wrong_class, no_rows,
]  # fmt: skip
