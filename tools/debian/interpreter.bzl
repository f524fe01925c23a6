"""A relocatable Python 3.11 from pinned Debian 12 packages: the toolchain's interpreter, and the images' too."""

load(":packages.bzl", "run_or_fail")

# Each package that the toolchain is unpacked from, by name: what else the lock holds never gets in. The C library is
# not among them: the loader's path is absolute, so it is the machine's. Images have it, and the same packages.
INTERPRETER = [
    "libbz2-1.0",
    "libcom-err2",
    "libcrypt1",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libtinfo6",
    "libtirpc3",
    "libuuid1",
    "python3-pip-whl",
    "python3.11",
    "python3.11-minimal",
    "zlib1g",
]

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
    """Those of the lock's packages that the interpreter is made of, in the lock's order."""
    chosen = [p for p in packages if p.name in INTERPRETER]
    missing = [name for name in INTERPRETER if name not in [p.name for p in chosen]]
    if missing:
        fail("the Debian lock lacks packages of the interpreter: %s" % ", ".join(missing))
    return chosen
