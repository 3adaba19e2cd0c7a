"""Tasks, one file each; the file name is the task name."""
