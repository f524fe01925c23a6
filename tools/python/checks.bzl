"Style, formatting and types of a folder's Python."

load("@rules_python//python:defs.bzl", "py_test")

_CACHE = "//tools/python:types_cache"

# With mypy, the types of libraries that have none themselves. All checks have them: what mypy knows of a module
# counts only where the module finds the same imports.
_MYPY = [
    "@pypi//mypy",
    "@pypi//types_psycopg2",
    "@pypi//types_pymysql",
    "@pypi//types_pyyaml",
]

def python_checks(name, srcs, deps = [], types = None, data = [], **kwargs):
    """Three tests: `NAME.lint` (ruff), `NAME.format` (ruff) and `NAME.types` (mypy, strict).

    Args:
      name: the prefix of the three names.
      srcs: the Python files, tests included.
      deps: libraries that the files import, as far as types are known.
      types: the files whose types are checked; default: all of `srcs`.
      data: Python files of the `tests` folder above that the files import.
      **kwargs: common test attributes.
    """
    for check, files in (("lint", srcs), ("format", srcs), ("types", srcs if types == None else types)):
        py_test(
            name = "%s.%s" % (name, check),
            size = "medium" if check == "types" else "small",
            srcs = ["//tools/python:run_checks.py"],
            main = "//tools/python:run_checks.py",
            args = [check, native.package_name()] + ["$(rootpath %s)" % f for f in files],
            data = files + ["//:pyproject.toml"] + (data + [_CACHE] if check == "types" else []),
            env = {"PYTHONDONTWRITEBYTECODE": "1"} |
                  ({"TYPES_CACHE": "$(rootpath %s)" % _CACHE} if check == "types" else {}),
            python_version = "PY3",
            deps = ["//tools/python:type_check"] + (deps + _MYPY if check == "types" else ["@pypi//ruff"]),
            **kwargs
        )
