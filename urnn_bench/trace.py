"""The former name of ``probes._trace``."""

from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)
