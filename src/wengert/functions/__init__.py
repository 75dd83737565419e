"""Public operations by PyTorch's names: argument forms, promotion, rank cases, then `record`."""
