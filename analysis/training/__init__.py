"""What the studies that train networks share: options, runs and where they are kept, measures of a run, and panels.

Imported as it is used (``__init__.pyi``).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
