"""Several layers of a cell as one cell: depth, what surrounds each layer, and both directions."""
