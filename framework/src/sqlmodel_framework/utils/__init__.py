"""The import path of `deploy_datakit` that users write, and nothing more."""
