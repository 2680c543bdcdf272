"""The two ways in which an honest program declines to answer.

`BadInput` is the caller's to mend: the message names the input and the remedy, in one line. The command line
prints it and exits with code 2. `Undecided` is ours: the question was well posed and the method at hand does not
settle it; the message is the reason, and results carry it as the status ``undecided``.
"""


class BadInput(ValueError):
    """An input that cannot be used; the message is one line that names it and says what would do."""


class Undecided(Exception):
    """A question that the program could not settle; the message is the reason."""
