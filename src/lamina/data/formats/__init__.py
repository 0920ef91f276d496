"""Kinds of files and databases that hold tables or arrays, each with its reader and, where one is of use, its writer."""
