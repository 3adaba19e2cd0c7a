"""What the terminal shows: lines, bars, tables, JSON."""
