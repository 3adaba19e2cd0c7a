"""Training in stages: what a benchmark writes of a stage, and what a run has of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from urnn_bench.errors import SpecError
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.load import Where
from urnn_bench.spec.notation import shown, shown_name
from urnn_bench.spec.types import ComponentSpec, Config

_NAME = "name"
_LONGEST_NAME = 40


class StageSpec(Config):
    """A stage of a benchmark: its changes to ``task`` and to ``fit``."""

    task: dict[str, object] = Field({}, description="options, or another task by its name")
    fit: dict[str, object] = Field({}, description="any key of the fit")

    @field_validator("task", mode="before")
    @classmethod
    def _name_task(cls, value: object) -> object:
        """Take a name for a task without options."""
        return {_NAME: value} if isinstance(value, str) else value

    def task_after(self, task: ComponentSpec) -> ComponentSpec:
        """Return the benchmark's task with the changes of the stage, or another task.

        Another task has none of the options of the benchmark's but its length.
        """
        is_other = self.task.get(_NAME, task.name) != task.name
        base = {"T": task.T} if is_other else {_NAME: task.name, **task.options}
        return ComponentSpec.model_validate({**base, **self.task})


class Stage(Config):
    """A stage of a run: its task and how it is trained there."""

    name: str
    task: ComponentSpec
    fit: Fit


def by_name(value: object) -> object:
    """Return a list of stages as a mapping by their names; raise ValueError if it cannot be one."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        raise ValueError(f"must be a list of stages, not {shown(value)}")
    stages: dict[str, object] = {}
    for stage in value:
        name = stage.get(_NAME) if isinstance(stage, Mapping) else None
        if not isinstance(name, str):
            raise ValueError(f"a stage is a mapping with a 'name', not {shown(stage)}")
        if name in stages:
            raise ValueError(f"two stages are called '{shown_name(name)}'; rename one")
        stages[name] = {key: item for key, item in stage.items() if key != _NAME}
    return stages


def _with_names(stages: dict[str, StageSpec]) -> dict[str, StageSpec]:
    """Raise ValueError for a name that a column or a figure cannot show."""
    for name in stages:
        if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
            raise ValueError(
                f"the name of a stage has 1 to {_LONGEST_NAME} characters, not '{shown_name(name)}'"
            )
    return stages


_ByName, _WithNames = BeforeValidator(by_name), AfterValidator(_with_names)
# those of a benchmark, and those of one of its models, which may have none
Stages = Annotated[dict[str, StageSpec], Field(min_length=1), _ByName, _WithNames]
StagesOfModel = Annotated[dict[str, StageSpec], _ByName, _WithNames]


def joined(
    stages: Sequence[Stage], specs: Mapping[str, StageSpec], where: Where
) -> tuple[Stage, ...]:
    """Return the stages of one run: only the last one can solve the task and so end early.

    ``where`` names the place of a key below the stages. Raises SpecError for a key that stages
    cannot have on their own.
    """
    if not stages:
        return ()
    *earlier, last = stages
    if "T" in specs[last.name].task:
        text = "lengths of the last stage belong under the top-level key 'T'"
        raise SpecError(where((last.name, "task", "T")) + text)
    for stage in earlier:
        if specs[stage.name].fit.get("solved") is not None:
            text = "only the last stage can be solved; remove the key here"
            raise SpecError(where((stage.name, "fit", "solved")) + text)
        if stage.fit.dtype != last.fit.dtype:
            text = f"every stage has the weights, and so the type, of the last, {last.fit.dtype}"
            raise SpecError(where((stage.name, "fit", "dtype")) + text)
    unsolved = [stage.fit.model_copy(update={"solved": None}) for stage in earlier]
    pairs = zip(earlier, unsolved, strict=True)
    return (*(stage.model_copy(update={"fit": fit}) for stage, fit in pairs), last)
