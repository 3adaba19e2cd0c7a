"""Labels of models: several in one text, with commas between, and their order."""

import re
from collections.abc import Collection
from math import inf

from urnn_bench.spec.grid import GRID_SEPARATOR

Natural = list[tuple[str, float]]


def split_labels(given: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Return the labels in ``urnn,lstm``; ``urnn @ lr=1, T=2`` and ``urnn [adam, h=2]`` stay whole.

    ``known`` are names of models, which may have commas too.
    """
    if given in known:
        return (given,)
    head = given.partition(GRID_SEPARATOR)[0]
    whole = head if head in known else ""
    first, *parts = given[len(whole) :].split(",")
    labels = [whole + first]
    for part in parts:
        if _belongs_to(labels[-1], part):
            labels[-1] += f",{part}"
        else:
            labels.append(part)
    # a single name stays as it is, whatever it begins or ends with
    return tuple(label.strip() for label in labels) if labels[1:] else (given,)


def _belongs_to(label: str, part: str) -> bool:
    """Return whether a part after a comma goes on with the values of a label."""
    is_open = any(label.count(a) > label.count(b) for a, b in ("[]", "{}"))
    is_value = "=" in part and GRID_SEPARATOR not in part
    return is_open or (GRID_SEPARATOR in label and is_value)


def natural(label: str) -> Natural:
    """Return what labels are sorted by, so that ``hidden=6`` comes before ``hidden=12``."""
    texts, numbers = _NUMBER.split(label), [*map(float, _NUMBER.findall(label)), -inf]
    return list(zip(texts, numbers, strict=True))


# a minus that follows a letter is a hyphen
_NUMBER = re.compile(r"(?:(?<==)-)?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")


def names_of(label: str) -> tuple[str, ...]:
    """Return the names by which a label may be meant: without differing settings, and a grid's."""
    plain, _, values = label.partition(GRID_SEPARATOR)
    model = plain.partition(" [")[0]
    return (model, f"{model}{GRID_SEPARATOR}{values}") if values else (model,)
