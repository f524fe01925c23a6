"""A year of flights out of New York City, from CSV files to a star schema and a report."""

from flights_datakit.datakit import datakit

__all__ = ["datakit"]
