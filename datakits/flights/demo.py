"""`bazel run //datakits/flights:demo`: `datakit run flights`."""

from datakit import run

if __name__ == "__main__":
    run("run", "flights")
