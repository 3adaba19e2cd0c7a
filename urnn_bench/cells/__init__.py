"""Recurrent cells, one file each; the file name is the model name."""
