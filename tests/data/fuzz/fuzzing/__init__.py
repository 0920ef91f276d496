"""What the joint fuzzing of readers, pipelines and serving is made of; `run` and the tests beside it use it."""
