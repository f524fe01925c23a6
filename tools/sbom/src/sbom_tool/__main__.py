"""Writes the two documents of an image or a wheel: `sbom_tool image|wheel NAME … PACKAGE_FILES`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sbom_tool.bill import Bill
from sbom_tool.cyclonedx import to_cyclonedx
from sbom_tool.packages import read_package
from sbom_tool.spdx import to_spdx


def main() -> None:
    """Reads the command line, writes two files."""
    parser = argparse.ArgumentParser(fromfile_prefix_chars="@")
    parser.add_argument("--image", help="the image's name")
    parser.add_argument("--digest", type=Path, help="the file with the digest of the image's manifest")
    parser.add_argument("--wheel", type=Path, help="the wheel, if it is one")
    parser.add_argument("--spdx", type=Path, required=True)
    parser.add_argument("--cyclonedx", type=Path, required=True)
    parser.add_argument("packages", nargs="*", type=Path)
    options = parser.parse_args()
    packages = [package for file in options.packages for package in read_package(file)]
    if options.wheel:
        bill = Bill.of_wheel(next(read_package(options.wheel)), packages)
    else:
        bill = Bill.of_image(options.image, options.digest.read_text().strip(), packages)
    options.spdx.write_text(to_spdx(bill), encoding="utf-8")
    options.cyclonedx.write_text(to_cyclonedx(bill), encoding="utf-8")


if __name__ == "__main__":
    main()
