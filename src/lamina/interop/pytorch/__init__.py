"""PyTorch's files: state dicts, whole modules, TorchScript, exported programs, safetensors."""
