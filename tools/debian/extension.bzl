"Debian packages for MODULE.bazel."

load(":interpreter.bzl", "debian_interpreter", "packages_of_interpreter")
load(":lockfile.bzl", "parse_lock")
load(":packages.bzl", "debian_packages")

def _debian_impl(mctx):
    for module in mctx.modules:
        for tag in module.tags.lock:
            debian_packages(name = tag.name, lock = tag.lock)
        for tag in module.tags.python:
            packages = packages_of_interpreter(parse_lock(mctx.read(tag.lock)))
            debian_interpreter(
                name = tag.name,
                debs = ["@%s//:%s.deb" % (tag.packages, p.name) for p in packages],
                home = "python-%x" % (hash(" ".join([p.sha256 for p in packages])) & 0xffffffff),
            )

debian = module_extension(
    implementation = _debian_impl,
    tag_classes = {
        "lock": tag_class(
            doc = "A repository with one file `NAME.deb` for each package of a lock.",
            attrs = {"name": attr.string(mandatory = True), "lock": attr.label(mandatory = True)},
        ),
        "python": tag_class(
            doc = "A repository with a relocatable Python made from the packages of a lock.",
            attrs = {
                "name": attr.string(mandatory = True),
                "lock": attr.label(mandatory = True),
                "packages": attr.string(mandatory = True, doc = "the repository that holds the lock's packages"),
            },
        ),
    },
)
