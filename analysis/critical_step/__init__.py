"""A curvature that forward passes tell, beside the sharpness: ``python -m analysis.critical_step``."""
