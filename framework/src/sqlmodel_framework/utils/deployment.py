"""The import path of `deploy_datakit` that users write."""

from ..schema.deploy import deploy_datakit

__all__ = ["deploy_datakit"]
