"""Operators that carry out a step: as a process, in a container, in a pod."""
