"""The register of what is known of customers: each quantity's source, purposes, legal basis and where it is forbidden."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.words import Words
from limitkeeper.core.strategy.actions import Trigger
from limitkeeper.core.strategy.definition import Strategy

CREDIT_RISK, FRAUD, MANAGEMENT, FAIRNESS = (
    "credit_risk",
    "fraud_prevention",
    "account_management",
    "fairness_measurement",
)

PURPOSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        CREDIT_RISK: ("Assess whether a customer can repay.", "评估客户的还款能力。"),
        FRAUD: ("Find misuse of a line, and protect the customer from it.", "识别额度滥用并保护客户。"),
        MANAGEMENT: ("Keep the lender's lines in order.", "管理额度账户。"),
        FAIRNESS: (
            "Measure whether groups are treated alike; never decide.",
            "衡量各群体是否受到同等对待，不用于决策。",
        ),
    }
)
"""What a quantity may be used for, English and Chinese."""

PURPOSE_OF_TRIGGER: Mapping[Trigger, str] = MappingProxyType(
    {
        Trigger.ABNORMAL_CONSUMPTION: FRAUD,
        Trigger.DECLINING_REPAYMENT_CAPACITY: CREDIT_RISK,
        Trigger.SUSPECTED_VIOLATION: FRAUD,
        Trigger.BUSINESS_ADJUSTMENT: MANAGEMENT,
        Trigger.IMPROVEMENT: CREDIT_RISK,
    }
)
"""For what a rule of each trigger uses what it reads."""

BASES = ("contract", "consent", "legal_duty", "legitimate_interest")
SENSITIVITIES = ("ordinary", "financial", "sensitive", "protected")

UNREGISTERED, FOREIGN, FORBIDDEN, PROTECTED, BASELESS = (
    "unregistered", "purpose_foreign", "market_forbidden", "protected_attribute", "no_legal_basis",
)  # fmt: skip
"""Why a use is refused."""

REFUSALS: Mapping[str, Words] = MappingProxyType(
    {
        UNREGISTERED: Words(
            "'{name}' ({word_kind} {of}) is not in the register of features and purposes.",
            "“{name}”（{word_kind} {of}）未在特征与目的登记中。",
        ),
        FOREIGN: Words(
            "'{name}' ({word_kind} {of}) is not registered for the purpose '{purpose}'.",
            "“{name}”（{word_kind} {of}）未登记用于“{purpose}”。",
        ),
        FORBIDDEN: Words(
            "'{name}' ({word_kind} {of}) may not be used in market {market}: {rule}.",
            "“{name}”（{word_kind} {of}）不得在市场 {market} 使用：{rule}。",
        ),
        PROTECTED: Words(
            "'{name}' ({word_kind} {of}) is a protected attribute: it measures fairness and decides nothing.",
            "“{name}”（{word_kind} {of}）是受保护属性，仅用于衡量公平性，不得参与决策。",
        ),
        BASELESS: Words(
            "'{name}' ({word_kind} {of}) has no legal basis in market {market}.",
            "“{name}”（{word_kind} {of}）在市场 {market} 没有合法性基础。",
        ),
    }
)
"""What is said of each: the name that is used, the kind and the name of what uses it."""

USERS: Mapping[str, str] = MappingProxyType({"rule": "规则", "model": "模型"})
"""What uses a name, in Chinese."""

FIELDS = frozenset({"description", "description_zh", "source", "purposes", "basis", "sensitivity",
                    "retention_days", "forbidden", "names"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataClass:
    """Quantities that come from one source and are kept for one set of purposes.

    Parameters
    ----------
    name
        Of the class, such as ``own_transactions``.
    description, description_zh
        What it is.
    source
        Where the data comes from.
    purposes
        Of :data:`PURPOSES`.
    basis
        Market -> one of :data:`BASES`; a market that is not named has none.
    sensitivity
        One of :data:`SENSITIVITIES`.
    retention_days
        How long it is kept, by the day from which that holds.
    forbidden
        Market -> id of the rule of its regulation that forbids the use in any decision.
    """

    name: str
    description: str
    description_zh: str
    source: str
    purposes: frozenset[str]
    basis: Mapping[str, str]
    sensitivity: str
    retention_days: tuple[tuple[dt.date, int], ...]
    forbidden: Mapping[str, str]

    def retained_days(self, day: dt.date) -> int:
        """How many days it is kept, as of a day.

        Raises
        ------
        PolicyError
            When the day is before the first value.
        """
        held = [days for start, days in self.retention_days if start <= day]
        if not held:
            raise PolicyError(f"'{self.name}' has no retention on that day.", value=day)
        return held[-1]


@dataclass(frozen=True, slots=True)
class Register:
    """What is registered: the class of each name, and a hash of all of it."""

    classes: Mapping[str, DataClass]
    class_of: Mapping[str, str]
    hash: str

    def found(self, name: str) -> DataClass | None:
        """The class of a quantity or column, None where it is not registered; protected names in any case of letters."""
        known = self.class_of.get(name) or self.class_of.get(name.lower())
        if known is None:
            return None
        found = self.classes[known]
        return found if name in self.class_of or found.sensitivity == "protected" else None

    def with_own(self, other: "Register") -> "Register":
        """Both this register and a lender's own, whose names it may add but not say again.

        Raises
        ------
        PolicyError
            When both say the same class or name: what is protected must not become ordinary by a second file.
        """
        classes = sorted(set(self.classes).intersection(other.classes))
        names = sorted(name for name in other.class_of if self.found(name) is not None)
        if classes or names:
            raise PolicyError(
                "The register says this already.",
                value=", ".join([*classes, *names]),
                advice="Leave it out of your own register, or give it another name.",
            )
        both = MappingProxyType({**self.classes, **other.classes})
        return Register(
            both, MappingProxyType({**self.class_of, **other.class_of}), content_hash([self.hash, other.hash])
        )


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is used for a purpose, and where: ``rule risk_high`` or ``model pd``."""

    name: str
    purpose: str
    where: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A use that the register does not allow in a market.

    Parameters
    ----------
    kind
        One of unregistered, purpose_foreign, market_forbidden, protected_attribute, no_legal_basis.
    use
        Which.
    market
        Where.
    rule
        Id of the rule of regulation that forbids it, where one does.
    allowed
        What would have been accepted.
    """

    kind: str
    use: Use
    market: str
    rule: str | None
    allowed: str | None

    def __str__(self) -> str:
        """One sentence: what is used where, and why that is refused."""
        return self.words.english

    @property
    def words(self) -> Words:
        """The same in both languages."""
        kind, _, of = self.use.where.partition(" ")
        values = {**asdict(self.use), "of": of, "market": self.market, "rule": self.rule}
        said = REFUSALS[self.kind]
        return Words(
            said.english.format(word_kind=kind, **values),
            said.chinese.format(word_kind=USERS.get(kind, kind), **values),
        )


def strategy_uses(strategy: Strategy) -> tuple[Use, ...]:
    """What a strategy's rules read, each for the purpose of its rule's trigger; its own parameters are no data."""
    return tuple(
        Use(name, PURPOSE_OF_TRIGGER[rule.trigger], f"rule {rule.id}")
        for rule in strategy.rules
        for name in rule.names
        if name in strategy.names
    )


def model_uses(names: Iterable[str], kind: str) -> tuple[Use, ...]:
    """The columns that a model reads, for the assessment of risk."""
    return tuple(Use(name, CREDIT_RISK, f"model {kind}") for name in names)


def violations(register: Register, uses: Iterable[Use], market: str) -> Iterator[Violation]:
    """The uses that are not allowed in a market, each with the first reason that holds.

    Parameters
    ----------
    register
        What is registered.
    uses
        Of a strategy or a model.
    market
        Such as ``CN``.

    Examples
    --------
    >>> document = {"sex": {"description": "Sex", "description_zh": "性别", "source": "application",
    ...     "purposes": ["fairness_measurement"], "basis": {"CN": "consent"}, "sensitivity": "protected",
    ...     "retention_days": {"2002-01-01": 365}, "forbidden": {}, "names": ["sex"]}}
    >>> found = violations(register_from_document(document), [Use("SEX", CREDIT_RISK, "model pd")], "CN")
    >>> print(*found)
    'SEX' (model pd) is a protected attribute: it measures fairness and decides nothing.
    """
    for use in uses:
        known = register.found(use.name)
        if known is None:
            yield Violation(UNREGISTERED, use, market, None, did_you_mean(use.name, register.class_of))
        elif known.sensitivity == "protected":
            yield Violation(PROTECTED, use, market, None, FAIRNESS)
        elif market in known.forbidden:
            yield Violation(FORBIDDEN, use, market, known.forbidden[market], None)
        elif market not in known.basis:
            yield Violation(BASELESS, use, market, None, ", ".join(sorted(known.basis)))
        elif use.purpose not in known.purposes:
            yield Violation(FOREIGN, use, market, None, ", ".join(sorted(known.purposes)))


def register_from_document(document: Mapping[str, object]) -> Register:
    """The register that a YAML document holds: class -> its fields and the names in it.

    Raises
    ------
    PolicyError
        When a field is missing, unknown or does not hold, or a name stands twice.
    """
    classes: dict[str, DataClass] = {}
    class_of: dict[str, str] = {}
    for name, content in document.items():
        classes[name] = _data_class(name, content)
        assert isinstance(content, Mapping)
        for each in content["names"]:
            if each in class_of:
                raise PolicyError(f"'{each}' is registered twice.", value=f"{class_of[each]}, {name}")
            class_of[str(each)] = name
    return Register(MappingProxyType(classes), MappingProxyType(class_of), content_hash(_plain(document)))


def _data_class(name: str, content: object) -> DataClass:
    if not isinstance(content, Mapping) or set(content) != FIELDS:
        given = set(content) if isinstance(content, Mapping) else set()
        raise PolicyError(
            f"The class '{name}' of the register lacks or has too much.",
            value=", ".join(sorted(FIELDS ^ given)),
            allowed=", ".join(sorted(FIELDS)),
        )
    if not all(isinstance(content[key], Mapping) for key in ("basis", "forbidden", "retention_days")):
        raise PolicyError(f"The class '{name}' has a field that is no mapping.", value=content)
    if not all(isinstance(content[key], list) and content[key] for key in ("purposes", "names")):
        raise PolicyError(f"The class '{name}' names no purpose, or no quantity.", value=content)
    choices: tuple[tuple[Iterable[Any], Collection[str], str], ...] = (
        (content["purposes"], PURPOSES, "purpose"),
        (content["basis"].values(), BASES, "legal basis"),
        ([content["sensitivity"]], SENSITIVITIES, "sensitivity"),
    )
    for chosen, known, about in choices:
        wrong = [each for each in chosen if each not in known]
        if wrong:
            raise PolicyError(
                f"The class '{name}' has a {about} that there is not.",
                value=wrong[0],
                allowed=", ".join(known),
            )
    if content["sensitivity"] == "protected" and content["purposes"] != [FAIRNESS]:
        raise PolicyError(
            f"The class '{name}' is protected: it serves to measure fairness only.", value=content["purposes"]
        )
    try:
        retention = sorted(
            (dt.date.fromisoformat(str(day)), int(days)) for day, days in content["retention_days"].items()
        )
    except (TypeError, ValueError) as error:
        raise PolicyError(
            f"The retention of '{name}' is not 'date: days': {error}.", value=content["retention_days"]
        ) from error
    if not retention or min(days for _, days in retention) < 1:
        raise PolicyError(
            f"The retention of '{name}' does not hold.", value=retention, allowed="1 day or more"
        )
    return DataClass(
        name, str(content["description"]), str(content["description_zh"]), str(content["source"]),
        frozenset(content["purposes"]), MappingProxyType(dict(content["basis"])), str(content["sensitivity"]),
        tuple(retention), MappingProxyType({key: str(rule) for key, rule in content["forbidden"].items()}),
    )  # fmt: skip


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
