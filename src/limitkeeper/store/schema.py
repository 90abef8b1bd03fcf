"""The whole schema: every module of tables, so that a store is made with all of them."""

from limitkeeper.store import (
    answer_tables,
    appeal_tables,
    audit_tables,
    campaign_tables,
    case_tables,
    life_tables,
    limit_tables,
    notice_tables,
    people_tables,
    rights_tables,
    tables,
)

MODULES = (
    tables,
    answer_tables,
    audit_tables,
    campaign_tables,
    case_tables,
    limit_tables,
    notice_tables,
    people_tables,
    appeal_tables,
    life_tables,
    rights_tables,
)

metadata = tables.metadata
