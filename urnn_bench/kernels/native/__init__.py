"""Kernels in C for a CPU, compiled at first use."""
