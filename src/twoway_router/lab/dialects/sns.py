"""Amazon SNS as the lab plays it: envelopes signed with a key that everybody may know, and its certificate. For ``aws``."""

import base64
from functools import lru_cache
from typing import Final

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from twoway_router.lab.dialects.wire import Wire, b64

CERTIFICATE_URL: Final = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-lab.pem"
_SIGNED: Final = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")


def notification(url: str, topic: str, message_id: str, message: object, at: str, key: str, version: str = "1") -> Wire:
    """One notification, with the message as a string in its JSON; ``version`` 1 is signed over SHA-1, 2 over SHA-256."""
    envelope = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Message": orjson.dumps(message).decode(),
        "Timestamp": at,
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": f"https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={topic}:lab",
    }
    text = "".join(f"{name}\n{envelope[name]}\n" for name in _SIGNED)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 the carrier's choice
    proof = b64(_load(key).sign(text.encode(), PKCS1v15(), digest))
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic,
    }
    return Wire(url=url, headers=headers, body=orjson.dumps({**envelope, "Signature": proof}))


@lru_cache(maxsize=4)
def _load(key: str) -> RSAPrivateKey:
    found = load_der_private_key(base64.b64decode(key), password=None)
    if not isinstance(found, RSAPrivateKey):
        raise TypeError("SNS signs with RSA")
    return found


KEY: Final = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCrHGMgKIv4FaSK4XA695K45eDYc/6z22wIWuOjmPnTGvzU0wRccaSS7AAWyU"
    "ej166aCyhsjnv4HQIdmf7UwE/5xJN/qPuOGcuB3n3ipZgJ8VUkFpdFqqQswgBS0E6QOzW3YgnRpaDBZjI08bZ/SIVBJVDeG7FkKxcHL+4zLkrw"
    "2oNHjfXwrWIoyLgiYelzOGd+35kV63eAqoVfXhS9Mt+BXVoQBytHt8xYzJXoiBEuzMI3EldakFqUqSqaL42Xl5x5hZITXySFHuHmfLH1zVSTMI"
    "b96BWe2KeEqfYq2o3DXrf3UVTNCEqTMySWpKg61BDVARRxqxgynbURpalG54/TAgMBAAECggEAAPUM9fcod3qPluCm+zahnj/tOORnoOaWiGAD"
    "wSQqxL5WFEfE3t4aigjIQoJDn9WOm1LuozTB+nAShjP1zagamPpLnC3vWFzq0LliXDEceHTlZGRffQ0ltAc7hHLwEz+hHJmQO1prrRXOqiZ8an"
    "KnOHn6I0OD8RsokXwLAQKjtuwjlvcWUvHJhWX53DD4WwgrvfI6KNvFKfriXNQfJBdShvJng/4VFfq0ChGHeZYU8gmAxt1wpq3vt62e7GMvWQwf"
    "+RPoSuG0SHTJmxIwIUjjx2CsiRUMz/WlsF5RG9araybsVSEr2FxgOyUc56E5H5XoUy2lOB1Dl7+OZLfkZup6xQKBgQDpXOdQu/2QF9HceLI/4N"
    "2d/UcOGf+pQA4ZSS8nvN1IS53xcjct+w6Gvt3G0nfnexRUxEL4CZOq7tu4QC8DqqqcJPi7b3gnDDuXECd+srUQuRFMHTpquoRKevYSakPUZInR"
    "MLzFTr27AE1VpcNht3cpprlNHTU7Lp4mFIlUj8JvxwKBgQC7tZScyrpgJxAemQPJ5Kkf1+JEt7s9+f1svOTCqlQN8QEo7MfHH1h4deFdoLDixX"
    "Q610CF7DZBoVn0Mjo1jbI9Acan49vKuVAm2UuVJR6Rhv4ZGzPRtVIWu0cv39kDJFvAgZIiXxcA36Zdk+QIBpg1n7xyR1UKUur5rLt37wF3lQKB"
    "gCQAyFNFXZ5gfmk0WdPPHoHkdJTxX+c90a8HAnZwBffEas64X1kBtcEGK3MkP4mADKfzS5225Ihnp5BqnpZDO2Uxswo/7Vqg4YSx4lYCvjqhQt"
    "DqZXvX4NcY12QJ7wMSq8yRZ15NgqoaJtRC6bzmsETFyyrhibfivlWDr5hTQZ07AoGAIuH8qyKVfhbkTPtck+FVeKBy4RhPyJWzfcigrnhexHR8"
    "JbHS8nMlysUFS5P4KzxMfD7SM9EQyCOHBvVqkdcyP1ocI8kZaFQFzCJnhGDwjFTM1beTaq5KggTtlrz/pDDWiDDMCm0nZjcpwIwiPUeUc6qqp4"
    "YQDKoaFqn98KzO1f0CgYEA25lqZRirk2omRFiEbJOqQl1Jtxok4ouGV1rva7SgjWEcsQLwgIAQ508q5JVlSOaKGF6+2bhPFIlk8SJ70vbB7RfF"
    "i3MYyCXK0WLcUjd2JH9p0g4YB9zlSdGkKIeLwRcNXflkT8ip55XFE4iKQGkvJVuUF3BVf2qXlOcuGb3bScw="
)
"""The lab's private key, in the open: it signs nothing that Amazon's certificates prove."""

_CERTIFICATE: Final = (
    "MIIC6zCCAdOgAwIBAgIBATANBgkqhkiG9w0BAQsFADA4MRowGAYDVQQDDBFzbnMuYW1hem9uYXdzLmNvbTEaMBgGA1UECgwRdHdvd2F5LXJvdX"
    "RlciBsYWIwIBcNMjYwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMDgxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMRowGAYDVQQKDBF0"
    "d293YXktcm91dGVyIGxhYjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAKscYyAoi/gVpIrhcDr3krjl4Nhz/rPbbAha46OY+dMa/N"
    "TTBFxxpJLsABbJR6PXrpoLKGyOe/gdAh2Z/tTAT/nEk3+o+44Zy4HefeKlmAnxVSQWl0WqpCzCAFLQTpA7NbdiCdGloMFmMjTxtn9IhUElUN4b"
    "sWQrFwcv7jMuSvDag0eN9fCtYijIuCJh6XM4Z37fmRXrd4CqhV9eFL0y34FdWhAHK0e3zFjMleiIES7MwjcSV1qQWpSpKpovjZeXnHmFkhNfJI"
    "Ue4eZ8sfXNVJMwhv3oFZ7Yp4Sp9irajcNet/dRVM0ISpMzJJakqDrUENUBFHGrGDKdtRGlqUbnj9MCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEA"
    "own70I7iGHbL0ybcA3wlOOhiI2B55qBEplib2s8xtokRT2fAlYL0gWZ8elyLiSpmlsr3x2hBZ9m1BbHV5azkUOhPbl2cc5Q6k0S89pislb8bx1"
    "I8Kvx4gpkPIFyXn+Km5CUCM9wF9ykdRZyubFfArWUYJ9e6gO5+CTTTQ1mY+Z5VwiDqHQ9mXJnMK7yJN4WbY30V9bSF5DzGcHwd2OosqlQRkstN"
    "sGOi5HMqKakUuLrhH2SpntkMvygWpoCh3kLhTiv+GpVVrxRGr0S40IzwxBz/gu786SDhE9o+DZP3nr56LItjlSpt3xiUqUOuqyxoebTSCyrUDn"
    "armgMwNZb/ng=="
)

CERTIFICATE: Final = f"-----BEGIN CERTIFICATE-----\n{_CERTIFICATE}\n-----END CERTIFICATE-----\n"
