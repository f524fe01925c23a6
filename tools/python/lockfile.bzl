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

def cycles_of(packages):
    """The packages that need each other, by whatever way.

    Args:
      packages: what `parse_lock` returns.

    Returns:
      A dict of the name of each package that needs itself through others to the sorted names of those others.
    """
    needs = {p.name: p.deps for p in packages}

    # What needs nothing that is left, and what nothing left needs, is in no cycle.
    left = {name: True for name in needs}
    for _ in packages:
        needed = {d: True for name in left for d in needs[name]}
        rest = {name: True for name in left if name in needed and any([d in left for d in needs[name]])}
        if len(rest) == len(left):
            break
        left = rest
    reached = {name: {d: True for d in needs[name] if d in left} for name in left}
    for _ in packages:
        wider = {
            name: {further: True for d in reached[name] for further in [d] + list(reached[d])}
            for name in left
        }
        if wider == reached:
            break
        reached = wider
    return {
        name: sorted([other for other in reached[name] if other != name and name in reached[other]])
        for name in left
        if name in reached[name]
    }
