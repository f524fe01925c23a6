"Style, formatting and types of a folder's Python."

load("@rules_python//python:defs.bzl", "py_test")

def python_checks(name, srcs, deps = [], types = None, **kwargs):
    """Three tests: `NAME.lint` (ruff), `NAME.format` (ruff) and `NAME.types` (mypy, strict).

    Args:
      name: the prefix of the three names.
      srcs: the Python files, tests included.
      deps: libraries that the files import, as far as types are known.
      types: the files whose types are checked; default: all of `srcs`.
      **kwargs: common test attributes.
    """
    for check, files in (("lint", srcs), ("format", srcs), ("types", srcs if types == None else types)):
        py_test(
            name = "%s.%s" % (name, check),
            size = "medium" if check == "types" else "small",
            srcs = ["//tools/python:run_checks.py"],
            main = "//tools/python:run_checks.py",
            args = [check, native.package_name()] + ["$(rootpath %s)" % f for f in files],
            data = files + ["//:pyproject.toml"],
            env = {"PYTHONDONTWRITEBYTECODE": "1"},
            python_version = "PY3",
            deps = ["@pypi//ruff"] if check != "types" else deps + ["@pypi//mypy"],
            **kwargs
        )
