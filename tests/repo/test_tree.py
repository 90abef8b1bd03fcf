"""What the repository promises of itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LINES_MAX = 450
BAGS = {"utils", "helpers", "common", "manager", "misc", "util", "helper"}


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_file_has_one_reason_to_exist(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


def test_no_file_or_folder_is_a_bag_of_things() -> None:
    assert not [path for path in tracked_files() if BAGS & {*path.parts, path.stem}]


def keys_twice(node: yaml.Node | None) -> Iterator[str]:
    """Keys that stand twice in one mapping of a YAML text: the second silently takes the first's place."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (key for place, key in enumerate(keys) if key in keys[:place])
        for _, value in node.value:
            yield from keys_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from keys_twice(value)


def test_no_key_of_a_yaml_file_stands_twice() -> None:
    twice = {}
    for path in tracked_files():
        if path.suffix in (".yaml", ".yml"):
            nodes = yaml.compose_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
            twice[str(path.relative_to(ROOT))] = [key for node in nodes for key in keys_twice(node)]
    assert not {path: keys for path, keys in twice.items() if keys}


def test_reference_pages_are_current() -> None:
    made = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr


def test_lock_names_no_registry_and_hashes_every_package() -> None:
    for name in ("requirements.lock", "benchmarks/requirements.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert packages
        assert text.count("--hash=sha256:") >= len(packages)


def test_readme_exists_in_both_languages_and_fits_one_screen() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "make demo" in text
        assert "make test" in text
        assert len(text.splitlines()) <= 70


def test_links_between_pages_lead_somewhere() -> None:
    pages = [path for path in tracked_files() if path.suffix == ".md"]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken
