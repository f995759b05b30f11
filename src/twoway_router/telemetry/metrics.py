"""Every series the router exports, prefix ``twr_``. Labels come from closed sets: never a tenant, MSISDN or keyword."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600)

INGRESS_REQUESTS = Counter("twr_ingress_requests", "Carriers' requests", ("carrier", "kind", "outcome"))
INGRESS_SECONDS = Histogram("twr_ingress_seconds", "From request to answer", ("carrier", "kind"), buckets=_FAST)
INGRESS_BATCH_ROWS = Histogram(
    "twr_ingress_batch_rows", "Messages in one group commit", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500)
)
INGRESS_COMMIT_SECONDS = Histogram("twr_ingress_commit_seconds", "Time of one group commit", buckets=_FAST)
REQUESTS_UNLOGGED = Counter("twr_requests_unlogged", "Carriers' requests left out of their connection's request log")
LONG_MESSAGES = Counter("twr_long_messages", "Long messages by how they ended, and late parts", ("outcome",))
MESSAGE_IDS_REUSED = Counter("twr_message_ids_reused", "Messages put aside because another one had their carrier's id")
ROUTED = Counter("twr_routed", "Routing decisions", ("outcome", "match_class"))
PATH_SECONDS = Histogram("twr_path_seconds", "Age of a message when a stage ends", ("stage",), buckets=_SLOW)
WORK_DUE = Gauge("twr_work_due", "Due work not yet done", ("queue",))
WORK_OLDEST_AGE = Gauge("twr_work_oldest_age_seconds", "Age of the oldest due work", ("queue",))
CONNECTIONS_RESTING = Gauge("twr_connections_resting", "Connections through which nothing is sent for now", ("reason",))
KEYWORDS_LAPSED = Counter("twr_keywords_lapsed", "Keywords given back by themselves, and notices of it", ("outcome",))
RELAY_BEHIND = Gauge("twr_relay_behind_seconds", "How long the relay's oldest row was due, and the time since its turn")
OUTBOX_PUBLISHED = Counter("twr_outbox_published", "Outbox rows published and confirmed")
PUBLISH_RETURNED = Counter("twr_publish_returned", "Publishes returned, refused or not confirmed in time")
PUBLISH_SECONDS = Histogram(
    "twr_publish_confirm_seconds", "Time until a batch of publishes was confirmed", buckets=_FAST
)
JOBS = Counter("twr_jobs", "Broker messages handled", ("job", "outcome"))
RUNS = Counter("twr_runs", "Action runs", ("kind", "state"))
MESSAGES_RUN = Counter("twr_messages_run", "Inbound messages run", ("outcome",))
EFFECTS_UNKNOWN = Counter("twr_effects_unknown", "Hand-overs whose outcome was lost", ("carrier",))
MT = Counter("twr_mt", "Tries to hand over an MT", ("carrier", "outcome"))
RECEIPTS = Counter("twr_receipts", "Delivery receipts", ("state", "match"))
CONSENT_BLOCKED = Counter("twr_consent_blocked", "MTs not sent because the recipient opted out", ("at",))
WEBHOOK_ATTEMPTS = Counter("twr_webhook_attempts", "Webhook attempts", ("outcome",))
EMAIL_ATTEMPTS = Counter("twr_email_attempts", "E-mail attempts", ("outcome",))
HEARTBEAT_AGE = Gauge("twr_broker_heartbeat_age_seconds", "Age of the last heartbeat that came through the broker")
INDEX_AGE = Gauge("twr_index_age_seconds", "Time since the routing index was last known to be current")
INDEX_VERSION = Gauge("twr_index_version", "Sequence of the newest change in the routing index")
INDEX_KEYWORDS = Gauge("twr_index_keywords", "Keywords in the routing index")
BUILD_INFO = Gauge("twr_build_info", "Version and role of this process", ("version", "role"))
