"""Verifying: whether a target still holds what the sources of its loads offer."""
