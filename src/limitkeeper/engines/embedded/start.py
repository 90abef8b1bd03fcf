"""How an engine comes to run: its store, what decides, its folder, its clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from limitkeeper.app.live import Arm
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.engines.embedded.boundaries import SHARDS
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.policy import Policies
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.store.sql import Store


@dataclass(frozen=True, slots=True)
class Decisive:
    """What decides: a strategy, a model, and whose parameters.

    Parameters
    ----------
    strategy
        Which; the name of a shipped one, or its file, will do.
    model
        The PD model; without one no rule that reads the score hits.
    market, time_zone
        Whose parameters, and where it is night.
    parameters
        YAML of the lender's own that replace the market's.
    is_trial
        Whether the strategy runs to be tried and is not live: the store is then a trial's.
    challengers
        What decides in its place about accounts in some buckets.
    """

    strategy: Strategy | str = "standard"
    model: Model | None = None
    market: str = "CN"
    time_zone: str = "Asia/Shanghai"
    parameters: Path | None = None
    is_trial: bool = False
    challengers: tuple[Arm, ...] = ()

    def store_settings(self) -> dict[str, object]:
        """What a store's state depends on: it is refused under others."""
        found: dict[str, object] = {"market": self.market, "time_zone": self.time_zone, "shards": SHARDS}
        return found | {"trial": True} if self.is_trial else found

    @property
    def rules(self) -> Strategy:
        """The strategy itself.

        Raises
        ------
        PolicyError
            When there is none of its name, or it does not hold.
        """
        if isinstance(self.strategy, Strategy):
            return self.strategy
        return loaded_strategy(strategy_path(self.strategy))

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The champion, then the challengers."""
        return (Arm(self.rules, self.model), *self.challengers)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine keeps what it knows, and how it runs.

    Parameters
    ----------
    store_url
        ``sqlite:///FILE`` or ``postgresql+psycopg://...``.
    settings
        Folder of snapshots, intervals, topics of the outbox.
    """

    store_url: str
    settings: Settings
    decisive: Decisive = field(default_factory=Decisive)


def recovered_engine(
    place: Place, now_us: Callable[[], int], progress: Progress = unseen, *, takes_over: bool = True
) -> Engine:
    """An engine that has recovered and does not run yet.

    Parameters
    ----------
    place
        Where and how.
    now_us
        The clock, UTC microseconds.
    progress
        Told of the journal's entries.
    takes_over
        Whether what decides on the clock's day takes over, which is written.

    Raises
    ------
    LimitkeeperError
        When the store, the strategy, the model or the parameters do not hold.
    """
    decisive = place.decisive
    policies = Policies(decisive.arms, decisive.market, decisive.time_zone, decisive.parameters)
    engine = Engine(Store(place.store_url, upgrades=True), policies, place.settings, now_us)
    engine.recover(decisive.store_settings(), progress, takes_over=takes_over)
    return engine


def running_engine(place: Place, now_us: Callable[[], int], progress: Progress = unseen) -> Engine:
    """An engine that has recovered and runs; arguments and errors as of :func:`recovered_engine`."""
    engine = recovered_engine(place, now_us, progress)
    engine.start()
    return engine
