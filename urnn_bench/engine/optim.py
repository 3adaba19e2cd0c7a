"""Optimizers by name, the uRNN paper's RMSprop among them, and gradient clipping."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from math import sqrt
from typing import Any, Literal

import torch
from torch import Tensor, nn

from urnn_bench.spec.fit import Adam, Clip, Optimizer, Rmsprop, Sgd
from urnn_bench.spec.fit import RmspropPaper as RmspropPaperOptions


class RmspropPaper(torch.optim.Optimizer):
    """s ← decay·s + (1-decay)·g², then p ← p - lr·g/√s, with s from ``initial`` and no epsilon.

    The optimizer of Arjovsky, Shah and Bengio (2016), as their code has it. A step is never longer
    than lr/√(1-decay). torch.optim.RMSprop starts s at 0 and adds an epsilon, so it is another
    optimizer wherever gradients vanish.

    In float32 g² overflows from |g| of about 6e19. Then s is infinite, and the parameter never
    moves again. With ``accumulator="root"`` √s is kept instead, as √(decay·s + (1-decay)·g²) by
    hypot, which does not overflow.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        decay: float,
        initial: float,
        accumulator: Literal["square", "root"] = "square",
    ) -> None:
        defaults = {"lr": lr, "decay": decay, "initial": initial, "accumulator": accumulator}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                self._update(params, [p.grad for p in params], group)

    def _update(self, params: list[Tensor], grads: list[Any], group: dict[str, Any]) -> None:
        update = self._roots if group["accumulator"] == "root" else self._roots_of_squares
        torch._foreach_addcdiv_(params, grads, update(params, grads, group), value=-group["lr"])

    def _roots_of_squares(
        self, params: list[Tensor], grads: list[Any], group: dict[str, Any]
    ) -> tuple[Tensor, ...] | list[Tensor]:
        squares = [self._accumulator(p, "square", group["initial"]) for p in params]
        torch._foreach_mul_(squares, group["decay"])
        torch._foreach_addcmul_(squares, grads, grads, value=1 - group["decay"])
        return torch._foreach_sqrt(squares)

    def _roots(
        self, params: list[Tensor], grads: list[Any], group: dict[str, Any]
    ) -> tuple[Tensor, ...] | list[Tensor]:
        roots = [self._accumulator(p, "root", sqrt(group["initial"])) for p in params]
        torch._foreach_mul_(roots, sqrt(group["decay"]))
        for root, grad in zip(roots, grads, strict=True):
            torch.hypot(root, sqrt(1 - group["decay"]) * grad, out=root)
        return roots

    def _accumulator(self, param: Tensor, name: str, initial: float) -> Tensor:
        state = self.state[param]
        if not state:
            state[name] = torch.full_like(param, initial)
        accumulator: Tensor = state[name]
        return accumulator


_OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "rmsprop_paper": RmspropPaper,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def make(
    options: Optimizer | RmspropPaperOptions | Rmsprop | Adam | Sgd,
    params: Iterable[nn.Parameter],
    own: Sequence[tuple[Collection[nn.Parameter], Mapping[str, float | None]]] = (),
) -> torch.optim.Optimizer:
    """Return the optimizer that a spec describes.

    ``own`` has parameters with settings of their own, such as a learning rate; a parameter is of
    the first that has it, and a setting that is None is that of all.
    """
    left = list(params)
    groups: list[dict[str, Any]] = []
    for of_group, settings in own:
        given = {key: value for key, value in settings.items() if value is not None}
        ids = {id(p) for p in of_group} if given else set()
        if chosen := [p for p in left if id(p) in ids]:
            groups.append({"params": chosen, **given})
        left = [p for p in left if id(p) not in ids]
    groups.insert(0, {"params": left})
    kind = _OPTIMIZERS[options.name]
    return kind(groups, **options.model_dump(exclude={"name"}), **_capturable(kind, groups))


@contextmanager
def scaled_rates(optimizer: torch.optim.Optimizer, share: float) -> Iterator[None]:
    """Multiply the learning rates by ``share`` within the block; a checkpoint has the whole."""
    rates = [group["lr"] for group in optimizer.param_groups]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = share * rate
    yield
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def _capturable(kind: Callable[..., Any], groups: list[dict[str, Any]]) -> dict[str, bool]:
    """Keep the optimizer's step counter on the GPU if the parameters are there."""
    groups[0]["params"] = list(groups[0]["params"])
    on_gpu = any(p.is_cuda for p in groups[0]["params"])
    return {"capturable": True} if on_gpu and "capturable" in signature(kind).parameters else {}


def frozen_parameters(optimizer: torch.optim.Optimizer) -> int:
    """Return how many numbers of the parameters have an optimizer state that is not finite.

    They no longer move, or are NaN from the next step on.
    """
    counts = [_not_finite(param, state).sum() for param, state in optimizer.state.items()]
    # one sum, as each number that is read waits for a GPU
    return int(torch.stack(counts).sum()) if counts else 0


def _not_finite(param: Tensor, state: dict[str, Any]) -> Tensor:
    kept = [value for value in state.values() if isinstance(value, Tensor)]
    alike = [~torch.isfinite(value) for value in kept if value.shape == param.shape]
    return torch.stack([~torch.isfinite(param), *alike]).any(dim=0)


def clip(params: Iterable[nn.Parameter], limit: Clip | None) -> Tensor | None:
    """Clip gradients in place, element by element or by their common norm; return the norm.

    A norm that overflows is infinite, and all finite gradients are then 0.
    """
    if limit is not None and limit.value is not None:
        nn.utils.clip_grad_value_(params, limit.value)
    if limit is not None and limit.norm is not None:
        return nn.utils.clip_grad_norm_(params, limit.norm)
    return None


class NormCheck:
    """``nonfinite`` is 1 if the last update's gradient had a norm that is not finite, else 0.

    It is written in place, so that a CUDA graph that is replayed writes it too.
    """

    def __init__(self) -> None:
        self.nonfinite: int | Tensor = 0

    def update(self, norm: Tensor) -> None:
        """Check a norm where it is; the host does not wait for it."""
        if not isinstance(self.nonfinite, Tensor):
            self.nonfinite = torch.zeros_like(norm, dtype=torch.int64)
        self.nonfinite.copy_(~torch.isfinite(norm))
