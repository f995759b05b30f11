"""What an operator may enter for a generic connection. Read by ``specs.generic``."""

from typing import Final, get_args

from twoway_router.carriers.spec import Result, Setting
from twoway_router.domain.messages import Capability

OWN_SETTINGS: Final = (
    Setting(name="key_parameter", default="key", description="The query parameter that carries the key."),
    Setting(name="username", description="User name for HTTP Basic authentication of the gateway's requests."),
    Setting(
        name="password", is_secret=True, description="Password for HTTP Basic authentication of the gateway's requests."
    ),
    Setting(name="hmac_secret", is_secret=True, description="Secret of the gateway's HMAC signature."),
    Setting(name="hmac_header", default="x-signature", description="Header with the signature."),
    Setting(
        name="hmac_algorithm",
        default="sha256",
        choices=("sha256", "sha512", "sha384", "sha1", "md5"),
        description="Hash.",
    ),
    Setting(
        name="hmac_encoding", default="hex", choices=("hex", "base64"), description="How the signature is written."
    ),
    Setting(name="hmac_prefix", description="What stands before the signature, such as v1= or sha256=."),
    Setting(
        name="hmac_template",
        description="What is signed: {body} {timestamp} {nonce} {url} {path} {query} {method}. With a timestamp header "
        "the default is {timestamp}.{body}, else {body}.",
    ),
    Setting(
        name="hmac_timestamp_header", description="Header with the time of signing; old and future times are refused."
    ),
    Setting(name="hmac_nonce_header", description="Header with a nonce, if one is signed."),
    Setting(name="hmac_window", default="300", description="How many seconds the time of signing may be off."),
    Setting(
        name="fields", kind="mapping", description="Where an MO's fields are: id, sender, recipient, text, time, …"
    ),
    Setting(
        name="receipt_fields", kind="mapping", description="Where a receipt's fields are: id, reference, status, …"
    ),
    Setting(name="statuses", kind="mapping", description="The gateway's status words and the state each one means."),
    Setting(
        name="numbers",
        default="national",
        choices=("national", "international"),
        description="How digits without + read.",
    ),
    Setting(name="text_charset", default="utf-8", description="Charset of the text's bytes."),
    Setting(
        name="text_encoding", choices=("hex", "base64", "percent"), description="How the text's bytes are written."
    ),
    Setting(name="time_format", default="auto", description="iso, epoch, epoch_ms, auto or a strptime format."),
    Setting(name="zone", default="UTC", description="Time zone of times that name none."),
    Setting(name="ack_status", default="200", description="Status of the answer to a stored message."),
    Setting(name="ack_body", description="Body of the answer to a stored message."),
    Setting(name="ack_content_type", default="text/plain; charset=utf-8", description="Content type of that answer."),
    Setting(name="send_url", description="Where MTs are handed over; without it the connection only receives."),
    Setting(name="send_method", default="POST", choices=("POST", "GET", "PUT"), description="Method of that request."),
    Setting(name="send_format", default="json", choices=("json", "form", "query"), description="Form of that request."),
    Setting(
        name="send_fields", kind="mapping", description="Its fields, with {reference} {sender} {recipient} {text} …"
    ),
    Setting(name="send_headers", kind="mapping", description="Its headers; {send_token} stands for the secret."),
    Setting(
        name="send_token", is_secret=True, description="Secret for handing over, for use in headers, fields or URL."
    ),
    Setting(
        name="send_id", default="id", description="Where the answer names its message id; a dash when it names none."
    ),
    Setting(name="send_success", description="path=value that a successful answer must have."),
    Setting(name="send_error", default="code", description="Where a refusal names its error code."),
    Setting(
        name="send_errors",
        kind="mapping",
        description="Error codes or statuses and what they mean: " + ", ".join(get_args(Result)),
    ),
    Setting(
        name="look_up_url", description="Where an MT can be asked for, with {reference}; 404 means it never arrived."
    ),
    Setting(
        name="capability", default="blind", choices=tuple(Capability), description="What settles an unknown hand-over."
    ),
)
