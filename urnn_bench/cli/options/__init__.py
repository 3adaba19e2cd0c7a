"""Arguments and options as named types, so that a command's signature stays short."""
