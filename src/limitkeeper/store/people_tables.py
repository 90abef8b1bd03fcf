"""People inside, services, their sessions and keys. Secrets are kept as hashes only."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from limitkeeper.store.tables import metadata

people = Table(
    "people",
    metadata,
    Column("person_id", String(200), primary_key=True),
    Column("roles", Text, nullable=False),  # JSON list
    Column("customer_id", String(200)),  # of a customer
    Column("password_hash", Text),  # argon2id; none where another provider vouches
    Column("failures", Integer, nullable=False),  # since the last login
    Column("locked_until_us", BigInteger, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("people_by_customer", "customer_id"),
)

identities = Table(
    "identities",
    metadata,
    Column("identity_hash", String(64), primary_key=True),  # SHA-256 of issuer and subject
    Column("issuer", Text, nullable=False),
    Column("person_id", String(200), nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("identities_by_person", "person_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # SHA-256 of a random token
    Column("person_id", String(200), nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("version", BigInteger, nullable=False),
    Index("sessions_by_person", "person_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),  # SHA-256 of a random key
    Column("service_id", String(200), nullable=False),
    Column("scopes", Text, nullable=False),  # JSON list of acts
    Column("made_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("api_keys_by_service", "service_id"),
)
