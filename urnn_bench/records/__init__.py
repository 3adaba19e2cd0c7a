"""One folder for each run, and how it is written and read."""
