"""A vault that is opened for the first time by many at once, on every database."""

import threading
from pathlib import Path

from limitkeeper.store.database import database_at
from limitkeeper.store.vault import Vault

MANY = 12


def test_vault_is_made_once_however_many_open_it_first(store_url: str) -> None:
    together, problems, found = threading.Barrier(MANY), list[BaseException](), list[Vault]()

    def opened() -> None:
        together.wait()
        try:
            found.append(Vault(store_url, lambda: 1))
        except BaseException as error:  # noqa: BLE001 - told below
            problems.append(error)

    threads = [threading.Thread(target=opened) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert found[0].added({"c": ("m", b"k")}) == {"c": ("m", b"k")}
    assert all(each.wrapped(["c"]) == {"c": ("m", b"k")} for each in found)
    for each in found:
        each.close()


def test_of_many_keys_the_one_that_somebody_put_there_first_stays(store_url: str) -> None:
    vault = Vault(store_url, lambda: 1)
    first = vault.added({"b": ("m", b"first")})
    many = {name: ("m", name.encode()) for name in "abc"}
    assert vault.added(many) == many | first == vault.wrapped(list(many))
    vault.close()


def test_what_goes_from_a_file_is_overwritten_however_sqlite_was_built(tmp_path: Path) -> None:
    database = database_at(f"sqlite:///{tmp_path / 'any.db'}")
    with database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    database.dispose()
