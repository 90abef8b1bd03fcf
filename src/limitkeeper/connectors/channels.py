"""The channels of notices as a file names them; what is secret comes from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from limitkeeper.connectors.gateway import gateway
from limitkeeper.connectors.letters import Channel
from limitkeeper.connectors.mail import mail_server
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError, did_you_mean

MAIL, SMS = "mail", "sms"

CHANNELS_MAX = 20

NAME_LETTERS = 16

KEYS = ("smtp_env", "apprise_env", "text", "address")

TEXTS, ADDRESSES = ("whole", "short"), ("any", "phone")

SHAPE = "a name, and under it smtp_env or apprise_env: the variable that holds its URL"


def channels_from_file(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Channel]:
    """The channels that a YAML file names, by the name that contacts have for them.

    Parameters
    ----------
    path
        Of the file: each channel's name, and under it ``smtp_env`` or ``apprise_env``, the variable that
        holds its URL; ``text``: ``whole`` or ``short``, and ``address``: ``any`` or ``phone``, which are ``short`` and
        ``phone`` of ``sms`` where nothing is said.
    environment
        Where the URLs are.

    Raises
    ------
    InputError
        When the file cannot be read, or a channel cannot be used. No URL is told.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"The file of channels cannot be read: {error}.", value=path) from error
    if not isinstance(document, dict) or not 0 < len(document) <= CHANNELS_MAX:
        raise InputError(
            "The file of channels names none, or too many.",
            value=path,
            allowed=f"1 to {CHANNELS_MAX}: {SHAPE}",
        )
    return {str(name): _channel(str(name), parts, environment) for name, parts in document.items()}


def _channel(name: str, parts: Any, environment: Mapping[str, str]) -> Channel:  # noqa: ANN401 - as YAML has it
    if (
        not isinstance(parts, dict)
        or len(name) > NAME_LETTERS
        or len({"smtp_env", "apprise_env"} & set(parts)) != 1
    ):
        raise InputError("A channel is not complete.", value=name, allowed=SHAPE)
    if unknown := [str(key) for key in parts if key not in KEYS]:
        raise InputError(
            f"The channel '{name}' says what is not known.",
            value=unknown[0],
            allowed=", ".join(KEYS),
            advice=did_you_mean(unknown[0], KEYS),
        )
    is_sms = name == SMS
    text = _one_of(name, parts, "text", TEXTS, TEXTS[is_sms])
    address = _one_of(name, parts, "address", ADDRESSES, ADDRESSES[is_sms])
    variable = str(parts.get("smtp_env") or parts.get("apprise_env"))
    url = environment.get(variable, "")
    if not url:
        raise InputError(f"The URL of the channel '{name}' is not in the environment.", value=variable)
    if "smtp_env" in parts:
        return mail_server(url).send
    try:
        return gateway(url, is_short=text == "short", is_phone=address == "phone").send
    except LimitkeeperError as error:
        raise InputError(
            f"The channel '{name}' cannot be used. {error}", advice=f"See {variable}."
        ) from error


def _one_of(name: str, parts: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str) -> str:
    found = parts.get(key, default)
    if found not in allowed:
        raise InputError(
            f"The channel '{name}' has an unknown {key}.", value=found, allowed=", ".join(allowed)
        )
    return str(found)
