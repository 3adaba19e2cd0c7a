"""The commands, and what only one of them needs."""
