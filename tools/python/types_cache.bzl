"What mypy knows of third-party code, found out once for all checks."

def _types_cache_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".db")
    ctx.actions.run(
        executable = ctx.executable.program,
        arguments = [ctx.file.modules.path, file.path],
        inputs = [ctx.file.modules, ctx.file._settings],
        outputs = [file],
        mnemonic = "TypesCache",
        progress_message = "Reading the types of third-party modules",
    )
    return [DefaultInfo(files = depset([file]))]

types_cache = rule(
    doc = "A file for mypy.",
    implementation = _types_cache_impl,
    attrs = {
        "modules": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "the names of modules, one a line; one that lacks costs time, no correctness",
        ),
        # As tests have them, or the wheels that the build makes would be made once more.
        "program": attr.label(mandatory = True, executable = True, cfg = "target"),
        "_settings": attr.label(default = "//:pyproject.toml", allow_single_file = True),
    },
)
