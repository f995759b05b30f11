"""The composition root: settings become engine, transport and adapters; each role is a list of parts that run together."""
