"""The table of functions that expressions may call, a file for each group."""

from lamina.data.expressions.functions.function import REQUIRED, At, Function, Parameter
from lamina.data.expressions.functions.table import GROUPS, find_function, list_functions, nearest_function, register_function

__all__ = [
    "GROUPS",
    "REQUIRED",
    "At",
    "Function",
    "Parameter",
    "find_function",
    "list_functions",
    "nearest_function",
    "register_function",
]
