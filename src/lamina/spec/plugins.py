"""What third parties installed: modules named by entry points, imported when something isn't known and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.errors import Problem, RegistrationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

COMPONENTS = "lamina.components"
"""Entry points that name modules which describe components; importing one must not load torch."""
ENGINES = "lamina.engines"
"""Entry points that name modules which say how torch runs them."""


class Plugins:
    """The modules of one group of entry points.

    Args:
        group: `COMPONENTS` or `ENGINES`.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self._imported: set[str] = set()
        self._done = False
        self._busy = False

    def load(self) -> None:
        """Import every module of the group that isn't yet; looks around only until all of them are.

        Raises:
            RegistrationError: SP008, with a problem for each module that can't be imported. The others are there all the same.
        """
        if self._done or self._busy:  # Busy: a module that is being imported asks for what it doesn't know.
            return
        from importlib.metadata import entry_points

        problems: list[Problem] = []
        self._busy = True
        try:
            for point in entry_points(group=self.group):
                if point.value not in self._imported:
                    problems += self._import(point)
        finally:
            self._busy = False
        if problems:
            raise RegistrationError.of(problems)
        self._done = True

    def _import(self, point: EntryPoint) -> tuple[Problem, ...]:
        try:
            point.load()
        except RegistrationError as error:
            return error.problems
        # A third party's module may raise anything; whatever it is, the user must hear whose it was.
        except Exception as error:
            broken = Problem(
                "SP008",
                where=f"entry point {point.name} = {point.value}",
                expected="a module that imports and registers its components",
                got=f"{type(error).__name__}: {error}",
                cause="the installed package is broken or doesn't fit this version",
                fix="update or uninstall the package that declares this entry point",
            )
            return (broken,)
        self._imported.add(point.value)
        return ()
