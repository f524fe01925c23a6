"""The entry point of the MariaDB image."""
