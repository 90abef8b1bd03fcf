"""Appeals, every act on them, and evidence. What customers and those who answer them wrote and sent is sealed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from limitkeeper.store.tables import metadata

appeals = Table(
    "appeals",
    metadata,
    Column("appeal_id", String(32), primary_key=True),
    Column("case_id", String(32), nullable=False),  # whose decision it is against
    Column("account_id", String(200), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("action", String(16), nullable=False),  # of that decision
    Column("limit_before_cents", BigInteger),
    Column("limit_after_cents", BigInteger),
    Column("cut_cents", BigInteger, nullable=False),
    Column("exposure_cents", BigInteger, nullable=False),
    Column("decision_id", String(32)),
    Column("rule", String(80)),
    Column("reasons", Text, nullable=False),  # JSON list of codes
    Column("model", Text),  # content hash
    Column("state", String(16), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("instance", Integer, nullable=False),
    Column("submitted_us", BigInteger, nullable=False),
    Column("opened_us", BigInteger, nullable=False),  # in this instance
    Column("answer_until_us", BigInteger, nullable=False),
    Column("clock", String(16), nullable=False),  # remind, escalate, reply, end
    Column("due_us", BigInteger, nullable=False),
    Column("claimed_by", Text),
    Column("parties", Text, nullable=False),  # JSON list
    Column("asks", Integer, nullable=False),
    Column("asked_us", BigInteger),
    Column("paused", String(16)),
    Column("outcome", Text),
    Column("again_until_us", BigInteger),
    Column("granted_limit_cents", BigInteger),  # of a grant in part
    Column("new_case_id", String(32)),  # the decision that a grant made
    Column("triage_us", BigInteger),  # when facts are looked at next; none where they are not
    Column("answered_us", BigInteger),
    Column("is_live", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("appeals_by_due", "is_live", "due_us"),
    Index("appeals_by_answer", "is_live", "answer_until_us"),
    Index("appeals_by_answer_of_all", "answer_until_us"),
    Index("appeals_by_triage", "triage_us"),
    Index("appeals_by_case", "case_id", "account_id"),
    Index("appeals_by_account", "account_id", "answered_us"),
    Index("appeals_by_customer", "customer_id", "submitted_us"),
)

appeal_acts = Table(
    "appeal_acts",
    metadata,
    Column("appeal_id", String(32), nullable=False),
    Column("version", BigInteger, nullable=False),  # that the act led to
    Column("ts_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", String(16), nullable=False),
    Column("words", LargeBinary, nullable=False),  # sealed
    Column("state", String(16), nullable=False),  # that it led to
    Column("tier", Integer, nullable=False),
    PrimaryKeyConstraint("appeal_id", "version"),
)

appeal_evidence = Table(
    "appeal_evidence",
    metadata,
    Column("evidence_id", String(32), primary_key=True),
    Column("appeal_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),  # of the appeal's files, from 1
    Column("kind", String(16), nullable=False),  # pdf, png, jpeg, text: by its content
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the content
    Column("name", LargeBinary, nullable=False),  # sealed; as the customer gave it, never relied on
    Column("content", LargeBinary, nullable=False),  # sealed
    Column("added_us", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    Index("appeal_evidence_by_appeal", "appeal_id", "number", unique=True),
)
