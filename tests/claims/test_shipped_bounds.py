"""Bounds of the papers' claims: no value agrees with a claim and with its negation."""

from itertools import permutations

import pytest

from urnn_bench.claims.schema import load_paper
from urnn_bench.spec import catalogue


def same_quantity(one, two):
    places = [(claim.needs.benchmark, claim.needs.T, claim.quantity) for claim in (one, two)]
    differences = [claim.needs.against is None for claim in (one, two)]
    return places[0] == places[1] and all(differences)


@pytest.mark.parametrize("paper", catalogue.claims())
def test_a_claim_and_its_negation_share_no_bound(paper):
    claims = load_paper(paper).claims
    shared = [
        (name, other)
        for (name, one), (other, two) in permutations(claims.items(), 2)
        if same_quantity(one, two)
        and one.expect.below is not None
        and one.expect.below == two.expect.above
    ]
    assert not shared
