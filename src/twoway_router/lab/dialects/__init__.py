"""How each carrier speaks, from the carrier's side: one file per carrier, all of them in ``registry``. Used by ``lab.carrier``.

Written from the carriers' documents and apart from ``carriers.specs``: nothing here may import them, or a mistake would
be on both sides of the wire and no test would see it.
"""
