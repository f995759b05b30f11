"""The command line, one file per noun. ``twoway-router --help`` lists it."""

from twoway_router.cli.main import app

__all__ = ["app"]
