"""The picture as it evolves, coarse to fine: tensors in, tensors out, and no estimators."""
