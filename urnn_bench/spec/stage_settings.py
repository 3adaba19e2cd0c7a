"""Settings of stages: those that there are, and whose number of updates is meant."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from urnn_bench.errors import SpecError, UnknownNameError
from urnn_bench.spec.edits import mappings
from urnn_bench.spec.grid import FIT, GRID_SEPARATOR
from urnn_bench.spec.load import KeyPath, YamlMapping
from urnn_bench.spec.notation import shown_name, written
from urnn_bench.spec.overlays import MODELS, STAGES
from urnn_bench.spec.stages import by_name


def name_stages(mapping: YamlMapping) -> None:
    """Turn the lists of stages into mappings, as settings name a stage."""
    for owner in (mapping, *mappings(mapping.get(MODELS))):
        # what cannot be named is left for the benchmark to refuse
        with suppress(ValueError):
            owner.update({key: by_name(owner[key]) for key in (STAGES,) if owner.get(key)})


def check_stage(
    mapping: YamlMapping, path: KeyPath, value: object, selected: Sequence[str]
) -> None:
    """Refuse a setting of a stage that there is not, and one number of updates for all stages.

    ``selected`` are the models that are trained, all of the file if there is none.
    """
    owner, *inner = path
    if owner == STAGES and inner:
        owners = (mapping, *mappings(mapping.get(MODELS)))
        known = [str(name) for one in owners for name in _stages(one) or ()]
        if known and inner[0] not in known:
            raise UnknownNameError("stage", inner[0], known)
    if owner == MODELS and inner[1:2] == [STAGES] and inner[2:]:
        _check_own_stage(_model(mapping, inner[0]), inner[0], inner[2])
    if path == (FIT, "steps"):
        _check_updates(mapping, value, selected)


def _check_own_stage(model: YamlMapping, label: str, name: str) -> None:
    own = _stages(model)
    if own is None:
        shown = shown_name(label)
        raise SpecError(
            f"the model '{shown}' has no stages of its own to change; set those of the benchmark, "
            f"or give it all of its own, as in --set '{MODELS}.{shown}.{STAGES}="
            f"[{{name: {shown_name(name)}, fit: {{steps: 100}}}}]'"
        )
    if name not in own:
        raise UnknownNameError("stage", name, map(str, own), f"the model '{shown_name(label)}': ")


def _check_updates(mapping: YamlMapping, value: object, selected: Sequence[str]) -> None:
    """Refuse one number of updates if a model that is trained has stages."""
    models = mapping.get(MODELS)
    labels = [name.partition(GRID_SEPARATOR)[0] for name in selected]
    labels = labels or [str(label) for label in (models if isinstance(models, dict) else ())]
    paths = {label: _path_of_last(mapping, label) for label in labels}
    staged = [label for label, path in paths.items() if path]
    if not staged:
        return
    whose, advice = "the benchmark", ""
    if len(staged) < len(paths):
        whose, advice = f"'{shown_name(staged[0])}'", ", or leave that model out by --model"
    where = ".".join(map(shown_name, paths[staged[0]]))
    raise SpecError(
        f"{whose} trains in stages, each with its own number of updates; give one, as in "
        f"--set {where}.fit.steps={written(value)}{advice}"
    )


def _path_of_last(mapping: YamlMapping, label: str) -> KeyPath:
    """Return the keys that lead to the last stage of a model; none if it has no stages."""
    own = _stages(_model(mapping, label))
    stages, owner = (_stages(mapping), ()) if own is None else (own, (MODELS, label))
    return (*owner, STAGES, str([*stages][-1])) if stages else ()


def _model(mapping: YamlMapping, label: str) -> YamlMapping:
    models = mapping.get(MODELS)
    found = models.get(label) if isinstance(models, dict) else None
    return found if isinstance(found, dict) else {}


def _stages(owner: YamlMapping) -> Mapping[object, object] | None:
    """Return the stages of a benchmark or a model; None if it gives none."""
    stages = owner.get(STAGES)
    return {} if stages == [] else stages if isinstance(stages, dict) else None
