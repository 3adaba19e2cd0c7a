"""Benchmarks of recurrent networks on tasks that need a long memory."""

__version__ = "0.1.0"
