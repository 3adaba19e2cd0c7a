"""Figures, one file each, drawn from records alone."""
