"""`bazel run //platform/airflow:down`: removes the local Airflow."""

import sys

from local_airflow.commands import down, main

if __name__ == "__main__":
    sys.exit(main(down))
