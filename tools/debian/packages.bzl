"""Debian packages as a repository: fetched by the machine's apt, verified and kept by Bazel's repository cache.

The lock names packages, versions and hashes, never a host: where the files come from is the machine's own apt
configuration. A package that the repository cache holds needs neither apt nor a network.
"""

load("//tools:repository_cache.bzl", "from_repository_cache")
load(":lockfile.bzl", "parse_lock")

def run_or_fail(rctx, what, arguments, **kwargs):
    """Runs a command of a repository rule; a failure says what was tried and what the command printed."""
    result = rctx.execute(arguments, **kwargs)
    if result.return_code:
        fail("%s: `%s` ended with %d:\n%s%s" % (
            what,
            " ".join([str(a) for a in arguments]),
            result.return_code,
            result.stdout,
            result.stderr,
        ))
    return result.stdout

def _fetch(rctx, packages):
    names = ", ".join([p.name for p in packages])
    run_or_fail(rctx, "making a private apt configuration", ["bash", rctx.path(rctx.attr._apt_conf), "apt"])
    apt = {"APT_CONFIG": str(rctx.path("apt/apt.conf"))}
    run_or_fail(
        rctx,
        "fetching Debian 12's package lists (needed for %s; is there a network?)" % names,
        ["apt-get", "-qq", "update"],
        environment = apt,
    )
    rctx.file("downloads/.keep")
    run_or_fail(
        rctx,
        "fetching the Debian packages %s" % names,
        ["apt-get", "-qq", "download"] + ["%s=%s" % (p.name, p.version) for p in packages],
        environment = apt,
        working_directory = "downloads",
    )
    fetched = {f.basename.split("_")[0]: f for f in rctx.path("downloads").readdir()}
    for package in packages:
        # Through `download`, so that the hash is checked and the repository cache keeps the file.
        rctx.download(
            url = "file://" + str(fetched[package.name]).replace("%", "%25"),
            output = package.name + ".deb",
            sha256 = package.sha256,
        )
    rctx.delete("downloads")
    rctx.delete("apt")

def _debian_packages_impl(rctx):
    packages = parse_lock(rctx.read(rctx.attr.lock))
    missing = [p for p in packages if not from_repository_cache(rctx, p.name + ".deb", p.sha256)]
    if missing:
        _fetch(rctx, missing)
    rctx.file("BUILD.bazel", """\
package(default_visibility = ["//visibility:public"])

exports_files(glob(["*.deb"]))
""")

debian_packages = repository_rule(
    doc = "One file `NAME.deb` for each package of a lock.",
    implementation = _debian_packages_impl,
    attrs = {
        "lock": attr.label(mandatory = True, allow_single_file = True, doc = "`name version sha256` lines"),
        "_apt_conf": attr.label(default = "//tools/debian:apt_conf.sh", allow_single_file = True),
    },
)
