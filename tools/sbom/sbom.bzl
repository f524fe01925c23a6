"Bills of materials: what images and wheels are made of."

load("//tools/oci:providers.bzl", "ImageInfo")
load("//tools/python:library.bzl", "WheelInfo")
load("//tools/python:pytest.bzl", "pytest_test")

def _sbom_impl(ctx):
    arguments = ctx.actions.args()
    arguments.add("--spdx", ctx.outputs.spdx)
    arguments.add("--cyclonedx", ctx.outputs.cyclonedx)
    inputs = []
    if ImageInfo in ctx.attr.of:
        image = ctx.attr.of[ImageInfo]
        arguments.add("--image", ctx.label.package)
        arguments.add("--digest", image.digest)
        inputs.append(image.digest)
        packages = image.packages
    else:
        arguments.add("--wheel", ctx.attr.of[WheelInfo].wheel)
        packages = ctx.attr.of[WheelInfo].wheels.to_list()
    arguments.add_all(packages)
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [arguments],
        inputs = inputs + packages,
        outputs = [ctx.outputs.spdx, ctx.outputs.cyclonedx],
        mnemonic = "BillOfMaterials",
        progress_message = "Writing the bill of materials %{label}",
    )
    return [DefaultInfo(files = depset([ctx.outputs.spdx, ctx.outputs.cyclonedx]))]

_sbom = rule(
    implementation = _sbom_impl,
    outputs = {"cyclonedx": "%{name}.cdx.json", "spdx": "%{name}.spdx.json"},
    attrs = {
        "of": attr.label(mandatory = True, providers = [[ImageInfo], [WheelInfo]]),
        "_tool": attr.label(default = "//tools/sbom:sbom_tool", executable = True, cfg = "exec"),
    },
)

def _wheel_of_impl(ctx):
    return [DefaultInfo(files = depset([ctx.attr.of[WheelInfo].wheel]))]

_wheel_of = rule(
    implementation = _wheel_of_impl,
    attrs = {"of": attr.label(mandatory = True, providers = [WheelInfo])},
)

def _test(name, of, kind, data, path, testonly):
    pytest_test(
        name = name + "_test",
        srcs = ["//tools/sbom:contents/tests/test_%s.py" % kind],
        data = data + [name + ".spdx.json", name + ".cdx.json"],
        env = {
            "SBOM_OF": path,
            "SBOM_SPDX": "$(rootpath %s.spdx.json)" % name,
            "SBOM_CYCLONEDX": "$(rootpath %s.cdx.json)" % name,
        },
        deps = ["//tools/sbom:contents"],
    )

def sbom(name, of, testonly = False):
    """The bill of materials of an image: NAME.spdx.json (SPDX 2.3) and NAME.cdx.json (CycloneDX 1.6).

    It is made from the packages that the build puts in. NAME_test reads the packages out of the layers, as a scanner
    does, and compares. An `oci_image` brings its own.

    Args:
      name: the target's name.
      of: the image.
      testonly: as for every rule.
    """
    _sbom(name = name, of = of, testonly = testonly)
    _test(name, of, "image", [of], "$(rootpath %s)" % of, testonly)

def wheel_sbom(name, of):
    """The bill of materials of a wheel, likewise: the wheel, and the packages that it is tested with.

    NAME_test compares with what the wheel itself asks for.

    Args:
      name: the target's name.
      of: the library that is made from the wheel.
    """
    _sbom(name = name, of = of)
    _wheel_of(name = name + ".file", of = of, visibility = ["//visibility:private"])
    _test(name, of, "wheel", [name + ".file"], "$(rootpath %s.file)" % name, False)
