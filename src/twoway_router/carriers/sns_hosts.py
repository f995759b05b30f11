"""Which URLs in an envelope of Amazon SNS may be fetched: a forged envelope must not make us fetch from elsewhere.

Asked by ``reading`` (confirmations) and ``proving`` (certificates); both only name a URL that is fetched outside.
"""

import re
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?")
_CERTIFICATE: Final = re.compile(r"/SimpleNotificationService-[A-Za-z0-9_-]{1,64}\.pem")


def is_allowed(url: str) -> bool:
    """Whether a URL in an envelope may be fetched: https, the regional SNS host itself, its usual port."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme == "https"
            and parts.port in (None, 443)
            and parts.username is None
            and _HOST.fullmatch(parts.hostname or "") is not None
        )
    except ValueError:
        return False


def is_certificate_url(url: str) -> bool:
    """Whether this is where Amazon keeps its certificates: the API on the same host answers with what strangers chose."""
    if not is_allowed(url):
        return False
    parts = urlsplit(url)
    return _CERTIFICATE.fullmatch(parts.path) is not None and not parts.query and not parts.fragment
