"The lock of Python packages, read."

def parse_lock(text):
    """The packages of a lock, in its order.

    Args:
      text: lines of `name version file sha256 dependencies`, the last a comma-separated list or `-`; blank lines and
        what follows a `#` do not count.

    Returns:
      A list of structs with `name`, `version`, `file`, `sha256` and `deps`.
    """
    packages = []
    for number, line in enumerate(text.split("\n")):
        fields = [f for f in line.split("#")[0].split(" ") if f]
        if not fields:
            continue
        if len(fields) != 5:
            fail("line %d of the Python lock is not `name version file sha256 dependencies`: %r" % (number + 1, line))
        packages.append(struct(
            name = fields[0],
            version = fields[1],
            file = fields[2],
            sha256 = fields[3],
            deps = [] if fields[4] == "-" else fields[4].split(","),
        ))
    return packages
