"""Looks at a wheel as an outsider would: is it whole, complete and free of what its build left behind?"""

from wheel_verifier._verify import Finding, verify_wheel

__all__ = ["Finding", "verify_wheel"]
