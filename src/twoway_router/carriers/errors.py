"""What carriers raise: ``verify`` the first two, answered by the ingress in the carrier's own words; the third, a wrong spec."""


class BadSignature(Exception):
    """The request does not prove that it comes from this connection's carrier. ``reason`` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CertificateMissing(Exception):
    """The signing certificate at ``url`` (an allowed host) is not known yet.

    The ingress answers ``overloaded``, fetches it in the background and puts it into ``ConnectionView.certificates``.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class SpecError(Exception):
    """A carrier spec, or a connection's settings for it, cannot work. ``path`` says where."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail
