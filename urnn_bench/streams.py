"""The former name of ``random_streams``."""

from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)
