"""The runner for dbt projects: dbt-core in this process, by the run contract."""

__version__ = "0.1.0"
