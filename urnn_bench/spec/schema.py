"""The former name of ``spec.types``, ``spec.fit`` and ``spec.run``."""

from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)
