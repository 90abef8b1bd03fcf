"""Cases on their way through the tiers, every act on them, and who may decide on what."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from limitkeeper.store.tables import metadata

cases = Table(
    "cases",
    metadata,
    Column("case_id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),  # decision, campaign, restoration, appeal, request
    Column("account_id", Text),  # none of a campaign
    Column("customer_id", Text),
    Column("action", String(16), nullable=False),
    Column("limit_before_cents", BigInteger),
    Column("limit_after_cents", BigInteger),
    Column("cut_cents", BigInteger, nullable=False),
    Column("exposure_cents", BigInteger, nullable=False),
    Column("proposal_id", String(32)),
    Column("decision_id", String(32)),
    Column("facts", Text, nullable=False),  # JSON: what the tier was chosen by
    Column("state", String(16), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("required_tier", Integer, nullable=False),
    Column("tier_rules", Text, nullable=False),  # JSON list of ids
    Column("maker_id", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("clock", String(16), nullable=False),  # remind, escalate, end
    Column("due_us", BigInteger, nullable=False),
    Column("claimed_by", Text),
    Column("parties", Text, nullable=False),  # JSON list
    Column("votes", Text, nullable=False),  # JSON list of [person, holder, choice, words]
    Column("recused", Text, nullable=False),  # JSON list
    Column("outcome", Text),
    Column("is_live", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("cases_by_due", "is_live", "due_us"),
    Index("cases_by_tier", "is_live", "tier", "due_us"),
    Index("cases_by_clock", "is_live", "tier", "clock", "due_us"),
    Index("cases_by_claimer", "claimed_by", "is_live", "due_us"),
    Index("cases_by_due_of_all", "due_us"),
    Index("cases_by_account", "account_id"),
    Index("cases_by_proposal", "proposal_id", unique=True),
)

case_acts = Table(
    "case_acts",
    metadata,
    Column("case_id", String(32), nullable=False),
    Column("version", BigInteger, nullable=False),  # that the act led to
    Column("ts_us", BigInteger, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("act", String(16), nullable=False),
    Column("words", Text, nullable=False),
    Column("state", String(16), nullable=False),  # that it led to
    Column("tier", Integer, nullable=False),
    PrimaryKeyConstraint("case_id", "version"),
)

mandates = Table(
    "mandates",
    metadata,
    Column("mandate_id", String(32), primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("actions", Text, nullable=False),  # JSON list; empty for all
    Column("cut_cents_max", BigInteger),
    Column("exposure_cents_max", BigInteger),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("pending", String(8)),  # begin, end: what waits for a second member
    Column("asked_by", Text),  # who asked for what waits
)

absences = Table(
    "absences",
    metadata,
    Column("absence_id", String(32), primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("deputy_id", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("pending", String(8)),  # begin, end: what waits for a second member
    Column("asked_by", Text),  # who asked for what waits
)
