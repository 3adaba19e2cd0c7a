"""Benchmarks with a search of seconds, and what is read of their trials."""

import json

SEARCHED = """\
title: A search for tests
task: {name: copying, symbols: 3, recall: 2, validation_examples: 12, test_examples: 16}
T: [4]
hidden: 6
models:
  lstm:
fit: {steps: 8, batch: 4, clip: {value: 1.0}, log_every: 2, evaluate_every: 2}
search:
  space:
    hidden: {low: 2, high: 6, step: 2}
    optimizer.name: [adam, rmsprop_paper]
    optimizer.lr: {low: 1.0e-4, high: 1.0e-1, log: true}
    optimizer.decay: {choices: [0.9, 0.5], when: {optimizer.name: [rmsprop_paper]}}
  trials: 5
  startup_trials: 2
"""
HALVING = "  halving: {first: 2, factor: 2}\n"


def lines(bench, results="results", benchmark="searched"):
    """Return the recorded trials as they are written."""
    path = bench.folder / results / benchmark / "trials.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
