"""People and keys as JSON, the same for the command line and HTTP; nothing of a secret is in them."""

import json
from typing import Any

from limitkeeper.core.kernel.instants import instant_text


def person_document(row: dict[str, Any], now_us: int) -> dict[str, Any]:
    """A person as JSON."""
    return {
        "person_id": row["person_id"], "roles": json.loads(row["roles"]), "customer_id": row["customer_id"],
        "has_password": row["password_hash"] is not None, "is_active": bool(row["is_active"]),
        "is_locked": row["locked_until_us"] > now_us, "version": row["version"],
    }  # fmt: skip


def key_document(row: dict[str, Any]) -> dict[str, Any]:
    """A service's key as JSON; the key itself is not kept."""
    return {"service_id": row["service_id"], "scopes": json.loads(row["scopes"]),
            "made_at": instant_text(row["made_us"]), "ends_at": instant_text(row["ends_us"])}  # fmt: skip
