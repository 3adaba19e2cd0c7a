"""Kernels in Triton, which is imported only where they run: one program a row of a batch."""
