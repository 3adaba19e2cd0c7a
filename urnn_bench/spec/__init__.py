"""What a user can ask for: benchmark files, checked and expanded into runs."""
