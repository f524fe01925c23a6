"""The flights datakit as a DAG."""

from pathlib import Path

from datakit_airflow import DatakitDag

dag = DatakitDag(Path(__file__).with_name("flights.yaml"), is_paused_upon_creation=False)
