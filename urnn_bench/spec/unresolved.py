"""A checked benchmark, and a run before its components have checked their options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urnn_bench.spec.benchmark import Benchmark, ModelSpec
from urnn_bench.spec.explain import Where
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.grid import GRID_SEPARATOR
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.run import LINEAR, EvaluationLengths, Probes, Run
from urnn_bench.spec.stages import Stage
from urnn_bench.spec.start import StartFrom
from urnn_bench.spec.types import ComponentSpec

_MODELS = ("models",)
DEFAULT_POOLS = ("last", "every")


@dataclass(frozen=True)
class CheckedBenchmark:
    """A checked benchmark, its name, and a function that names the place of a key."""

    name: str
    benchmark: Benchmark
    where: Where


@dataclass(frozen=True)
class UnresolvedRun:
    """A run before its components have checked their options and its width is known.

    ``inherited`` are the keys of the model that the file has at its top. With ``stages``, ``task``
    and ``fit`` are those of the last one.
    """

    label: str
    model: ModelSpec
    task: ComponentSpec
    fit: Fit
    seed: int
    settings: tuple[str, ...]
    where: Where
    probes: Probes | None = None
    inherited: frozenset[str] = frozenset()
    evaluate: EvaluationLengths | None = None
    stages: tuple[Stage, ...] = ()
    start_from: StartFrom | None = None

    @property
    def model_name(self) -> str:
        """The model's name in the file: the label without the values in a grid."""
        return self.label.partition(GRID_SEPARATOR)[0]

    @property
    def readout(self) -> ComponentSpec:
        """The readout, the linear one if the file names none."""
        return self.model.readout or LINEAR

    @property
    def T(self) -> int:
        """The sequence length as the task counts it."""
        return self.task.T

    def path(self, key: str) -> KeyPath:
        """Return where the file has a key that models may inherit."""
        return (key,) if key in self.inherited else (*_MODELS, self.model_name, key)

    def describes(self, run: Run) -> bool:
        """Return whether a run is of this model and task, trained like this.

        Its seed, probes, number of updates, logging and evaluation batch do not matter. Options
        that the file leaves to the components, and the width that a budget of parameters allows,
        are not known here.
        """
        same_components = all(
            _is_same(component, recorded)
            for component, recorded in (
                (self.task, run.task),
                (self.model.cell, run.cell),
                (self.readout, run.readout),
            )
        )
        same_width = self.model.hidden in (None, run.hidden)
        # a run has no pool if it has the default one, which a file may name
        same_pool = self.model.pool in ((None, *DEFAULT_POOLS) if run.pool is None else (run.pool,))
        ignored = {key: getattr(self.fit, key) for key in ("steps", "log_every", "evaluate_batch")}
        own = self.model.layers or 1, self.model.block, self.model.bidirectional or False
        same_layers = own == (run.layers, run.block, run.bidirectional)
        same_network = same_components and same_width and same_layers and same_pool
        same_stages = _have_same_earlier_stages(self.stages, run.stages)
        same_stages &= (self.start_from is None) == (run.start_from is None)
        return same_network and same_stages and self.fit == run.fit.model_copy(update=ignored)


def _is_same(component: ComponentSpec, recorded: ComponentSpec) -> bool:
    """Return whether a recorded component has the name and the options of one of a file."""
    known = recorded.options
    return component.name == recorded.name and all(
        key in known and _is_same_option(value, known[key])
        for key, value in component.options.items()
    )


def _is_same_option(given: object, recorded: object) -> bool:
    """Return whether a recorded option is one of a file, which may be a component by its name."""
    if not (isinstance(recorded, Mapping) and recorded.keys() == ComponentSpec.model_fields.keys()):
        return given == recorded
    is_component = isinstance(given, str) or (isinstance(given, Mapping) and "name" in given)
    return is_component and _is_same(
        ComponentSpec.model_validate(given), ComponentSpec.model_validate(recorded)
    )


def _have_same_earlier_stages(stages: Sequence[Stage], recorded: Sequence[Stage]) -> bool:
    """Return whether recorded stages before the last are those of a file."""
    earlier, others = stages[:-1], recorded[:-1]
    return len(earlier) == len(others) and all(
        (a.name, a.fit) == (b.name, b.fit) and _is_same(a.task, b.task)
        for a, b in zip(earlier, others, strict=True)
    )
