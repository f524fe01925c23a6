"""The runner for SQL Server: it takes tables out of a source, besides every step that the framework has."""

__version__ = "0.1.0"
