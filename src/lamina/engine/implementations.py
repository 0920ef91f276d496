"""Which function computes which description: one table for each family of small components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from lamina.errors import RegistrationError
from lamina.spec import Description

F = TypeVar("F", bound=Callable[..., Any])


class Implementations(Generic[F]):
    """From description class to the function that makes it run.

    Args:
        family: What messages call a member, such as ``activation``.
        decorator: Name under which third parties see `register`, for the messages.
    """

    def __init__(self, family: str, decorator: str) -> None:
        self.family = family
        self.decorator = decorator
        self._known: dict[type[Description], F] = {}

    def register(self, *descriptions: type[Description]) -> Callable[[F], F]:
        """Decorator: this function makes these descriptions run.

        Raises:
            RegistrationError: EN030, if another function already does.
        """

        def decorate(function: F) -> F:
            for description in descriptions:
                taken = self._known.get(description)
                if taken is not None and taken.__qualname__ != function.__qualname__:
                    raise RegistrationError(
                        "EN030",
                        where=f"@{self.decorator}({description.__name__})",
                        expected=f"one function for each {self.family}",
                        got=f"{taken.__module__}.{taken.__qualname__} and {function.__module__}.{function.__qualname__}",
                        cause=f"two functions claim the same {self.family}",
                        fix=f"remove one of them, or register a new version of the {self.family}",
                    )
                self._known[description] = function
            return function

        return decorate

    def find(self, description: Description) -> F:
        """The function for a description, its own or that of the nearest base class.

        Raises:
            RegistrationError: EN031, if there is none.
        """
        for base in type(description).__mro__:
            found = self._known.get(base)
            if found is not None:
                return found
        name = type(description).__name__
        raise RegistrationError(
            "EN031",
            where=f"{self.family} {description.type_name or name}",
            expected=f"a function decorated with @{self.decorator}({name})",
            got="none",
            cause="the package that describes the component did not say how it runs, or that module wasn't imported",
            fix=f"decorate a function with @{self.decorator}({name})",
        )
