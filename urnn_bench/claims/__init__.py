"""A paper's claims as data, and the verdicts of our runs on them."""
