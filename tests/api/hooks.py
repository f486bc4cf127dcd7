"""What schemathesis cannot know: requests that the description allows and that are refused all the same.

- A cursor is a text, and yet most texts are no cursor: what no Link header gave is refused.
- An If-Match is a text, and a write with one that is not the visitor's ETag is refused: that is what it is for.
- `q` and `search` are two names of one parameter, and OpenAPI cannot say that they must not differ.

Of these the check "positive_data_acceptance" is told that they are right; whatever else is wrong with such a request,
or refused without them, is still a failure.
"""

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData


def is_right(case, response):
    query, headers = case.query or {}, {name.lower() for name in case.headers or {}}
    if response.status_code == 412:
        return "if-match" in headers
    if response.status_code != 400:
        return False
    message = response.json()["message"]
    if "cursor" in query and message.startswith("The cursor "):
        return True
    return {"q", "search"} <= set(query) and message.startswith("q and search ")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    return not (isinstance(failure, RejectedPositiveData) and is_right(case, response))
