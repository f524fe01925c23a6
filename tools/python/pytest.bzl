"The one way in which Python tests are run."

load("@rules_python//python:defs.bzl", "py_test")

_RUNNER = "//tools/python:run_pytest.py"

# What the runner needs beside it.
RUNNER_DATA = [
    "//tools/python:allowed_skips.txt",
    "//tools/python:plugin/keep_platform.py",
    "//tools/python:pytest.ini",
]

def pytest_test(name, srcs, deps = [], data = [], workers = 1, size = "medium", env = {}, **kwargs):
    """A Bazel test that runs pytest over test modules.

    A skip fails the test unless its reason is on the committed list `//tools/python:allowed_skips.txt`. The tag
    `manual` is refused: `bazel test //...` would not run it.

    Args:
      name: the target's name.
      srcs: test modules (`test_*.py`), conftest.py files and modules that they import.
      deps: libraries that they import; pytest and pytest-xdist are there already.
      data: files that they read.
      workers: how many pytest-xdist processes share the tests; 1 runs them in one process.
      size: Bazel's test size.
      env: environment variables of the test.
      **kwargs: common test attributes.
    """
    tags = kwargs.pop("tags", [])
    if "manual" in tags:
        fail("%s is tagged manual, so `bazel test //...` would not run it" % name)
    tests = [s for s in srcs if s.split("/")[-1].startswith("test_")]
    py_test(
        name = name,
        size = size,
        srcs = srcs + [_RUNNER],
        main = _RUNNER,
        args = ["--workers=%d" % workers] + ["$(rootpath %s)" % s for s in tests],
        data = data + RUNNER_DATA,
        env = env | {"PYTHONDONTWRITEBYTECODE": "1"},
        python_version = "PY3",
        tags = tags + (["cpu:%d" % workers] if workers > 1 else []),
        deps = deps + ["@pypi//pytest", "@pypi//pytest_xdist"],
        **kwargs
    )
