"""What every runner image has in common: steps, the command line, logs, and the report."""

from .runner import Runner
from .step import Step, StepContext

__all__ = ["Runner", "Step", "StepContext"]
