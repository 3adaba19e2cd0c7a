"""The stored state of an optimizer: whether it is that of a job, and how it is loaded."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from urnn_bench.engine import optim
from urnn_bench.engine.update import Job

OptimizerState = dict[str, Any]


def for_device_of(optimizer: torch.optim.Optimizer, state: OptimizerState) -> OptimizerState:
    """Return a stored state with the settings of the optimizer that resumes it.

    While a state is loaded, its ``capturable`` decides whether steps are counted on the device.
    The other settings are equal, or missing as another version of torch has others.
    """
    groups = [
        {**_settings(own), "params": stored["params"]}
        for stored, own in zip(state["param_groups"], optimizer.param_groups, strict=True)
    ]
    return {**state, "param_groups": groups}


def mismatch(state: OptimizerState, job: Job, step: int) -> str:
    """Return in what a stored state is not of a job's optimizer; "" if in nothing.

    Raises KeyError or TypeError if its structure is another.
    """
    expected = job.optimizer.state_dict()
    if state.keys() != expected.keys():
        return "another optimizer"
    groups = zip(state["param_groups"], expected["param_groups"], strict=True)
    if not all(_is_group_of(stored, own) for stored, own in groups):
        return "other settings of the optimizer"
    return "" if _are_states_of(state["state"], job, step) else "another optimizer's state"


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != "params"}


# how the arithmetic is done, which may differ between devices
_ARITHMETIC = frozenset({"capturable", "foreach", "fused"})


def _is_group_of(stored: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    shared = (stored.keys() & own.keys()) - _ARITHMETIC
    return stored["params"] == own["params"] and all(stored[k] == own[k] for k in shared)


def _are_states_of(states: Mapping[int, Mapping[str, object]], job: Job, step: int) -> bool:
    parameters = [p for group in job.optimizer.param_groups for p in group["params"]]
    template = _template(job)
    if set(states) - set(range(len(parameters))) or (step and template and not states):
        return False
    return all(_is_state_of(states[i], parameters[i], template, step) for i in states)


def _template(job: Job) -> dict[str, object]:
    """Return what the optimizer keeps of a parameter, as it does after its first step."""
    parameter = nn.Parameter(torch.zeros(_TEMPLATE_SHAPE, dtype=job.dtype))
    optimizer = optim.make(job.fit.optimizer, [parameter])
    parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return dict(optimizer.state[parameter])


_TEMPLATE_SHAPE = (2, 3)


def _is_state_of(
    state: Mapping[str, object], parameter: Tensor, template: Mapping[str, object], step: int
) -> bool:
    return state.keys() == template.keys() and all(
        _is_like(state[key], template[key], parameter, step) for key in template
    )


def _is_like(value: object, example: object, parameter: Tensor, step: int) -> bool:
    """Return whether a value is one of the parameter's shape, or counts steps, as an example is."""
    if not isinstance(value, Tensor) or not isinstance(example, Tensor):
        return value is example
    if value.layout != torch.strided or value.device.type != "cpu" or value.dtype != example.dtype:
        return False
    if example.shape == _TEMPLATE_SHAPE:
        return value.shape == parameter.shape
    return value.shape == example.shape and isfinite(value) and 0 <= float(value) <= step
