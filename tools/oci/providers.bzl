"What the rules for images tell each other."

LayerInfo = provider(
    doc = "A layer of an image.",
    fields = {
        "blob": "the compressed archive, a File; None for a layer that would hold nothing",
        "facts": "digests, sizes and paths, a File in JSON; None likewise",
        "packages": "the Debian packages and wheels that are in it, a list of Files",
        "wheels": "depset of the wheels that are in it or in the layers that it says it lies on",
    },
)

ImageInfo = provider(
    doc = "An image.",
    fields = {
        "layout": "the OCI image layout, a folder",
        "digest": "a File that holds the manifest's digest, `sha256:...`",
        "blobs": "depset of the layers' files",
        "facts": "the layers' facts, from the lowest to the highest, a list of Files",
        "packages": "the Debian packages and wheels that are in it, a list of Files",
    },
)
