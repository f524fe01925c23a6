"""A relocatable Python 3.11 from pinned Debian 12 packages: the toolchain's interpreter, and the images' too."""

load(":packages.bzl", "run_or_fail")

# Not unpacked into the toolchain: the loader's path is absolute, so the C library is the machine's; the rest is data
# that only images want.
_LEFT_OUT = ["libc6", "libgcc-s1", "ca-certificates", "tzdata", "media-types", "libtirpc-common"]

# The interpreter's folder is one input: thousands of links a test would cost more than the test. Its content cannot
# change under its label, as the label holds the hash of the packages that it was made from.
_BUILD = """\
load("@@{tools}//tools/debian:interpreter_files.bzl", "interpreter_files")
load("@rules_python//python:defs.bzl", "py_runtime", "py_runtime_pair")

package(default_visibility = ["//visibility:public"])

exports_files(["python3", "pip.whl", "{home}/bin/python3.11"])

interpreter_files(
    name = "files",
    folder = "{home}/lib",
)

py_runtime(
    name = "runtime",
    files = [":files"],
    interpreter = "{home}/bin/python3.11",
    python_version = "PY3",
)

py_runtime_pair(
    name = "pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    exec_compatible_with = ["@platforms//os:linux", "@platforms//cpu:x86_64"],
    target_compatible_with = ["@platforms//os:linux", "@platforms//cpu:x86_64"],
    toolchain = ":pair",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

def _debian_interpreter_impl(rctx):
    for deb in rctx.attr.debs:
        run_or_fail(rctx, "unpacking the interpreter", ["dpkg-deb", "-x", rctx.path(deb), "unpacked"])
    run_or_fail(rctx, "making the interpreter relocatable", ["bash", rctx.path(rctx.attr._relocate), "unpacked", rctx.attr.home])
    rctx.delete("unpacked")

    # For repository rules, which find files by their label, whatever the folder is called.
    rctx.symlink(rctx.attr.home + "/bin/python3.11", "python3")
    rctx.symlink(rctx.attr.home + "/lib/pip.whl", "pip.whl")
    rctx.file("BUILD.bazel", _BUILD.format(home = rctx.attr.home, tools = rctx.attr._relocate.workspace_name))

debian_interpreter = repository_rule(
    doc = "Python 3.11 with relative library paths, and a toolchain `:toolchain` for it.",
    implementation = _debian_interpreter_impl,
    attrs = {
        "debs": attr.label_list(mandatory = True, allow_files = [".deb"]),
        "home": attr.string(mandatory = True, doc = "the folder's name; it must change when the packages do"),
        "_relocate": attr.label(default = "//tools/debian:relocate.sh", allow_single_file = True),
    },
)

def packages_of_interpreter(packages):
    """Those of the lock's packages that the interpreter is made of."""
    wanted = ("python3", "libpython3", "lib", "zlib1g")
    return [p for p in packages if p.name not in _LEFT_OUT and p.name.startswith(wanted)]
