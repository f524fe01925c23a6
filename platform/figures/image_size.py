"""What an image takes on disk, unpacked."""

from __future__ import annotations

from pathlib import Path

from oci_tool.layout import ImageLayout

__all__ = ["unpacked_megabytes"]


def unpacked_megabytes(layout: Path) -> float:
    """The size of an image's layers as archives without compression."""
    image = ImageLayout(layout)
    total = 0
    for number in range(len(image.layers)):
        with image.layer(number) as archive:
            total += sum(512 + (header.size + 511) // 512 * 512 for header in archive)
    return total / 1e6
