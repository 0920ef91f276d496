"""From raw rows to what a network learns from: steps as data, checked against a schema, run by Polars or Spark."""

from lamina.data.pipeline.pipeline import Pipeline
from lamina.data.pipeline.step import Step

__all__ = ["Pipeline", "Step"]
