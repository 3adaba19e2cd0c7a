"""Data sets: known files, where they lie, how they are fetched and read."""
