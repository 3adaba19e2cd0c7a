"""From a benchmark to finished runs: resolved, built, trained, recorded, resumed."""
