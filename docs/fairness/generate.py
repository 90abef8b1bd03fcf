"""Write the fairness report of the standard strategy on the Taiwan set again: ``python docs/fairness/generate.py``."""

import json
from pathlib import Path

from limitkeeper import CACHE_FOLDER
from limitkeeper.app.policy import LANGUAGES
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.app.taiwan_fairness import taiwan_fairness
from limitkeeper.connectors.taiwan import taiwan_statements
from limitkeeper.shells.cli.progress import progress_bars
from limitkeeper.shells.report.fairness_page import fairness_html

FOLDER = Path(__file__).parent
REPORT = "taiwan.json"


def main() -> None:
    """Write the report and its pages."""
    with progress_bars() as progress:
        statements = taiwan_statements(CACHE_FOLDER / "data", None, progress)
        report = taiwan_fairness(statements, loaded_strategy(strategy_path("standard")), progress)
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    (FOLDER / REPORT).write_text(text + "\n", encoding="utf-8")
    for language in LANGUAGES:
        (FOLDER / f"taiwan.{language}.html").write_text(
            fairness_html(report, language) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
