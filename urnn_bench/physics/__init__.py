"""The physics of lakes as pure functions, with units in their names."""
