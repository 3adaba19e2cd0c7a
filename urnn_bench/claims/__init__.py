"""A paper's claims as data, and what our runs say of them."""
