"""The feed-forward control of conv/clean: in one step the operations of rgc in eight."""

from pathlib import Path

import yaml

from urnn_bench.cells.convrnn import ConvRnn
from urnn_bench.tasks.base import Images

BENCHMARK = Path(__file__).parents[2] / "benchmarks/conv/clean.yaml"


def flops(width, **options):
    options = ConvRnn.Options.model_validate({"pools": 1, **options})
    return ConvRnn.of_input(Images(1, 8, 8), width, options).flops()


def test_is_the_widest_network_within_the_operations():
    models = yaml.safe_load(BENCHMARK.read_text())["models"]
    width = models["feedforward_operations"]["hidden"]
    alone = {"unit": "feedforward", "unrolling": "feedforward"}
    assert flops(width, **alone) <= 8 * flops(8) < flops(width + 1, **alone)
