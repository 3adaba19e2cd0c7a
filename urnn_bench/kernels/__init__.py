"""Ways to compute a recurrence over a whole sequence."""
