"""Results on disk: sealed NetCDF-4 files that say what produced them.

A file holds datasets as named groups, the provenance (`numeric.runs.origin`) as attributes of its root, and at its
end the checksum of it all (`numeric.files`). It is made in memory, so that a full device is met by a plain write.

A file may come from anybody, so before it is read as data it is searched for what HDF5 would fetch from elsewhere:
links out of the file or past its names, storage in other files, virtual datasets; and for filters, whose code is looked
up by number. `save` writes none of these, and `load` refuses them.

Errors: `BadInput` for a place that cannot be written or a file that cannot be read; `NoSpace` for a full device.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import H5NetCDFStore

from eos_sym import BadInput
from numeric.files import read_sealed, write_sealed
from numeric.runs.origin import provenance


def save(groups: Mapping[str, xr.Dataset], path: Path, configuration: Mapping[str, Any]) -> None:
    """Write datasets as the named groups of one NetCDF file, with the provenance at its root."""
    from numeric.runs.groups import NotPlain, write_groups

    facts, found = provenance(configuration), {name: _unbound(dataset.compute()) for name, dataset in groups.items()}
    try:
        content = write_groups(found, facts)
    except NotPlain:
        content = _of_any_kind(found, facts)
    write_sealed(Path(path), content)


def _of_any_kind(groups: Mapping[str, xr.Dataset], facts: Mapping[str, str]) -> bytes:
    """The same of datasets with whatever NetCDF has."""
    import h5netcdf

    memory = io.BytesIO()
    with h5netcdf.File(memory, "w") as file:
        file.attrs.update(facts)
        for name, dataset in groups.items():
            dataset.dump_to_store(H5NetCDFStore(file, group=name, mode="a"))
    return memory.getvalue()


def _unbound(dataset: xr.Dataset) -> xr.Dataset:
    """Without the width that its text had where it was read, which is too little for what was joined to it since."""
    found = dataset.copy()
    for variable in found.variables.values():
        if variable.dtype.kind == "U":
            variable.encoding.pop("dtype", None)
    return found


def load(path: Path) -> xr.DataTree:
    """The groups of a file written by `save`, in memory; the provenance is in its `attrs`."""
    from numeric.runs.groups import NotPlain, read_groups

    content = read_sealed(Path(path))
    try:
        refuse_what_lies_elsewhere(content)
        try:
            return read_groups(content)
        except NotPlain:
            with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as tree:
                return tree.load()
    except Exception as error:  # whatever the readers say to a stranger's file
        raise BadInput(f"{path}: not a readable file of results ({' '.join(str(error).split())})") from error


def refuse_what_lies_elsewhere(content: bytes | memoryview) -> None:
    """Refuse an HDF5 file with anything that is not stored in it plainly: `ValueError`."""
    import h5py

    def link(name: str, kind: object) -> str | None:
        return None if isinstance(kind, h5py.HardLink) else f"{name} is a link"

    def elsewhere(name: str, item: object) -> str | None:
        if not isinstance(item, h5py.Dataset):
            return None
        if item.external or item.is_virtual:
            return f"{name} lies in another file"
        return f"{name} is stored through a filter" if item.id.get_create_plist().get_nfilters() else None

    with h5py.File(io.BytesIO(content), "r") as file:
        found = file.visititems_links(link) or file.visititems(elsewhere)  # the first that is not None
    if found is not None:
        raise ValueError(found)
