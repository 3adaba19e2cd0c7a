"""Made-up spoken digits: those of the task fsdd."""

from data_for.fsdd import write as write
