"""How a call to the outside can end without an answer. Raised by ``outbound.http``, every delivery distinguishes the two."""


class SendRefused(Exception):
    """The request never left us: name not resolved, address not allowed, no connection. Safe to try again."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SendUnknown(Exception):
    """The request, or a part of it, may have arrived; the answer was lost. Only a ledger may decide what follows."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
