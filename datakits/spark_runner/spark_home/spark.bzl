"What an image with Spark is made of, for runner_image."

load("//platform/debian:java.bzl", "JAVA_HOME")
load("//tools/oci:layers.bzl", "ENVIRONMENT")

SPARK_LAYERS = [
    "//platform/debian:java",
    "//datakits/spark_runner/spark_home:layer",
]

SPARK_WHEELS = ["//datakits/spark_runner/spark_home:wheels"]

# The starters of this folder come before those of pyspark's wheel, which need a shell.
SPARK_ENV = {
    "JAVA_HOME": JAVA_HOME,
    "PATH": "/opt/spark/bin:%s/bin:/usr/bin" % ENVIRONMENT,
    "SPARK_HOME": "/opt/spark",
    # Of a worker: what applications bring, and what executors say.
    "SPARK_WORKER_DIR": "/tmp/spark-work",
}
