"The interpreter's folder as one input of an action."

def _impl(ctx):
    return [DefaultInfo(files = depset([ctx.file.folder]), runfiles = ctx.runfiles([ctx.file.folder]))]

interpreter_files = rule(
    implementation = _impl,
    attrs = {"folder": attr.label(mandatory = True, allow_single_file = True)},
)
