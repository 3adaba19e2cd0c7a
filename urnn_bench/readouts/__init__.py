"""Readouts, one file each; the file name is the readout's name."""
