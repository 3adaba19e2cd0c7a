"""Committed records keep their identity, or a later version would train everything again."""

from pathlib import Path

import pytest

from urnn_bench.records.record import Record

RESULTS = Path(__file__).resolve().parents[2] / "results" / "paper"


def changes(path):
    """What differs between a committed record and the run that this version reads from it."""
    record = Record.model_validate_json(path.read_text(encoding="utf-8"))
    if record.run.identity != record.identity:
        yield f"its identity is {record.run.identity}, not {record.identity}"
    if record.run.protocol != record.protocol:
        yield f"its protocol is {record.run.protocol}, not {record.protocol}"
    if record.run.slug != path.parent.name:
        yield f"its folder would be {record.run.slug}"


def test_committed_records_keep_their_identity():
    paths = sorted(RESULTS.rglob("run.json"))
    if not paths:
        pytest.skip("the records are in the repository, not in the package")
    changed = {str(path.relative_to(RESULTS)): list(changes(path)) for path in paths}
    assert {path: texts for path, texts in changed.items() if texts} == {}
