"""The two ways in which an honest program declines to answer.

`BadInput` is the caller's to mend: the message names the input and the remedy, in one line. The command line
prints it and exits with code 2. `Undecided` is ours: the question was well posed and the method at hand does not
settle it; the message is the reason, and results carry it as the status ``undecided``.

A want of memory is neither, and has many names.
"""

import errno


class BadInput(ValueError):
    """An input that cannot be used; the message is one line that names it and says what would do."""


class Undecided(Exception):
    """A question that the program could not settle; the message is the reason."""


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that there is no memory left.

    Python's and NumPy's exception, the system's code, torch's on a GPU or on a CPU; and the loader's words where a
    library has no room, which llvmlite covers by an error of its own.
    """
    named = {kind.__name__ for kind in type(error).__mro__}
    loading = [str(one) for one in (error, error.__context__) if isinstance(one, OSError | ImportError)]
    return (
        bool(named & {"MemoryError", "OutOfMemoryError"})
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or "can't allocate memory" in str(error)
        or any("failed to map segment" in said for said in loading)
    )
