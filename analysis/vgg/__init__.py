"""A VGG network with batch normalization at the edge of stability: ``python -m analysis.vgg``."""
