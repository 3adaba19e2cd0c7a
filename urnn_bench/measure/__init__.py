"""How fast each kernel is, and whether it computes what the time loop computes."""
