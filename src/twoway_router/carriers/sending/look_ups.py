"""Asks a carrier by our reference whether it has an MT, from a spec's ``LookUp``. Compiled by ``engine``."""

from urllib.parse import quote

from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.carriers.placeholders import Values
from twoway_router.carriers.reading.fields import Scene, compile_text, compile_when
from twoway_router.carriers.sending import templates
from twoway_router.carriers.sending.replies import decode_reply
from twoway_router.carriers.spec import LookUp
from twoway_router.domain.outcomes import Done, Retry, SendReply, Unknown


class LookUpClient:
    """Builds the questions of one connection and reads their answers."""

    def __init__(self, look_up: LookUp, values: Values) -> None:
        known = frozenset(("reference",))
        self._url = templates.compile_text(look_up.url, values, known, lambda value: quote(value, safe=""))
        self._headers = templates.compile_headers(look_up.headers, look_up.basic, values, known)
        self._found = compile_when(look_up.found)
        self._id = compile_text(look_up.id)

    def build(self, reference: str) -> HttpRequest:
        values = {"reference": reference}
        return HttpRequest(method="GET", url=self._url(values) or "", headers=self._headers(values))

    def read(self, reply: HttpReply) -> SendReply:
        """Done: the carrier has it. Retry: it never arrived and may be sent again. Unknown: the carrier cannot say now."""
        if reply.status == 404:
            return Retry(reason="not_found")
        document = decode_reply(reply, "json")
        if reply.status // 100 != 2 or document is None:
            return Unknown(reason="look_up_failed", detail=f"status {reply.status}")
        scene = Scene(document, document, reply.headers)
        return Done(reference=self._id(scene) or None) if self._found(scene) else Retry(reason="not_found")
