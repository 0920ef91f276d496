"""What the documentation takes from the code itself: the list of error codes."""

from __future__ import annotations

from typing import Any

from lamina.codes import TITLES

ROOMS = {
    "SP": "Descriptions and recipes",
    "NN": "Networks and shapes",
    "CK": "Networks that run but are wrong",
    "EN": "The engine",
    "DA": "Data",
    "TR": "Training",
    "DI": "Training on several processes",
    "EV": "Evaluation",
    "AR": "Archives and models",
    "IO": "Files of other systems",
    "CL": "The command line",
}


def on_config(config: Any) -> Any:
    """Put the page of every code into the navigation."""
    for entry in config.nav:
        if "Errors" in entry:
            entry["Errors"] = ["errors/index.md", *({code: f"errors/{code}.md"} for code in sorted(TITLES))]
    return config


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """List all codes, by room, where the page asks for it."""
    if page.file.src_uri != "errors/index.md":
        return markdown
    lines = []
    for letters, room in ROOMS.items():
        rows = [f"| [{code}]({code}.md) | {title} |" for code, title in sorted(TITLES.items()) if code.startswith(letters)]
        if rows:
            lines += [f"## {room}", "", "| code | |", "|---|---|", *rows, ""]
    return markdown.replace("<!-- codes -->", "\n".join(lines))
