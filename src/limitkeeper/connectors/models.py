"""A model's folder: parameters and card as JSON, a page to read, and a manifest of hashes."""

import hashlib
import json
from pathlib import Path
from typing import Any

from limitkeeper.core.kernel.errors import ModelError
from limitkeeper.core.risk.model import Model, model_from_documents

MODEL, CHALLENGER, CARD, PAGE, MANIFEST = (
    "model.json",
    "challenger.json",
    "card.json",
    "card.html",
    "manifest.json",
)


def model_folder_written(model: Model, folder: Path, page: str | None = None) -> Path:
    """The folder of a model: each document, the card's page where given, and the manifest last.

    Parameters
    ----------
    model
        What to write.
    folder
        Made where it is absent; files of an earlier model in it are replaced.
    page
        The card as HTML.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, bytes] = {MODEL: as_json(model.to_document()), CARD: as_json(model.card)}
    if model.challenger is not None:
        contents[CHALLENGER] = as_json(model.challenger.to_document())
    if page is not None:
        contents[PAGE] = page.encode()
    for name in (MODEL, CHALLENGER, CARD, PAGE, MANIFEST):
        (folder / name).unlink(missing_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    manifest = {
        "model_hash": model.hash,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())},
    }
    (folder / MANIFEST).write_bytes(as_json(manifest))
    return folder


def as_json(document: object) -> bytes:
    """A document as indented JSON; figures that do not exist (NaN) are null."""
    return (json.dumps(defined(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def defined(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value with NaN and infinity as null."""
    if isinstance(value, dict):
        return {key: defined(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [defined(each) for each in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124 - NaN
        return None
    return value


def model_from_folder(folder: Path) -> Model:
    """The model of a folder, every file checked against the manifest.

    Raises
    ------
    ModelError
        When the folder or a file is missing, changed, or of another version.
    """
    manifest = document_in(folder, MANIFEST)
    documents = {}
    for name, expected in manifest["files"].items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ModelError(
                f"The model folder lacks '{name}'.", value=folder, advice="Train the model again."
            )
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise ModelError(
                f"'{name}' is not as it was when the model was trained.",
                value=hashlib.sha256(content).hexdigest(),
                allowed=expected,
                advice="Restore the file or train the model again.",
            )
        if name.endswith(".json"):
            documents[name] = json.loads(content)
    for name in (MODEL, CARD):
        if name not in documents:
            raise ModelError(f"The manifest of the model folder does not list '{name}'.", value=folder)
    model = model_from_documents(documents[MODEL], documents.get(CHALLENGER), documents[CARD])
    if model.hash != manifest["model_hash"]:
        raise ModelError(
            "The model is not the one that its manifest names.",
            value=model.hash,
            allowed=manifest["model_hash"],
        )
    return model


def document_in(folder: Path, name: str) -> dict[str, Any]:
    """The manifest, or an error that says what the folder is not."""
    path = folder / name
    if not path.is_file():
        raise ModelError(
            "This is no model folder.",
            value=folder,
            allowed=f"a folder with {name}",
            advice="Run limitkeeper train.",
        )
    try:
        document = json.loads(path.read_bytes())
        assert isinstance(document["files"], dict)
        assert isinstance(document["model_hash"], str)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise ModelError(f"'{name}' of the model folder cannot be read.", value=path) from error
    return document  # type: ignore[no-any-return]
