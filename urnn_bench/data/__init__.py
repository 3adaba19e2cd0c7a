"""Data sets: which files, where they are, how they are fetched and read."""
