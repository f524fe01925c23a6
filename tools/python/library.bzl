"""Wheels as Python libraries.

A wheel's unpacked folder is one input of an action: a runfiles tree of thousands of links costs more than most tests.
"""

load("@rules_python//python:defs.bzl", "PyInfo")

def _providers(ctx, folder):
    runfiles = ctx.runfiles([folder])
    for dep in ctx.attr.deps:
        runfiles = runfiles.merge(dep[DefaultInfo].default_runfiles)

    # In a runfiles tree, `../REPOSITORY/path` lies at `REPOSITORY/path`, and our own files below the workspace's name.
    path = folder.short_path
    path = path[len("../"):] if path.startswith("../") else "%s/%s" % (ctx.workspace_name, path)
    infos = [dep[PyInfo] for dep in ctx.attr.deps]
    wheels = depset([ctx.file.wheel], transitive = [dep[WheelInfo].wheels for dep in ctx.attr.deps])
    return [
        DefaultInfo(files = depset([folder]), runfiles = runfiles),
        PyInfo(
            transitive_sources = depset([folder], transitive = [i.transitive_sources for i in infos]),
            imports = depset([path], transitive = [i.imports for i in infos]),
            has_py2_only_sources = False,
            has_py3_only_sources = True,
        ),
        WheelInfo(wheel = ctx.file.wheel, wheels = wheels),
    ]

WheelInfo = provider(
    doc = "The wheel behind a library.",
    fields = {
        "wheel": "the library's own wheel, a File",
        "wheels": "depset of the wheels that it needs when used, its own included",
    },
)

_ATTRS = {
    "wheel": attr.label(mandatory = True, allow_single_file = [".whl"]),
    "deps": attr.label_list(providers = [PyInfo, WheelInfo]),
}

def _wheel_library_impl(ctx):
    return _providers(ctx, ctx.file.folder)

wheel_library = rule(
    doc = "A wheel that its repository unpacked into `folder`, as a library.",
    implementation = _wheel_library_impl,
    attrs = _ATTRS | {"folder": attr.label(mandatory = True, allow_single_file = True)},
)

def _wheels_folder_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name + ".site")
    arguments = ctx.actions.args()
    arguments.add("--bytecode")
    arguments.add_all(ctx.files.wheels)
    arguments.add(folder.path)
    ctx.actions.run(
        executable = ctx.executable._unpack,
        arguments = [arguments],
        inputs = ctx.files.wheels,
        outputs = [folder],
        mnemonic = "UnpackWheels",
        progress_message = "Unpacking the wheels of %{label}",
    )
    return [DefaultInfo(files = depset([folder]))]

_UNPACK = attr.label(default = "//tools/python:unpack", executable = True, cfg = "exec")

wheels_folder = rule(
    doc = "A folder of several wheels, for `folder` of each one's `wheel_library`.",
    implementation = _wheels_folder_impl,
    attrs = {
        "wheels": attr.label_list(mandatory = True, allow_files = [".whl"]),
        "_unpack": _UNPACK,
    },
)

def _unpacked_wheel_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name + ".site")
    arguments = ctx.actions.args()
    arguments.add(ctx.file.wheel)
    arguments.add(folder.path)
    ctx.actions.run(
        executable = ctx.executable._unpack,
        arguments = [arguments],
        inputs = [ctx.file.wheel],
        outputs = [folder],
        mnemonic = "UnpackWheel",
        progress_message = "Unpacking %{input}",
    )
    return _providers(ctx, folder)

unpacked_wheel = rule(
    doc = "A wheel that the build makes, unpacked, as a library: what imports it sees what users install.",
    implementation = _unpacked_wheel_impl,
    attrs = _ATTRS | {
        "_unpack": _UNPACK,
    },
)

def _wheel_closure_impl(ctx):
    return [DefaultInfo(files = depset(transitive = [dep[WheelInfo].wheels for dep in ctx.attr.deps]))]

wheel_closure = rule(
    doc = "The wheel files of libraries and of all that they need.",
    implementation = _wheel_closure_impl,
    attrs = {"deps": attr.label_list(mandatory = True, providers = [WheelInfo])},
)
