"Images: OCI image layouts made of layers."

load("//tools/sbom:sbom.bzl", "sbom")
load(":providers.bzl", "ImageInfo", "LayerInfo")

# Who an image's program is, unless it says otherwise: nobody's id on any machine, and in no image's files.
USER = "10001:10001"

def _oci_image_impl(ctx):
    layers = [layer[LayerInfo] for layer in ctx.attr.layers if layer[LayerInfo].blob]
    config = ctx.actions.declare_file(ctx.label.name + ".config.json")
    ctx.actions.write(config, json.encode({
        key: value
        for key, value in {
            "Cmd": ctx.attr.cmd,
            "Entrypoint": ctx.attr.entrypoint,
            "Env": ["%s=%s" % item for item in ctx.attr.env.items()],
            "ExposedPorts": {port: {} for port in ctx.attr.ports},
            "Labels": ctx.attr.labels,
            "StopSignal": ctx.attr.stop_signal,
            "User": ctx.attr.user,
            "Volumes": {path: {} for path in ctx.attr.volumes},
            "WorkingDir": ctx.attr.workdir,
        }.items()
        if value
    }))
    layout = ctx.actions.declare_directory(ctx.label.name)
    arguments = ctx.actions.args()
    arguments.add("image")
    arguments.add("--out", layout.path)
    arguments.add("--digest", ctx.outputs.digest)
    arguments.add("--config", config)
    arguments.add("--name", ctx.attr.reference or "localhost/%s:latest" % ctx.label.package)
    for layer in layers:
        arguments.add_all("--layer", [layer.blob, layer.facts])
    blobs, facts = [layer.blob for layer in layers], [layer.facts for layer in layers]
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [arguments],
        inputs = [config] + blobs + facts,
        outputs = [layout, ctx.outputs.digest],
        mnemonic = "Image",
        progress_message = "Writing the image %{label}",
    )
    return [
        DefaultInfo(
            files = depset([layout]),
            # The layers too: the layout's are links to them.
            runfiles = ctx.runfiles([layout, ctx.outputs.digest] + blobs),
        ),
        ImageInfo(
            layout = layout,
            digest = ctx.outputs.digest,
            blobs = depset(blobs),
            facts = facts,
            packages = [package for layer in layers for package in layer.packages],
        ),
        OutputGroupInfo(digest = depset([ctx.outputs.digest])),
    ]

_oci_image = rule(
    implementation = _oci_image_impl,
    outputs = {"digest": "%{name}.digest"},
    attrs = {
        "layers": attr.label_list(mandatory = True, providers = [LayerInfo], doc = "from the lowest to the highest"),
        "env": attr.string_dict(doc = "the environment"),
        "entrypoint": attr.string_list(doc = "the program and its first arguments"),
        "cmd": attr.string_list(doc = "further arguments, when none are given"),
        "user": attr.string(default = USER, doc = "`UID:GID`"),
        "workdir": attr.string(default = "/"),
        "labels": attr.string_dict(doc = "labels; never a version or a revision: what is published carries those"),
        "ports": attr.string_list(doc = "such as `5432/tcp`"),
        "volumes": attr.string_list(doc = "paths that belong on a volume"),
        "stop_signal": attr.string(doc = "such as `SIGINT`; default: SIGTERM"),
        "reference": attr.string(doc = "what it is called when loaded; default: `localhost/FOLDER:latest`"),
        "_tool": attr.label(default = "//tools/oci:oci_tool", executable = True, cfg = "exec"),
    },
)

def oci_image(name, testonly = False, **kwargs):
    """An image: a folder NAME that is an OCI image layout, and NAME.digest with its manifest's digest.

    The same layers and settings give the same digest. The layout's layers are links to the layers' own files.
    NAME.sbom is its bill of materials, and NAME.sbom_test compares that with what is in the layers.

    Args:
      name: the image's name.
      testonly: as for every rule.
      **kwargs: see the rule's attributes above, and common ones.
    """
    _oci_image(name = name, testonly = testonly, **kwargs)
    sbom(name = name + ".sbom", of = name, testonly = testonly)
