"""What a request may be answered with besides what it asked for, for OpenAPI."""

from typing import Any

Answers = dict[int | str, dict[str, Any]]

#: Media type of what went wrong (RFC 9457).
PROBLEM = "application/problem+json"
_SCHEMA = {"schema": {"$ref": "#/components/schemas/Problem"}}


def _list(said: dict[int, str]) -> Answers:
    return {
        code: {"description": text, "content": {PROBLEM: _SCHEMA}}
        for code, text in said.items()
    }


#: Of every request.
FAULTS = _list(
    {
        401: "Nobody has shown who they are.",
        403: "Whoever asks may not.",
        404: "There is no such thing.",
        422: "It cannot be understood or done; the detail says why.",
        503: "The database does not answer.",
    }
)
#: Of acts that rest on what was seen.
CONFLICT = _list({409: "Somebody else acted first; who and what."})
#: Of requests with a body.
BODY: Answers = {
    **_list({400: "The body is no JSON."}),
    413: {
        "description": "More than a request may hold.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
}
#: Of what is made only a few times at once.
BUSY = _list({429: "Others ask for the same; try again after `Retry-After` seconds."})
