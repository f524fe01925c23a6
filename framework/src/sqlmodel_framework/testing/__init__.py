"""Tests of datakits: a pytest plugin."""
