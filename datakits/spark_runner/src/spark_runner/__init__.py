"""The runner for Spark: it extracts large tables by parts, and runs jobs, on one machine or on a cluster."""

from .jdbc import JdbcDatabase
from .job import JobContext

__all__ = ["JdbcDatabase", "JobContext"]

__version__ = "0.1.0"
