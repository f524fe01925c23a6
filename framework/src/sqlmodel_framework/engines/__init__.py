"""What a database can do: one folder a kind of database, found by the dialect of a target's URL."""

from .base import BaseEngine

__all__ = ["BaseEngine"]
