"""The frame of a page: its head, its style, and what a browser may not do with it."""

from __future__ import annotations

import base64
import hashlib
from html import escape

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1c1e21; --soft: #5c6370; --line: #d5d9e0; --head: #f3f5f8;
  --c0: #0b62a8; --c1: #b3480c; --c2: #1d7a4c; --c3: #8a3ea8; --c4: #a3124a; --c5: #6b5a00; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171c; --ink: #e8eaed; --soft: #a3abb8; --line: #3a414c; --head: #1e232b;
    --c0: #6cb6f5; --c1: #f5a06c; --c2: #6fd3a0; --c3: #d09af0; --c4: #f58ab0; --c5: #e0cc62; } }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { border-bottom: 1px solid var(--line); font-size: 1.3rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; }
caption { font-weight: 600; padding: 0.3rem 0; text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: 0.2rem 0.8rem; text-align: right; }
th[scope=row], th:first-child { text-align: left; } thead th { background: var(--head); }
.wide { overflow-x: auto; } .note { color: var(--soft); } .charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; } figcaption { font-weight: 600; } svg { height: auto; max-width: 100%; width: 420px; }
svg text { fill: var(--ink); font-size: 11px; } .axis { stroke: var(--soft); } .grid { stroke: var(--line); }
.cell { fill: var(--c0); } .legend { font-size: 0.85rem; list-style: none; margin: 0; max-width: 420px; padding: 0; }
.legend li { display: inline-block; margin-right: 1rem; } .legend svg { height: 0.8rem; vertical-align: middle; width: 1.6rem; }
"""
"""Colours and forms that all pages share; light and dark follow the reader's system."""


def document(title: str, contents: str, *, style: str = "", script: str = "") -> str:
    """A whole page as text.

    A browser is forbidden to load anything from anywhere and to run any script but this one, whatever names and values say.

    Args:
        title: Of the page; escaped here.
        contents: What stands in its body; everything that comes from data must be escaped already.
        style: More style.
        script: What runs in the browser.

    Example:
        >>> "&lt;b&gt;" in document("<b>", "<p>Hello</p>")
        True
    """
    allowed = f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" if script else "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {allowed}; base-uri 'none'; form-action 'none'"
    code = f"<script>{script}</script>\n" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
        f"{contents}\n</main>\n{code}</body>\n</html>\n"
    )
