"""The management API: mounts each capability's ``api.py`` under ``/v1``. Started by ``processes`` as the role ``api``."""
