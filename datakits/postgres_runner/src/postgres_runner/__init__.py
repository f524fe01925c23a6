"""The runner that takes tables out of PostgreSQL and MariaDB."""

__version__ = "0.1.0"
