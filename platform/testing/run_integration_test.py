"""Runs pytest with containers at hand, as a Bazel test: what integration_test.bzl starts."""

from __future__ import annotations

import sys

from datakit_testing.supervisor import main

if __name__ == "__main__":
    pytest = [sys.executable, "tools/python/run_pytest.py", "-p", "datakit_testing.plugin"]
    sys.exit(main([*pytest, *sys.argv[1:]]))
