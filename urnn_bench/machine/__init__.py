"""What the machine lets this process use: processors and memory."""
