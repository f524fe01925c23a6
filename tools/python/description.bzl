"""What an orchestrator has to know of a datakit, written by the build: see docs/reference/README.md."""

def _description_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".json")
    arguments = ctx.actions.args()
    arguments.add_all(["sqlmodel_framework.cli", "describe", ctx.attr.datakit])
    arguments.add("--output", file)
    ctx.actions.run(
        executable = ctx.executable.program,
        arguments = [arguments],
        outputs = [file],
        mnemonic = "DescribeDatakit",
        progress_message = "Describing the datakit %s" % ctx.attr.datakit,
    )
    return [DefaultInfo(files = depset([file]))]

_description = rule(
    implementation = _description_impl,
    attrs = {
        "datakit": attr.string(mandatory = True),
        # What is described is the wheel that users install; another configuration would build one more.
        "program": attr.label(mandatory = True, executable = True, cfg = "target"),
    },
)

def datakit_description(name, datakit, deps, **kwargs):
    """The description of a datakit, `NAME.json`, the same bytes each time; a cycle of loads fails the build.

    Args:
      name: the target's name.
      datakit: the datakit's name: that of its entry point, or of its module.
      deps: the datakit as a library.
      **kwargs: common attributes, such as visibility.
    """
    native.py_binary(
        name = name + ".program",
        srcs = ["//tools/python:run_module.py"],
        main = "//tools/python:run_module.py",
        python_version = "PY3",
        visibility = ["//visibility:private"],
        deps = deps,
    )
    _description(
        name = name,
        datakit = datakit,
        program = name + ".program",
        **kwargs
    )
