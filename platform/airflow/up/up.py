"""`bazel run //platform/airflow:up`: a local Airflow."""

import sys

from local_airflow.commands import main, up

if __name__ == "__main__":
    sys.exit(main(up))
