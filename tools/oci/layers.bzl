"""Layers of images, each an output of its own: what did not change is neither written nor compressed again.

All paths in a layer are root's and as of the epoch, files 0644 or 0755, folders 0755, unless said otherwise. Layers of
one image must not hold the same path, folders apart; `oci_image` refuses it.
"""

load("//tools/python:library.bzl", "WheelInfo")
load(":providers.bzl", "LayerInfo")

# Where Python images keep their packages, beside the interpreter of Debian.
ENVIRONMENT = "/opt/datakit"

_COMMON = {
    "files": attr.label_keyed_string_dict(
        allow_files = True,
        doc = "a file or folder to `PATH [MODE [UID:GID]]`",
    ),
    "directories": attr.string_dict(doc = "the path of an empty folder to `[MODE [UID:GID]]`"),
    "links": attr.string_dict(doc = "the path of a symbolic link to its target"),
    "_tool": attr.label(default = "//tools/oci:oci_tool", executable = True, cfg = "exec"),
}

def _write_layer(ctx, recipe, packages = [], wheels = depset()):
    files = []
    for target, where in ctx.attr.files.items():
        found = target[DefaultInfo].files.to_list()
        if len(found) != 1:
            fail("%s is %d files: name them one by one, or a target that makes a folder" % (target.label, len(found)))
        files.append([found[0].path, where])
    file = ctx.actions.declare_file(ctx.label.name + ".recipe.json")
    ctx.actions.write(file, json.encode(recipe | {
        "title": "//%s:%s" % (ctx.label.package, ctx.label.name),
        "files": files,
        "directories": ctx.attr.directories,
        "links": ctx.attr.links,
    }))
    blob = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    facts = ctx.actions.declare_file(ctx.label.name + ".facts.json")
    arguments = ctx.actions.args()
    arguments.add("layer")
    arguments.add("--recipe", file)
    arguments.add("--blob", blob)
    arguments.add("--facts", facts)
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [arguments],
        inputs = [file] + ctx.files.files + packages,
        outputs = [blob, facts],
        mnemonic = "Layer",
        progress_message = "Writing the layer %{label}",
    )
    return [
        DefaultInfo(files = depset([blob, facts])),
        LayerInfo(blob = blob, facts = facts, packages = packages, wheels = wheels),
        OutputGroupInfo(facts = depset([facts])),
    ]

_COMPILED = {"compiled": attr.string_list(doc = "folders of the image below which Python modules are compiled")}

def _files_layer_impl(ctx):
    return _write_layer(ctx, {"compiled": ctx.attr.compiled})

files_layer = rule(
    doc = "A layer of files, empty folders and links.",
    implementation = _files_layer_impl,
    attrs = _COMMON | _COMPILED,
)

def _debian_layer_impl(ctx):
    return _write_layer(ctx, {
        "packages": [f.path for f in ctx.files.debs],
        "leave_out": ctx.attr.leave_out,
        "compiled": ctx.attr.compiled,
    }, ctx.files.debs)

_debian_layer = rule(
    implementation = _debian_layer_impl,
    attrs = _COMMON | _COMPILED | {
        "debs": attr.label_list(mandatory = True, allow_files = [".deb"]),
        "leave_out": attr.string_list(),
    },
)

def debian_layer(name, packages, leave_out = [], compiled = [], **kwargs):
    """A layer of Debian packages, of these alone: what they depend on is in it, or in a layer below, or left out.

    Documentation, manuals, translations and the settings of services that no image runs are left out always,
    copyright notices never. No script of a package runs; of ca-certificates' work, the list of authorities is done.
    Each package leaves its control file in /var/lib/dpkg/status.d, where scanners look for it.

    Args:
      name: the target's name.
      packages: names of packages in the Debian lock.
      leave_out: patterns of paths to leave out, relative to the root, in which `*` also stands for slashes.
      compiled: folders below which Python modules are compiled.
      **kwargs: `files`, `directories`, `links` as in `files_layer`, and common attributes.
    """
    _debian_layer(
        name = name,
        debs = ["@debian//:%s.deb" % package for package in packages],
        leave_out = leave_out,
        compiled = compiled,
        **kwargs
    )

def _wheels_layer_impl(ctx):
    below = {w: True for layer in ctx.attr.on for w in layer[LayerInfo].wheels.to_list()}
    for target in ctx.attr.without:
        below[target[WheelInfo].wheel] = True
    closure = depset(transitive = [dep[WheelInfo].wheels for dep in ctx.attr.deps])
    chosen = []
    for wheel in closure.to_list():
        ours = wheel.owner.workspace_name == ""
        if wheel not in below and (ctx.attr.origin == "any" or ours == (ctx.attr.origin == "here")):
            chosen.append(wheel)
    wheels = depset(chosen, transitive = [layer[LayerInfo].wheels for layer in ctx.attr.on])
    if not chosen and not (ctx.attr.files or ctx.attr.directories or ctx.attr.links):
        return [DefaultInfo(), LayerInfo(blob = None, facts = None, packages = [], wheels = wheels)]
    return _write_layer(ctx, {
        "wheels": [w.path for w in chosen],
        "environment": ENVIRONMENT,
    }, chosen, wheels)

wheels_layer = rule(
    doc = """A layer of wheels, installed into the virtual environment of the image, their modules compiled.

It holds the wheels of `deps` and of all that they need, but for what the layers `on` which it lies have already.
""",
    implementation = _wheels_layer_impl,
    attrs = _COMMON | {
        "deps": attr.label_list(mandatory = True, providers = [WheelInfo], doc = "libraries"),
        "on": attr.label_list(providers = [LayerInfo], doc = "layers of wheels that lie below it in every image"),
        "without": attr.label_list(providers = [WheelInfo], doc = "libraries that are not installed themselves"),
        "origin": attr.string(
            default = "any",
            values = ["any", "here", "elsewhere"],
            doc = "`here`: only wheels that this repository's sources make; `elsewhere`: only the others",
        ),
    },
)

def _java_key_store_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".jks")
    arguments = ctx.actions.args()
    arguments.add("java-key-store")
    arguments.add("--package", ctx.file.package)
    arguments.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [arguments],
        inputs = [ctx.file.package],
        outputs = [out],
        mnemonic = "JavaKeyStore",
    )
    return [DefaultInfo(files = depset([out]))]

java_key_store = rule(
    doc = "The authorities of the package ca-certificates, as Java reads them.",
    implementation = _java_key_store_impl,
    attrs = {
        "package": attr.label(default = "@debian//:ca-certificates.deb", allow_single_file = True),
        "_tool": _COMMON["_tool"],
    },
)
