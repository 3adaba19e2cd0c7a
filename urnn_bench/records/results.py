"""The former name of ``analysis.results``."""

from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)
