"""Protocol buffers, binary and text, read by a schema written in a few lines: what ONNX, Caffe and others keep their models in."""
