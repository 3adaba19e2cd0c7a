"""Committed records keep their identity, or a later version would train everything again."""

import json
from pathlib import Path

import pytest

from urnn_bench.records.record import Record

RESULTS = Path(__file__).resolve().parents[2] / "results" / "paper"


def test_committed_records_are_the_runs_they_say():
    found = sorted(RESULTS.rglob("run.json"))
    if not found:
        pytest.skip("the records are in the repository, not in the package")
    for path in found:
        record = Record.read(path.parent)
        assert record.run.identity == record.identity, path
        assert path.parent.name == record.run.slug
        assert "orthogonal_lr" not in json.loads(path.read_text())["run"]["fit"] or (
            record.run.fit.orthogonal_lr is None
        )
