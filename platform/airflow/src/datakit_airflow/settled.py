"""What declaration and environment say together: which image each role means here."""

from __future__ import annotations

from .configuration import ConfigurationError, Problem
from .declaration import Declaration
from .environment import Environment
from .graph import Graph
from .images import digest_of

__all__ = ["settled_images"]


def settled_images(
    declaration: Declaration, environment: Environment, graph: Graph, place: str = ""
) -> dict[str, str]:
    """The image of each role that the graph needs; none where steps are processes.

    Args:
        declaration: how the datakit runs.
        environment: how steps are carried out here.
        graph: the steps.
        place: what messages call the declaration.

    Raises:
        ConfigurationError: an image is missing, or is named by a tag in production.
    """
    place = place or declaration.dag_id
    problems = []
    if environment.production:
        problems += [
            Problem(
                place,
                f"images.{role}",
                f"{reference!r} names no digest, which production needs",
                "write name@sha256:..., as the registry or the build says it",
            )
            for role, reference in declaration.images.items()
            if digest_of(reference) is None
        ]
    if environment.execution == "process":
        images: dict[str, str] = {}
    else:
        images = {role: declaration.images[role] for role in graph.roles if role in declaration.images}
        problems += [
            Problem(
                place,
                f"images.{role}",
                f"there is no image for the role {role!r}",
                "add it, as name@sha256:...",
            )
            for role in graph.roles
            if role not in images
        ]
    if problems:
        raise ConfigurationError(problems)
    return images
