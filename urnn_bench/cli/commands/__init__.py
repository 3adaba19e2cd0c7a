"""One file a command, and what they do before they write."""
