"""How a worker tells the gateway what a request took.

A request whose header `X-Modelyard-Accounting` holds a name (up to 64 letters, digits and dashes) gets, as the last
words of a stream, the comment `: modelyard {"prompt_tokens": …, "completion_tokens": …, "cached_tokens": …,
"finish": …}`, and on a whole answer the same JSON in a header of that name. `GET /accounting/{name}` has it for a
minute, also when the request was aborted. `"exact": false` is there when the engine itself did not say.
"""

from __future__ import annotations

HEADER = "X-Modelyard-Accounting"
MARK = b": modelyard "
PATH = "/accounting/"
