"Tests that start containers."

load("@rules_python//python:defs.bzl", "py_test")
load("//tools/python:pytest.bzl", "RUNNER_DATA")

_MAIN = "//platform/testing:run_integration_test.py"

def integration_test(
        name,
        srcs,
        images = {},
        databases = {},
        deps = [],
        data = [],
        workers = 1,
        size = "medium",
        timeout = "long",
        env = {},
        tags = [],
        **kwargs):
    """A Bazel test that runs pytest over test modules, with containers at hand.

    The fixtures `containers`, `postgres`, `mariadb` and `run_image` of `datakit_testing.plugin` are there. Containers
    have storage, network and processes of this test's own, so targets run side by side; all is gone at the end. What
    the containers said stands beside each failure.

    A skip fails the test unless its reason is on the committed list `//tools/python:allowed_skips.txt`. The tag
    `manual` is refused: `bazel test //...` would not run it.

    Args:
      name: the target's name.
      srcs: test modules (`test_*.py`), conftest.py files and modules that they import.
      images: the name that the tests use to the label of an image, as `oci_image` makes it.
      databases: `postgres` or `mariadb` to the label of that database's image, for the fixture of that name.
      deps: libraries that they import; pytest and the database drivers are there already.
      data: files that they read.
      workers: how many pytest-xdist processes share the tests; each has its own network and databases.
      size: Bazel's test size.
      timeout: Bazel's; on a busy machine containers take longer than the five minutes of a medium test.
      env: environment variables of the test.
      tags: more tags.
      **kwargs: common test attributes.
    """
    if "manual" in tags:
        fail("%s is tagged manual, so `bazel test //...` would not run it" % name)
    for kind in databases:
        if kind not in ["postgres", "mariadb"]:
            fail("databases of %s: %r is neither postgres nor mariadb" % (name, kind))
        if kind in images:
            fail("%s names %s as an image and as a database" % (name, kind))
    layouts = images | databases
    tests = [s for s in srcs if s.split("/")[-1].startswith("test_")]
    py_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = srcs + [_MAIN],
        main = _MAIN,
        args = ["--workers=%d" % workers] + ["$(rootpath %s)" % s for s in tests],
        data = data + {label: True for label in layouts.values()}.keys() + RUNNER_DATA + [
            "//tools/python:run_pytest.py",
        ],
        env = env | {
            "DATAKIT_TESTING_IMAGES": "{%s}" % ", ".join([
                "%s: \"$(rootpath %s)\"" % (json.encode(key), label)
                for key, label in layouts.items()
            ]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        python_version = "PY3",
        # Namespaces of its own, which Bazel's sandbox does not allow. Outside of the launcher, the machine's network.
        tags = tags + ["no-sandbox", "requires-network"] + (["cpu:%d" % workers] if workers > 1 else []),
        deps = deps + [
            "//platform/testing",
            "@pypi//pytest",
            "@pypi//pytest_xdist",
        ],
        **kwargs
    )
