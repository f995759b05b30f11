"""Settings that several carriers share, and short names for the states that their status words mean."""

from typing import Final

from twoway_router.carriers.spec import Auth, Setting
from twoway_router.domain.messages import DeliveryState

A: Final = DeliveryState.ACCEPTED
D: Final = DeliveryState.DELIVERED
U: Final = DeliveryState.UNDELIVERED
E: Final = DeliveryState.EXPIRED
R: Final = DeliveryState.REJECTED

KEY: Final = Setting(
    name="key",
    is_secret=True,
    description="A long random word that the carrier's requests carry as ?key=… in their URL.",
)
ALLOW_UNSIGNED: Final = Setting(
    name="allow_unsigned",
    kind="flag",
    description="Accept requests without any proof. Only for a private network that nobody else can reach.",
)
QUERY_KEY: Final = Auth(verifier="query_key", options={"parameter": "key", "secret": "{key}"})
