"""The runner for typed tables: it offers every step that the framework has."""

__version__ = "0.1.0"
