"Files that Bazel's repository cache already holds."

def from_repository_cache(rctx, file, sha256):
    """Takes a file from the repository cache, by its hash alone.

    Args:
      rctx: the repository rule's context.
      file: the name that the file gets.
      sha256: its hash.

    Returns:
      Whether it was there.
    """
    cache = rctx.os.environ.get("DATAKIT_REPOSITORY_CACHE")
    if cache and not rctx.path("%s/content_addressable/sha256/%s/file" % (cache, sha256)).exists:
        # Only to spare the reader a warning for each file: a miss below says that a download failed.
        return False

    # A hit is found by the hash; the address is never opened then.
    return rctx.download(
        url = "file:///not-in-the-repository-cache/" + file,
        output = file,
        sha256 = sha256,
        allow_fail = True,
    ).success
