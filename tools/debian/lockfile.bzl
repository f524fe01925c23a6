"The lock of Debian packages, read."

def parse_lock(text):
    """The packages of a lock, in its order.

    Args:
      text: lines of `name version sha256`; blank lines and what follows a `#` do not count.

    Returns:
      A list of structs with `name`, `version` and `sha256`.
    """
    packages = []
    for number, line in enumerate(text.split("\n")):
        fields = [f for f in line.split("#")[0].split(" ") if f]
        if not fields:
            continue
        if len(fields) != 3:
            fail("line %d of the Debian lock is not `name version sha256`: %r" % (number + 1, line))
        packages.append(struct(name = fields[0], version = fields[1], sha256 = fields[2]))
    return packages
