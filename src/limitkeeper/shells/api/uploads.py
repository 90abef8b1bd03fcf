"""The one file of a form that is uploaded: read in memory, so that it lies nowhere in the clear."""

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.answers import BODY_BYTES_MAX, body_of

FILE_FIELD = "file"


class InMemory(MultiPartParser):
    """Keeps a file in memory, where the framework would put a large one into a folder of temporary files."""

    spool_max_size = BODY_BYTES_MAX


async def uploaded_file(request: Request) -> tuple[str, bytes]:
    """Name and content of the file of a form, whose body was read and bounded before.

    Raises
    ------
    InputError
        When the body is no form with one file under the name ``file``.
    """
    body = await body_of(request)
    allowed = f"multipart/form-data with one file under the name '{FILE_FIELD}'"
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InputError("The body is no form.", value=request.headers.get("content-type"), allowed=allowed)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await InMemory(request.headers, stream(), max_files=1, max_fields=0).parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"The form cannot be read: {error}.", allowed=allowed) from error
    try:
        file = form.get(FILE_FIELD)
        if not isinstance(file, UploadFile):
            raise InputError("The form has no file.", allowed=allowed)
        return file.filename or "", await file.read()
    finally:
        await form.close()
