"""`python -m sqlmodel_framework.cli` is the command `datakit`."""

import sys

from .main import main

sys.exit(main())
