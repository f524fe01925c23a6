"Python packages for MODULE.bazel."

load(":lockfile.bzl", "cycles_of", "parse_lock")
load(":package.bzl", "python_hub", "python_package")

# What an sdist without a word of its own is built with.
_BUILD_DEPS = ["setuptools", "wheel"]

def _wheels_impl(mctx):
    # `Label` gives this extension's canonical prefix: repositories name each other by it.
    for module in mctx.modules:
        tags = {t.package: t.tag for t in module.tags.sdist}
        for tag in module.tags.lock:
            packages = parse_lock(mctx.read(tag.lock))
            cycles = cycles_of(packages)

            # Repositories that an extension makes are called `<module>~<extension>~<name>`.
            prefix = "_main~wheels~%s_" % tag.name

            def canonical(name):
                return prefix + name.replace("-", "_")

            for package in packages:
                cycle = cycles.get(package.name, [])
                python_package(
                    name = "%s_%s" % (tag.name, package.name.replace("-", "_")),
                    package = package.name,
                    version = package.version,
                    file = package.file,
                    sha256 = package.sha256,
                    deps = [canonical(d) for d in package.deps if d not in cycle],
                    cycle = [canonical(d) for d in cycle],
                    tag = tags.get(package.name, "py3-none-any"),
                    build_deps = [canonical(d) for d in _BUILD_DEPS],
                )
            python_hub(name = tag.name, packages = {p.name: canonical(p.name) for p in packages})

wheels = module_extension(
    implementation = _wheels_impl,
    tag_classes = {
        "sdist": tag_class(
            doc = "What kind of wheel an sdist builds, where that is not py3-none-any.",
            attrs = {"package": attr.string(mandatory = True), "tag": attr.string(mandatory = True)},
        ),
        "lock": tag_class(
            doc = "`@NAME//PACKAGE` for each package of a lock.",
            attrs = {"name": attr.string(mandatory = True), "lock": attr.label(mandatory = True)},
        ),
    },
)
