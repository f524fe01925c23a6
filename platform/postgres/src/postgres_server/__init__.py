"""The entry point of the PostgreSQL image."""
