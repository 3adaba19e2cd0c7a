"""The former name of ``kernels.time_loop``."""

from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)
