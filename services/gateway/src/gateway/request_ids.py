"""The id that answers carry."""

import re
import uuid

from facetkit import request_context

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def request_uuid() -> str:
    """The request's own id where that is a UUID, else a new one."""
    own = request_context.request_id()
    return own if _UUID.fullmatch(own) else str(uuid.uuid4())
