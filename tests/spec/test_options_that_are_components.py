"""A benchmark describes runs whose cell has an option that is a component, named in any form."""

import pytest

from urnn_bench.records.folder import records
from urnn_bench.spec.load import read
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts

BENCHMARK = """
title: units
task: {{name: shown_digits, validation_examples: 20, training_examples: 100}}
T: 4
hidden: 2
models:
  conv: {{cell: {{name: convrnn, pools: 1, unit: {unit}}}}}
fit: {{steps: 1, batch: 4, evaluate_every: 1}}
"""
RECORDED = "{name: lstm, peepholes: true}"


@pytest.fixture
def describes(bench):
    """Return whether a file with this unit describes a run that was trained with another one."""
    path = bench.folder / "units.yaml"
    path.write_text(BENCHMARK.format(unit=RECORDED))
    bench("run", "units.yaml")
    ((_, record),) = records(bench.folder / "results", "units")

    def is_described(unit):
        path.write_text(BENCHMARK.format(unit=unit))
        (draft,) = drafts(
            check_benchmark("units", read(path), Selection(), ("convrnn",)), Selection()
        )
        return draft.describes(record.run)

    return is_described


@pytest.mark.parametrize("unit", ["lstm", "{name: lstm}", RECORDED])
def test_a_unit_is_the_recorded_one_by_its_name_and_the_options_given(describes, unit):
    assert describes(unit)


@pytest.mark.parametrize("unit", ["gru", "{name: lstm, peepholes: false}", "{peepholes: true}", 3])
def test_another_unit_or_option_is_not_what_was_trained(describes, unit):
    assert not describes(unit)
