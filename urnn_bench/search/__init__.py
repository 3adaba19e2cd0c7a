"""Searches: values of a model's keys are proposed, trained and scored on validation."""
