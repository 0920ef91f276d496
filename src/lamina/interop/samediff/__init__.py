"""SameDiff, the graphs of operations of Deeplearning4j."""
