"The images of runners: Python from the shared layers, then wheels, the framework, and their own code alone at last."

load(":image.bzl", "oci_image")
load(":layers.bzl", "ENVIRONMENT", "wheels_layer")

# The environment of every Python image.
PYTHON_ENV = {
    "HOME": "/home/datakit",
    "LANG": "C.UTF-8",
    "PATH": ENVIRONMENT + "/bin:/usr/bin",
    # The file system is read-only, and all modules are compiled.
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}

# One layer for all runners, of which a registry and a machine keep one copy.
FRAMEWORK = "//framework:layer"

def runner_image(name, deps, program, layers = [], wheels = [], without = [], env = {}, **kwargs):
    """The image of a runner, NAME, whose entry point is a console script of its wheel.

    From the lowest layer to the highest: Debian's base, the interpreter, `layers`, the wheels that every runner
    has, `wheels`, the remaining wheels of others (NAME.wheels), the framework, what else this repository makes
    (NAME.code).

    Args:
      name: the image's name.
      deps: the runner's libraries, made from wheels.
      program: the console script.
      layers: what it needs besides Python, such as Java.
      wheels: layers of heavy wheels, shared between images or apart because they change rarely.
      without: libraries that are left out, though `deps` name them: what no run in a container uses.
      env: the environment, besides PYTHON_ENV.
      **kwargs: what `oci_image` takes.
    """
    below = ["//platform/python:wheels"] + wheels
    wheels_layer(
        name = name + ".wheels",
        deps = deps,
        on = below,
        origin = "elsewhere",
        without = without,
        visibility = ["//visibility:private"],
    )
    wheels_layer(
        name = name + ".code",
        deps = deps,
        on = below + [FRAMEWORK],
        origin = "here",
        visibility = ["//visibility:private"],
    )
    oci_image(
        name = name,
        entrypoint = ["%s/bin/%s" % (ENVIRONMENT, program)],
        env = PYTHON_ENV | env,
        layers = [
            "//platform/debian:base",
            "//platform/python:layer",
        ] + layers + below + [
            name + ".wheels",
            FRAMEWORK,
            name + ".code",
        ],
        **kwargs
    )
