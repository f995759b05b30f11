"""Connections and numbers: what operators set up before a message can come in. Called by ``management`` and ``ingress``."""
