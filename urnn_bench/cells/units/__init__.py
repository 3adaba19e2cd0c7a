"""Recurrent units of a convolutional layer, found by their file name."""
