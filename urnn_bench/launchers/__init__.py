"""Where the runs of a command are trained beside this process: ``run --on NAME[:ARGUMENT]``."""
