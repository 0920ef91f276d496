"""Descriptions: what they are, how they are found by name, how they are read from files and addressed by path."""

from lamina.spec.description import Description
from lamina.spec.document import Document, load_document, parse_document
from lamina.spec.path import Path, format_path, parse_path, set_value
from lamina.spec.registry import Registry, register, registry
from lamina.spec.translate import wrong_value

__all__ = [
    "Description",
    "Document",
    "Path",
    "Registry",
    "format_path",
    "load_document",
    "parse_document",
    "parse_path",
    "register",
    "registry",
    "set_value",
    "wrong_value",
]
