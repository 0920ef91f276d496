"""What runs the steps of a pipeline: the same few relational operations on Polars and on Spark."""
