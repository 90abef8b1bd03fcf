"""Customers as they are written to, notices, and what became of each delivery. What is personal is sealed."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from limitkeeper.store.tables import metadata

customers = Table(
    "customers",
    metadata,
    Column("customer_id", String(200), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("quiet_from_hour", Integer, nullable=False),
    Column("quiet_to_hour", Integer, nullable=False),
    Column("refuses_automation", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", String(32), primary_key=True),
    Column("customer_id", String(200), nullable=False),
    Column("channel", String(16), nullable=False),  # mail, sms, webhook
    Column("rank", Integer, nullable=False),  # the first one is tried first
    Column("address", LargeBinary, nullable=False),  # sealed
    Column("consented", Boolean, nullable=False),
    Column("is_broken", Boolean, nullable=False),  # it bounced
    Column("version", BigInteger, nullable=False),
    Index("contacts_by_customer", "customer_id", "rank"),
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", String(32), primary_key=True),
    Column("customer_id", String(200), nullable=False),
    Column("account_id", String(200)),
    Column("kind", String(32), nullable=False),
    Column("language", String(8), nullable=False),
    Column("content", LargeBinary, nullable=False),  # sealed JSON: subject, paragraphs
    Column("made_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),  # waiting, out, dead, withdrawn
    Column("out_us", BigInteger),  # handed over to a channel, or to the inbox where there is none
    Column("read_us", BigInteger),  # in the inbox
    Column("due_us", BigInteger),  # when it is tried next; none when it is out or dead
    Column("version", BigInteger, nullable=False),
    Index("notices_by_customer", "customer_id", "made_us"),
    Index("notices_by_due", "due_us"),
    Index("notices_by_state", "state", "made_us"),
    Index("notices_by_account", "account_id", "made_us"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", String(64), primary_key=True),  # of the notice and the contact
    Column("notice_id", String(32), nullable=False),
    Column("contact_id", String(32), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # trying, sent, failed, bounced; shown by the inbox
    Column("attempts", Integer, nullable=False),
    Column("tried_us", BigInteger, nullable=False),
    Column("problem", Text),
    Column("version", BigInteger, nullable=False),
    Index("deliveries_by_notice", "notice_id"),
)
