"""DataVec's processes as pipelines of Lamina."""

from lamina.data.pipeline.datavec.loading import load_datavec, pipeline_from_datavec, schema_from_datavec

__all__ = ["load_datavec", "pipeline_from_datavec", "schema_from_datavec"]
