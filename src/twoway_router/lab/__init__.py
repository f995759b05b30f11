"""The lab plays the outside world: carriers, tenants' webhook receivers and load. Used by the demo, tests and benches.

Nothing in the message path imports it. Everything here listens on, and talks to, the loopback interface only.
"""
