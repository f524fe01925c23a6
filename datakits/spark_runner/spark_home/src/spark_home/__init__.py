"""Spark's own starters without a shell."""
