"""One Python package as a repository: fetched by pip, verified and kept by Bazel's repository cache.

The lock names files and hashes, never a host: where they come from is the machine's own pip configuration. A file
that the repository cache holds needs neither pip nor a network.
"""

load("//tools:repository_cache.bzl", "from_repository_cache")

_WHEEL = """\
load("@@{main}//tools/python:library.bzl", "wheel_library", "wheels_folder")

package(default_visibility = ["//visibility:public"])

wheel_library(
    name = "pkg",
    folder = "{folder}",
    wheel = "{file}",
    deps = {deps},
)

alias(
    name = "whl",
    actual = "{file}",
)
"""

# Of packages that need each other, each has the others as they are alone: targets may not go round in a circle.
_ALONE = """
wheel_library(
    name = "alone",
    folder = "{folder}",
    wheel = "{file}",
    deps = {deps},
)
"""

# All of them lie in one folder, which the first of them makes: they look for each other's files.
_TOGETHER = """
wheels_folder(
    name = "together",
    wheels = {wheels},
)
"""

_SDIST = """\
load("@@{main}//tools/python:library.bzl", "unpacked_wheel")
load("@@{main}//tools/python:wheel.bzl", "wheel_of_sdist")

package(default_visibility = ["//visibility:public"])

wheel_of_sdist(
    name = "whl",
    package = "{package}",
    version = "{version}",
    tag = "{tag}",
    sdist = "{file}",
    build_deps = {build_deps},
)

unpacked_wheel(
    name = "pkg",
    wheel = ":whl",
    deps = {deps},
)
"""

def _fetch(rctx):
    file, sha256 = rctx.attr.file, rctx.attr.sha256
    if from_repository_cache(rctx, file, sha256):
        return
    result = rctx.execute([
        rctx.path(rctx.attr._python),
        "-I",
        rctx.path(rctx.attr._fetch),
        rctx.path(rctx.attr._pip),
        rctx.attr.package,
        rctx.attr.version,
        sha256,
        "downloads",
    ], environment = {"PYTHONDONTWRITEBYTECODE": "1"})
    if result.return_code:
        fail("fetching the Python package %s %s (is there a network?): pip ended with %d:\n%s%s" % (
            rctx.attr.package,
            rctx.attr.version,
            result.return_code,
            result.stdout,
            result.stderr,
        ))

    # Through `download`, so that the hash is checked again and the repository cache keeps the file.
    rctx.download(url = "file://%s" % rctx.path("downloads/" + file), output = file, sha256 = sha256)
    rctx.delete("downloads")

def _unpack(rctx, folder):
    result = rctx.execute([
        rctx.path(rctx.attr._python),
        "-I",
        rctx.path(rctx.attr._unpack),
        "--bytecode",
        rctx.attr.file,
        folder,
    ])
    if result.return_code:
        fail("unpacking %s:\n%s%s" % (rctx.attr.file, result.stdout, result.stderr))

def _python_package_impl(rctx):
    _fetch(rctx)
    main = rctx.attr._unpack.workspace_name
    deps = ["@@%s//:pkg" % d for d in rctx.attr.deps]
    cycle = ["@@%s//:alone" % d for d in rctx.attr.cycle]
    if rctx.attr.file.endswith(".whl") and cycle:
        members = sorted(rctx.attr.cycle + [rctx.name])
        folder = "@@%s//:together" % members[0]
        build = _WHEEL.format(main = main, file = rctx.attr.file, folder = folder, deps = repr(deps + cycle))
        build += _ALONE.format(file = rctx.attr.file, folder = folder, deps = repr(deps))
        if rctx.name == members[0]:
            build += _TOGETHER.format(wheels = repr(["@@%s//:whl" % member for member in members]))
    elif rctx.attr.file.endswith(".whl"):
        # The folder is one input of an action. Its content cannot change under its name, which holds the wheel's hash.
        folder = "site-" + rctx.attr.sha256[:12]
        _unpack(rctx, folder)
        build = _WHEEL.format(main = main, file = rctx.attr.file, folder = folder, deps = repr(deps))
    elif cycle:
        fail("%s is an sdist and one of packages that need each other: that is for wheels only" % rctx.attr.package)
    else:
        build = _SDIST.format(
            main = main,
            package = rctx.attr.package,
            version = rctx.attr.version,
            tag = rctx.attr.tag,
            file = rctx.attr.file,
            deps = repr(deps),
            build_deps = repr(["@@%s//:pkg" % d for d in rctx.attr.build_deps]),
        )
    rctx.file("BUILD.bazel", build)

python_package = repository_rule(
    doc = "`:whl`, the wheel (built from the sdist where that is what the lock names), and `:pkg`, a py_library of it.",
    implementation = _python_package_impl,
    attrs = {
        "package": attr.string(mandatory = True),
        "version": attr.string(mandatory = True),
        "file": attr.string(mandatory = True),
        "sha256": attr.string(mandatory = True),
        "cycle": attr.string_list(doc = "those of the other packages that it needs, and that need it"),
        "tag": attr.string(doc = "of the wheel that an sdist builds"),
        "deps": attr.string_list(doc = "canonical names of the repositories that it needs when used"),
        "build_deps": attr.string_list(doc = "canonical names of those that building its sdist needs"),
        "_python": attr.label(default = "@python//:python3"),
        "_pip": attr.label(default = "@python//:pip.whl"),
        "_fetch": attr.label(default = "//tools/python:fetch.py", allow_single_file = True),
        "_unpack": attr.label(default = "//tools/python:unpack.py", allow_single_file = True),
    },
)

_HUB = """\
package(default_visibility = ["//visibility:public"])

alias(
    name = "{name}",
    actual = "@@{repository}//:pkg",
)

alias(
    name = "whl",
    actual = "@@{repository}//:whl",
)
"""

def _hub_impl(rctx):
    rctx.file("BUILD.bazel", "")
    for package, repository in rctx.attr.packages.items():
        name = package.replace("-", "_")
        rctx.file(name + "/BUILD.bazel", _HUB.format(name = name, repository = repository))

python_hub = repository_rule(
    doc = "`@HUB//PACKAGE` and `@HUB//PACKAGE:whl` for each package of a lock.",
    implementation = _hub_impl,
    attrs = {"packages": attr.string_dict(mandatory = True, doc = "package to canonical repository name")},
)
