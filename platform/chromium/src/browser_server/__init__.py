"""The entry point of the browser's image."""
