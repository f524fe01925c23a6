"""Container images without a daemon: layers of packages, wheels and files, and OCI image layouts of them."""
