"""Places on the globe, in degrees."""

from __future__ import annotations

from typing import Any

from lamina.data.expressions.functions.function import FLOAT, At, Function, Parameter
from lamina.data.expressions.functions.groups import over

EARTH_KM = 6371.0088
"""The mean radius of the Earth (IUGG), in kilometres."""
PLACE = (Parameter("latitude", FLOAT), Parameter("longitude", FLOAT))


def _half_square_sine(angle: Any) -> Any:
    half = angle / 2
    return half.sin() * half.sin()


def _haversine_polars(at: At, latitude1: Any, longitude1: Any, latitude2: Any, longitude2: Any) -> Any:
    across = latitude1.radians().cos() * latitude2.radians().cos() * _half_square_sine((longitude2 - longitude1).radians())
    chord = _half_square_sine((latitude2 - latitude1).radians()) + across
    return 2 * EARTH_KM * at.api.arctan2(chord.sqrt(), (1 - chord).abs().sqrt())


def _haversine_spark(at: At, latitude1: Any, longitude1: Any, latitude2: Any, longitude2: Any) -> Any:
    api = at.api
    down, across = api.radians(latitude2 - latitude1) / 2, api.radians(longitude2 - longitude1) / 2
    wide = api.cos(api.radians(latitude1)) * api.cos(api.radians(latitude2)) * api.sin(across) * api.sin(across)
    chord = api.sin(down) * api.sin(down) + wide
    return 2 * EARTH_KM * api.atan2(api.sqrt(chord), api.sqrt(api.abs(1 - chord)))


def _sums_polars(latitude: Any, longitude: Any) -> tuple[Any, Any, Any]:
    """The mean direction of places, as a vector; places of which a part is missing are left out."""
    north, east = latitude.radians(), longitude.radians()
    return (north.cos() * east.cos()).sum(), (north.cos() * east.sin()).sum(), (north.sin() + 0 * east).sum()


def _sums_spark(at: At, latitude: Any, longitude: Any) -> tuple[Any, Any, Any]:
    api = at.api
    north, east = api.radians(latitude), api.radians(longitude)
    parts = (api.cos(north) * api.cos(east), api.cos(north) * api.sin(east), api.sin(north) + 0 * east)
    x, y, z = [over(at, api.sum(part)) for part in parts]
    return x, y, z


def _latitude_polars(at: At, latitude: Any, longitude: Any) -> Any:
    x, y, z = _sums_polars(latitude, longitude)
    found = at.api.arctan2(z, (x * x + y * y).sqrt()).degrees()
    return at.api.when((latitude + longitude).count() > 0).then(found)


def _longitude_polars(at: At, latitude: Any, longitude: Any) -> Any:
    x, y, _ = _sums_polars(latitude, longitude)
    return at.api.when((latitude + longitude).count() > 0).then(at.api.arctan2(y, x).degrees())


def _latitude_spark(at: At, latitude: Any, longitude: Any) -> Any:
    x, y, z = _sums_spark(at, latitude, longitude)
    return at.api.degrees(at.api.atan2(z, at.api.sqrt(x * x + y * y)))


def _longitude_spark(at: At, latitude: Any, longitude: Any) -> Any:
    x, y, _ = _sums_spark(at, latitude, longitude)
    return at.api.degrees(at.api.atan2(y, x))


FUNCTIONS = [
    Function(
        "haversine",
        tuple(Parameter(name, FLOAT) for name in ("latitude1", "longitude1", "latitude2", "longitude2")),
        "float",
        _haversine_polars,
        _haversine_spark,
        "The distance of two places along a sphere, in kilometres.",
        "haversine(latitude1, longitude1, latitude2, longitude2)",
        weight=8,
    ),
    Function(
        "midpoint_latitude",
        PLACE,
        "float",
        _latitude_polars,
        _latitude_spark,
        "The latitude of the point in the middle of places, on a sphere.",
        "midpoint_latitude(latitude, longitude)",
        level="aggregate",
    ),
    Function(
        "midpoint_longitude",
        PLACE,
        "float",
        _longitude_polars,
        _longitude_spark,
        "The longitude of the point in the middle of places, on a sphere.",
        "midpoint_longitude(latitude, longitude)",
        level="aggregate",
    ),
]
