"""What the tests of claims share."""

import json

import pytest
from made_up import CLAIMS


@pytest.fixture
def verify(bench):
    """Judge the made-up paper, and return its rows by claim."""
    path = bench.write("paper.yaml", CLAIMS)
    bench.write("benchmarks/made.yaml", bench.MADE)

    def run(code):
        bench("verify", path, code=code)
        found = json.loads(bench("verify", path, "--json", code=code).out)
        return {row["claim"]: row for row in found}

    return run
