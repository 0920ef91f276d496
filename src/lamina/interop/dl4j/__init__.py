"""Deeplearning4j: its zips, arrays, data sets and normalisers."""
