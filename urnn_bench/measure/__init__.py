"""Measure how fast each kernel is, and check it against the time loop."""
