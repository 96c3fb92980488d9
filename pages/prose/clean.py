"""The one place that decides which HTML may reach a page from a model."""

from __future__ import annotations

import nh3

_TEXT = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "a", "em", "strong", "s"),
    *("code", "pre", "figure", "figcaption", "span", "div", "table", "thead", "tbody", "tr", "th", "td"),
}
_MATH = {
    *("math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup"),
    *("munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "div": {"class", "tabindex"},
    "figure": {"class"},
    "li": {"class"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
    "ul": {"class"},
    "math": {"display", "xmlns"},
    "mfrac": {"linethickness"},
    "menclose": {"notation"},
    "mi": {"mathvariant"},
    "mo": {"stretchy", "fence", "form", "separator", "minsize", "maxsize", "movablelimits", "accent"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mspace": {"width", "linebreak"},
    "mstyle": {"displaystyle", "scriptlevel", "mathcolor", "mathvariant"},
    "mtable": {"columnalign", "rowspacing", "columnspacing", "rowlines", "columnlines"},
}


def clean(html: str) -> str:
    """The HTML without anything that could act, load or restyle. Links open elsewhere and say nothing."""
    return nh3.clean(
        html,
        tags=_TEXT | _MATH,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
