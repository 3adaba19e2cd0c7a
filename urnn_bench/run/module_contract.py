"""What a user's cell, readout or unit keeps on itself, and the names that it gives its members."""

import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from urnn_bench.errors import ComponentError, closest
from urnn_bench.random_streams import may_draw
from urnn_bench.run.contract_text import dtype_name, dtype_text

# members that begin alike, such as step and step_one, are no slip
_ALIKE = 0.85
_INSIDE = frozenset(vars(nn.Module()))
_OF_TORCH = "torch."
# in which a module is made before a run converts it
_OWN = torch.float32
_OF_MODULES = frozenset(dir(nn.Module))


def check_attributes(kind: str, name: str, module: nn.Module) -> None:
    """Raise ComponentError if a user's module keeps a tensor or a layer where torch has none.

    Nothing would train, save or convert it.
    """
    known = {id(part) for part in _registered(module)}
    sentences = []
    for part in filter(_is_users, module.modules()):
        for label, value in vars(part).items():
            lost = [v for v in _kept(value) if id(v) not in known]
            if label not in _INSIDE and lost:
                sentences.append(_sentence(label, value, lost[0]))
    if sentences:
        raise ComponentError(f"the {kind} '{name}': {'; '.join(sentences)}")


def _sentence(label: str, value: object, lost: Tensor | nn.Module) -> str:
    within = "" if value is lost else f"in a {type(value).__name__} "
    if isinstance(lost, nn.Module):
        mend = "use nn.ModuleList or nn.ModuleDict"
        return (
            f"`{label}` has layers {within}that torch does not know, so nothing trains it; {mend}"
        )
    if isinstance(lost, nn.Parameter):
        mend = "use nn.ParameterList or nn.ParameterDict"
        return (
            f"`{label}` has parameters {within}that torch does not know, so nothing trains it; "
            f"{mend}"
        )
    return (
        f"`{label}` has a tensor {within}that is no parameter and no buffer, so nothing trains, "
        f'saves or converts it; use nn.Parameter, or self.register_buffer("{label}", ...) for a '
        "constant"
    )


def warn_of_types(kind: str, name: str, module: nn.Module) -> None:
    """Warn of a user's numbers of another type than torch's own, as a run converts them.

    Buffers of whole numbers are left as they are, such as indices. Complex ones are told elsewhere.
    """
    if not _is_users(module):
        return
    real_buffers = ((n, b) for n, b in module.named_buffers() if b.is_floating_point())
    for what, tensors in (("parameter", module.named_parameters()), ("buffer", real_buffers)):
        for label, tensor in tensors:
            if tensor.dtype != _OWN and not tensor.is_complex():
                own = dtype_name(_OWN)
                warnings.warn(
                    f"the {kind} '{name}': {what} `{label}` is {dtype_text(tensor)} where the "
                    f"module is {own}; make it {own}, as a run converts it to its own type",
                    stacklevel=2,
                )


def _registered(module: nn.Module) -> Iterator[Tensor | nn.Module]:
    yield from module.parameters()
    yield from module.buffers()
    yield from module.modules()


def _kept(value: object) -> Iterator[Tensor | nn.Module]:
    yield from (v for v in tree_leaves(value) if isinstance(v, Tensor | nn.Module))


def _is_users(module: nn.Module) -> bool:
    return may_draw(module) and not type(module).__module__.startswith(_OF_TORCH)


def warn_of_no_gradient(kind: str, name: str, module: nn.Module) -> None:
    """Warn of a user's parameters that a loss, which was differentiated, does not depend on.

    Two steps may be too few for one of them, so it is no error.
    """
    trained = [(label, p) for label, p in module.named_parameters() if p.requires_grad]
    without = [label for label, parameter in trained if parameter.grad is None]
    if without and _is_users(module):
        names = ", ".join(f"`{label}`" for label in without)
        warnings.warn(
            f"the {kind} '{name}': no gradient arrives at {names} in two steps, so nothing trains "
            "it; use it, and do not detach what is computed from it",
            stacklevel=2,
        )


def warn_of_misspelt(kind: str, name: str, component: type, base: type) -> None:
    """Warn of a member of a user's class that is called almost as one that may be overridden."""
    slip = _misspelt(component, base)
    if slip is not None:
        own, meant = slip
        warnings.warn(
            f"the {kind} '{name}' defines `{own}`, which nothing calls; is it `{meant}`?",
            stacklevel=2,
        )


def _misspelt(kind: type, base: type) -> tuple[str, str] | None:
    """Return a member of a class and the one of its base that it may be a slip of.

    A member that the class overrides by its right name is not meant.
    """
    users = [part for part in kind.__mro__ if part not in base.__mro__ and _is_users_class(part)]
    own = {name for part in users for name in vars(part) if not name.startswith("_")}
    members = {name for part in base.__mro__ if part is not object for name in dir(part)}
    offered = {n for n in members - own if not n.startswith("_") and n not in _OF_MODULES}
    close = ((name, closest(name, offered, _ALIKE)) for name in sorted(own - members))
    return next(((name, meant) for name, meant in close if meant is not None), None)


def _is_users_class(kind: type) -> bool:
    return not kind.__module__.startswith(("urnn_bench.", _OF_TORCH))
