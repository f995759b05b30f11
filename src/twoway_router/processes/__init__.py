"""The composition root: settings become engine, transport and adapters; each role is a list of parts that run together."""

from twoway_router.processes.all_in_one import Running, run_everything
from twoway_router.processes.frame import StartRefused
from twoway_router.processes.roles import ROLES, Role, serve

__all__ = ["ROLES", "Role", "Running", "StartRefused", "run_everything", "serve"]
