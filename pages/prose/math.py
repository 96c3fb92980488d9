"""LaTeX as MathML, which browsers draw themselves."""

from __future__ import annotations

import re
from html import escape

from latex2mathml import exceptions
from latex2mathml.converter import convert

LONGEST = 4_000  # characters; what is longer is no formula

# The library has no common class; the others come from its parser's assumptions about what follows a command.
UNREADABLE: tuple[type[Exception], ...] = (
    *(error for error in vars(exceptions).values() if isinstance(error, type) and issubclass(error, Exception)),
    *(IndexError, KeyError, TypeError, ValueError, AttributeError, RecursionError, StopIteration),
)

# Between the name of a function, such as log, and what stands beside it, unless that is a bracket: TeX's thin space.
_AROUND_NAMES = re.compile(r"(?<=</m[in]>)(?=<mi>[a-z]{2,}</mi>)|(?<=[a-z]{2}</mi>)(?=<m(?:i|n|frac|sqrt|sup|sub)>)")


def math(latex: str, *, display: bool) -> str:
    """The formula as `<math>`; as it was written when it cannot be read."""
    if len(latex) <= LONGEST:
        try:
            return _spaced(str(convert(latex.strip(), display="block" if display else "inline")))
        except UNREADABLE:
            pass  # half a formula of a stream, or a macro that only LaTeX knows
    return f'<code class="latex">{escape(latex)}</code>'


def _spaced(mathml: str) -> str:
    return _AROUND_NAMES.sub('<mspace width="0.167em" />', mathml)
