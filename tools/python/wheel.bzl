"""Wheels made by the build: our own and those of sdists, each by the build backend that its project names."""

def _build(ctx, inputs, source_arguments):
    name = ctx.attr.package.replace("-", "_").replace(".", "_")
    wheel = ctx.actions.declare_file("%s-%s-%s.whl" % (name, ctx.attr.version, ctx.attr.tag))
    arguments = ctx.actions.args()
    arguments.add("--out", wheel)
    arguments.add_all(source_arguments)
    ctx.actions.run(
        executable = ctx.executable.builder,
        arguments = [arguments],
        inputs = inputs,
        outputs = [wheel],
        mnemonic = "BuildWheel",
        progress_message = "Building the wheel of %s" % ctx.attr.package,
    )
    return [DefaultInfo(files = depset([wheel]))]

def _wheel_impl(ctx):
    root = ctx.label.package
    return _build(ctx, ctx.files.srcs, ["--root", root] + ctx.files.srcs)

_ATTRS = {
    "package": attr.string(mandatory = True, doc = "the distribution's name"),
    "version": attr.string(mandatory = True, doc = "checked against what the project itself says"),
    "tag": attr.string(default = "py3-none-any", doc = "likewise"),
    "builder": attr.label(mandatory = True, executable = True, cfg = "exec"),
}

_wheel = rule(
    implementation = _wheel_impl,
    attrs = _ATTRS | {"srcs": attr.label_list(mandatory = True, allow_files = True)},
)

def _wheel_of_sdist_impl(ctx):
    return _build(ctx, [ctx.file.sdist], ["--sdist", ctx.file.sdist])

_wheel_of_sdist = rule(
    implementation = _wheel_of_sdist_impl,
    attrs = _ATTRS | {"sdist": attr.label(mandatory = True, allow_single_file = [".gz", ".zip"])},
)

def _builder(name, build_deps):
    native.py_binary(
        name = name,
        srcs = ["@@//tools/python:build_wheel.py"],
        main = "@@//tools/python:build_wheel.py",
        python_version = "PY3",
        deps = build_deps,
        visibility = ["//visibility:private"],
    )

def wheel_of_sdist(name, package, version, tag, sdist, build_deps):
    """The wheel of an sdist, the same bytes each time.

    Args:
      name: the target's name.
      package: the distribution's name.
      version: its version.
      tag: the kind of wheel that it builds.
      sdist: the file.
      build_deps: libraries that its build backend needs.
    """
    _builder(name + ".builder", build_deps)
    _wheel_of_sdist(
        name = name,
        package = package,
        version = version,
        tag = tag,
        sdist = sdist,
        builder = name + ".builder",
    )

def wheel(name, package, version, srcs, build_deps, **kwargs):
    """The wheel of the project in this folder, as `pip wheel .` makes it, the same bytes each time.

    Args:
      name: the target's name.
      package: the distribution's name.
      version: its version, as pyproject.toml says it.
      srcs: pyproject.toml and all that it refers to.
      build_deps: libraries that its build backend needs.
      **kwargs: common attributes, such as visibility.
    """
    _builder(name + ".builder", build_deps)
    _wheel(name = name, package = package, version = version, srcs = srcs, builder = name + ".builder", **kwargs)
