"""Reads an operator's own carriers at the start of a process. A spec with a mistake stops the start with its line."""

from pathlib import Path

from twoway_router.carriers.checking.spec_files import SpecFileError, read_spec
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.registry import add_carriers
from twoway_router.processes.frame import StartRefused


def load_carriers(folder: Path | None) -> None:
    """Add every ``*.yaml`` and ``*.yml`` of the folder to the carriers; once more is no mistake."""
    if folder is None:
        return
    if not folder.is_dir():
        raise StartRefused(f"TWOWAY_CARRIER_SPECS: there is no folder {folder}.")
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            add_carriers([read_spec(path.read_bytes())])
        except (SpecFileError, SpecError) as error:
            raise StartRefused(f"{path}: {error}. `twoway-router carriers check {path}` says more.") from None
        except OSError as error:
            raise StartRefused(f"TWOWAY_CARRIER_SPECS: cannot read {path} ({error.strerror}).") from None
