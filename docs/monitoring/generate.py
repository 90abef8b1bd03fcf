"""Write the monitoring of the Taiwan months again: its figures, and its page in both languages."""

import sys
from pathlib import Path

from limitkeeper.app.taiwan_months import monitored_taiwan
from limitkeeper.connectors.models import as_json, defined
from limitkeeper.connectors.taiwan import taiwan_statements
from limitkeeper.shells.report.monitoring_page import monitoring_html

FOLDER = Path(__file__).parent


def main() -> None:
    """Train on April, look at each month, and write what was found; an argument names the set's file."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    document = defined(monitored_taiwan(taiwan_statements(Path("out"), given)))
    (FOLDER / "taiwan.json").write_bytes(as_json(document))
    for language, name in (("en", "taiwan.html"), ("zh", "taiwan.zh.html")):
        (FOLDER / name).write_text(monitoring_html(document, language), encoding="utf-8")


if __name__ == "__main__":
    main()
