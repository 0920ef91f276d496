"""Layers that become graphs of operators."""
