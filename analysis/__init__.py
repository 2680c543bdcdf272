"""Results about the edge of stability, one runnable module each: ``python -m analysis`` lists them."""
