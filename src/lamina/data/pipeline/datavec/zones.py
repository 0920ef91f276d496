"""Zones of Joda-Time as those of the IANA database that Lamina takes."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.reading import Node

_UTC = ("UTC", "GMT", "Z", "UCT", "Zulu", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Etc/Zulu", "Greenwich", "Universal", "+00:00")
_NAMES = {
    "EST": "Etc/GMT+5",
    "MST": "Etc/GMT+7",
    "HST": "Etc/GMT+10",
    "EST5EDT": "America/New_York",
    "CST6CDT": "America/Chicago",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "CET": "Europe/Paris",
    "MET": "Europe/Paris",
    "EET": "Europe/Athens",
    "WET": "Europe/Lisbon",
    "GB": "Europe/London",
    "Japan": "Asia/Tokyo",
    "PRC": "Asia/Shanghai",
    "Israel": "Asia/Jerusalem",
    "Singapore": "Asia/Singapore",
    "Turkey": "Europe/Istanbul",
    "Poland": "Europe/Warsaw",
    "Portugal": "Europe/Lisbon",
}
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")


def zone_of(node: Node, key: str) -> str:
    """A zone that a setting names, UTC if it is not there.

    Raises:
        DataError: DA245, for one that is unknown, or no whole hours from UTC and nameless.
    """
    name = node.text(key, "UTC")
    found = _known(name)
    if found is None:
        raise node.error(
            "DA245",
            where=key,
            expected="UTC, a zone of the IANA database such as Europe/Zurich, or whole hours such as +01:00",
            got=repr(name)[:80],
            cause="there is no zone of this name, or it is no whole number of hours from UTC",
            fix="write the name of a city's zone",
            place=(*node.path, key),
        )
    return found


@functools.lru_cache(maxsize=256)
def _known(name: str) -> str | None:
    if name in _UTC:
        return "UTC"
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        sign, hours, minutes = offset.groups()
        west = "-" if sign == "+" else "+"  # The names of these zones count to the west.
        return f"Etc/GMT{west}{int(hours)}" if minutes == "00" and 1 <= int(hours) <= 12 else None
    import zoneinfo

    name = _NAMES.get(name, name)
    return name if "/" in name and name in zoneinfo.available_timezones() else None
