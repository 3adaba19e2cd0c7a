"""Recurrences on a GPU, a whole sequence in one launch."""
