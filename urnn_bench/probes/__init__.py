"""Probes of a recurrence, one file each; the file name is the probe's name."""
