"""The composition root: settings become engine, transport and adapters; a role is a list of parts that run together."""
