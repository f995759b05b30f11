"""Fakes of ports for flow tests."""


class NoErrands:
    """An ``Errands`` that only remembers what was asked for."""

    def __init__(self) -> None:
        self.certificates: list[str] = []
        self.confirmations: list[str] = []

    def fetch_certificate(self, url: str) -> None:
        self.certificates.append(url)

    def confirm(self, url: str) -> None:
        self.confirmations.append(url)
