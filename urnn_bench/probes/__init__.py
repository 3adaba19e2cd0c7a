"""Looks inside a recurrence; a file is a probe of that name."""
