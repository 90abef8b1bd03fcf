"""How templates are set up: what they show is escaped, and what they are not given is an error."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def environment_of(*folders: tuple[str, str]) -> Environment:
    """The templates of some folders of packages, the first that has one first.

    Parameters
    ----------
    folders
        Each a package and a folder in it.

    Examples
    --------
    >>> environment_of(("limitkeeper.shells.report", ".")).from_string("{{ text }}").render(text="<b>")
    '&lt;b&gt;'
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, folder) for package, folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
