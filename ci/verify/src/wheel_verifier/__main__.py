"""`python -m wheel_verifier WHEEL...`: prints what is wrong with wheels; ends with 1 when something is."""

from __future__ import annotations

import sys
from pathlib import Path

from wheel_verifier import verify_wheel


def main() -> int:
    """Verifies the wheels that the command line names."""
    found = 0
    for name in sys.argv[1:]:
        findings = verify_wheel(Path(name))
        found += len(findings)
        for finding in findings:
            print(f"{Path(name).name}: {finding.where} {finding.what}")
        if not findings:
            print(f"{Path(name).name}: nothing wrong")
    return 1 if found or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
