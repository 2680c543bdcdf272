"""What every study shares: a study is a script whose decorated functions are its options, theory, claims and figure.

    study, parts  `Study` collects the functions of a module and gives each what its parameters name
    options       the options of all studies, read from the command line before anything heavy is imported
    evidence      what a claim yields: values expected and observed, the quantity in words, and the channel
    claim         a claim, and the status that follows from its evidence
    measuring     labelled axes of runs, both sides of a threshold, exponents
    work          a study worked off: experiments, files, report;  endings: exit codes, in one line
    report        mathematics, tables and JSON;  figure, mathematics, progress: their looks
    index         which studies there are

Imported as it is used (``__init__.pyi``).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
