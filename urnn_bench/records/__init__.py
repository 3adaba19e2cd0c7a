"""One folder for each run, and the code that writes and reads it."""
