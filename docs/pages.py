"""Pages that are written when the documentation is built."""

from collections.abc import Mapping
from pathlib import Path


def write(folder: Path, pages: Mapping[str, str | bytes]) -> None:
    """Let the folder hold these pages, by the names of their files; what is the same already is not touched.

    So Sphinx, which looks at the times of files, reads again what has changed and nothing else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, page in pages.items():
        content = page.encode() if isinstance(page, str) else page
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
