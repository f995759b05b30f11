"""The one error of the embedded PostgreSQL. Its sentence always ends with what to do next."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot start or stop."""
