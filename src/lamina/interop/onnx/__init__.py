"""ONNX: its files read as networks, from operator sets 7 to the newest."""
