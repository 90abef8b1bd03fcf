"""A campaign worked off, or undone, in a process that kills itself at its k-th step: ``URL DOING STEP``.

A step is a statement, a COPY or a commit. Without a step it goes to the end and tells how many there were.
"""

import sys

import sqlalchemy as sa

from limitkeeper.app import campaign_work
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaigns import Proposal, begun, cancelled, proposed, standing_of
from limitkeeper.app.decisions import effects
from limitkeeper.app.mandates import mandate_given
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.core.access.actors import OFFICER, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.store.campaign_tables import campaigns
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.crash.workflow_steps import Steps
from tests.simulated_accounts import campaign_rows
from tests.vaults import SEAL

NOW_US = 1_790_040_000_000_000
EFFECTS = effects(SEAL, notice_policy("CN"))
SUE, ANN = Actor("sue", frozenset({STRATEGIST})), Actor("ann", frozenset({OFFICER}))
ACCOUNTS, AT_ONCE = 20, 6


def begin(store: Store) -> str:
    """A campaign that is approved."""
    frame = campaign_rows(ACCOUNTS)
    with work(store, SUE, NOW_US) as w:
        taken = rows_taken(frame, standing_of(w, frame["account_id"]), reasons=["product_change"])
        campaign_id = proposed(w, Proposal("autumn", taken), approval_policy())
        begun(w, campaign_id)
    with work(store, SYSTEM, NOW_US) as w:
        mandate_given(w, Mandate("ann", 2), approval_policy())
    return campaign_id


def work_off(store: Store, steps: Steps | None = None) -> None:
    """Work off what there is, as the server's loop does."""
    if steps is not None:
        steps.watch(store)
        added = campaign_work.rows_added

        def counted(*given: object) -> None:
            steps()
            added(*given)  # type: ignore[arg-type]

        campaign_work.rows_added = counted  # type: ignore[assignment]
    campaign_work.campaigns_worked(store, EFFECTS, lambda: NOW_US + 1, AT_ONCE)


def main() -> None:
    """Begin or cancel, and work off until the step comes."""
    url, doing, last = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None
    store = Store(url)
    if doing == "cancel":
        (row,) = store.rows(sa.select(campaigns))
        with work(store, ANN, NOW_US) as w:
            cancelled(w, approval_policy(), row["campaign_id"], "enough")
    elif doing == "begin":
        begin(store)
    steps = Steps(last)
    work_off(store, steps)
    sys.stdout.write(f"{steps.taken}\n")


if __name__ == "__main__":
    main()
