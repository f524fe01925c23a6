"""Two teams' datakits as DAGs: one loads flights, the other waits for a table of theirs."""

from pathlib import Path

from datakit_airflow import DatakitDag

flights = DatakitDag(Path(__file__).with_name("flights.yaml"))
punctuality = DatakitDag(Path(__file__).with_name("punctuality.yaml"))
