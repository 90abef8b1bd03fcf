"""The policy of approval, as its files hold it."""

import shutil
from pathlib import Path

import pytest
import yaml

from limitkeeper.app.approval_policy import BOUNDS, approval_policy
from limitkeeper.app.policy import POLICY
from limitkeeper.core.kernel.errors import PolicyError


@pytest.mark.parametrize("name", sorted(BOUNDS))
@pytest.mark.parametrize("value", [-1, 400])
def test_days_and_shares_that_are_out_of_bounds_are_refused(tmp_path: Path, name: str, value: float) -> None:
    folder = shutil.copytree(POLICY / "approval", tmp_path / "approval")
    assert approval_policy(folder).hash == approval_policy().hash
    document = yaml.safe_load((folder / "clocks.yaml").read_text(encoding="utf-8"))
    document[name]["values"]["2027-01-01"] = value
    (folder / "clocks.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(PolicyError, match=f"'{name}' is out of bounds.*from 2027-01-01"):
        approval_policy(folder)
