"Tests of an image's structure, without a container."

load("//tools/python:pytest.bzl", "pytest_test")
load(":image.bzl", "USER")
load(":layers.bzl", "ENVIRONMENT")
load(":runner.bzl", "FRAMEWORK", "PYTHON_ENV")

# What lies lowest in every runner's image.
SHARED_LAYERS = [
    "//platform/debian:base",
    "//platform/python:layer",
    "//platform/python:wheels",
]

def image_test(
        name,
        image,
        megabytes,
        entrypoint = [],
        env = {},
        user = USER,
        workdir = "/",
        layers = 12,
        shared = [],
        code = "",
        python = None,
        shells = [],
        not_imported = {},
        missing_libraries = [],
        dangling_links = [],
        private = ["/root"],
        owned = {},
        size = "medium",
        **kwargs):
    """Tests what an image is: settings, owners, modes, links, libraries, imports, size. No container is started.

    Args:
      name: the test's name.
      image: an `oci_image`.
      megabytes: the most that all layers may take unpacked, in units of 10^6 bytes.
      entrypoint: its entry point.
      env: its environment.
      user: its user.
      workdir: its working folder.
      layers: the most layers that it may have.
      shared: layers that it has to have.
      code: a Python package of this repository, all of which is in the last layer, of less than 1 MB.
      python: the path of its interpreter, with which every package is imported; none where it has no Python.
      shells: the names of the shells in it.
      not_imported: top-level modules that cannot be imported as they are, each with the reason.
      missing_libraries: shared libraries that something in it needs and that are left out on purpose.
      dangling_links: links to what only a machine or another image has.
      private: paths that not everyone may read.
      owned: paths that are not root's, each with its owner.
      size: Bazel's test size.
      **kwargs: common test attributes.
    """
    expected = {
        "user": user,
        "env": env,
        "entrypoint": entrypoint,
        "workdir": workdir,
        "megabytes": megabytes,
        "layers": layers,
        "code": code,
        "python": python or "",
        "shells": shells,
        "not_imported": not_imported,
        "missing_libraries": missing_libraries,
        "dangling_links": dangling_links,
        "private": private,
        "owned": owned,
    }
    image = native.package_relative_label(image)
    for number, layer in enumerate(shared):
        native.filegroup(
            name = "%s.shared%d" % (name, number),
            srcs = [layer],
            output_group = "facts",
            visibility = ["//visibility:private"],
        )
    facts = ["%s.shared%d" % (name, number) for number in range(len(shared))]
    pytest_test(
        name = name,
        size = size,
        srcs = ["//tools/oci:structure/tests/test_image.py"],
        data = [
            image,
            str(image) + ".digest",
            "//tools/oci:structure/inside.py",
        ] + facts,
        env = {
            # Bazel reads a $ as the beginning of a variable.
            "IMAGE_TEST": json.encode(expected).replace("$", "$$"),
            "IMAGE_TEST_IMAGE": "$(rootpath %s)" % image,
            "IMAGE_TEST_DIGEST": "$(rootpath %s.digest)" % image,
            "IMAGE_TEST_SHARED": " ".join(["$(rootpath %s)" % file for file in facts]),
        },
        deps = ["//tools/oci:structure_sources"],
        **kwargs
    )

def python_image_test(name, image, entrypoint, env = {}, **kwargs):
    """`image_test` for an image with the interpreter of //platform/python."""
    image_test(
        name = name,
        image = image,
        entrypoint = entrypoint,
        env = PYTHON_ENV | env,
        python = ENVIRONMENT + "/bin/python",
        **kwargs
    )

def runner_image_test(name, image, program, shared = [], **kwargs):
    """`image_test` for a `runner_image`: it also shares the layers of all runners, and its own code comes last."""
    python_image_test(
        name = name,
        image = image,
        entrypoint = ["%s/bin/%s" % (ENVIRONMENT, program)],
        code = program.replace("-", "_"),
        shared = SHARED_LAYERS + [FRAMEWORK] + shared,
        **kwargs
    )
