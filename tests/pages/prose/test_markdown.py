"""What a model writes is shown as it meant it, and can neither act nor load nor tell anybody."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from pages.prose.markdown import render

PROBES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "![x](http://elsewhere.example/pixel.png)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    '[x](http://a "onmouseover=alert(1)")',
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    r"$\href{javascript:alert(1)}{x}$",
    r"$\text{<script>alert(1)</script>}$",
    r"$\style{background:url(//elsewhere.example)}{x}$",
    "$$<svg onload=alert(1)>$$",
    r"\(<img src=x onerror=alert(1)>\)",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "| <img src=x onerror=alert(1)> |\n|---|\n| <script>x</script> |",
    "<style>*{display:none}</style>",
    '<iframe src="https://elsewhere.example"></iframe>',
    '<a href="x" style="position:fixed" onclick="x">y</a>',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


class Seen(HTMLParser):
    """The tags that a browser would make of it, with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", PROBES)
def test_nothing_of_it_acts_or_loads(text: str) -> None:
    seen = Seen(render(text))
    assert not {tag for tag, _ in seen.tags} & {"script", "img", "style", "iframe", "svg", "object", "link", "form"}
    attributes = {name for _, attributes in seen.tags for name in attributes}
    assert not {name for name in attributes if name.startswith("on") or name in {"style", "src", "srcset", "action"}}
    links = [attributes["href"] or "" for _, attributes in seen.tags if "href" in attributes]
    assert all(link.startswith(("http://", "https://")) for link in links)


def test_links_open_elsewhere_and_tell_nothing() -> None:
    assert render("[a](https://b.example)") == (
        '<p><a href="https://b.example" target="_blank" rel="noopener noreferrer nofollow">a</a></p>\n'
    )


@pytest.mark.parametrize("text", ["$x^2$", r"\(x^2\)", "$$x^2$$", r"\[x^2\]", "$$\nx^2\n$$", "\\[\nx^2\n\\]"])
def test_a_formula_is_drawn(text: str) -> None:
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in render(text)


@pytest.mark.parametrize("text", ["it costs $5 or $6", "$ 5 and 6 $", r"\$x\$"])
def test_money_is_no_formula(text: str) -> None:
    assert "<math" not in render(text)


@pytest.mark.parametrize("latex", [r"\frac{", r"\left( x", "{" * 300, "x" * 5_000, r"\begin{matrix}"])
def test_a_formula_that_cannot_be_read_is_shown_as_it_was_written(latex: str) -> None:
    assert '<code class="latex">' in render(f"${latex}$")


def test_code_has_its_language_and_colours() -> None:
    html = render("```python\ndef f(): pass\n```")
    assert "<figcaption><span>python</span></figcaption>" in html
    assert '<span class="hl-k">def</span>' in html


@pytest.mark.parametrize("language", ["", "nonsense", "c++", 'x"y'])
def test_code_of_any_language_is_shown(language: str) -> None:
    assert Seen(render(f"```{language}\na < b\n```")).text.endswith("a < b\n\n")


def test_tables_are_aligned_without_styles() -> None:
    assert '<td class="right">1</td>' in render("| a |\n|--:|\n| 1 |")


def test_tasks_are_done_or_not() -> None:
    seen = Seen(render("- [x] one\n- [ ] two <input type=text>"))
    assert seen.text.split() == ["☑", "one", "☐", "two", "<input", "type=text>"]
    assert "input" not in dict(seen.tags)


def test_lines_end_where_they_were_ended() -> None:
    assert render("Roses are red,\nviolets are blue.") == "<p>Roses are red,<br>\nviolets are blue.</p>\n"
    assert "<td>x<br>\ny</td>" in render("| a |\n|---|\n| x<br>y |")
    assert "<code>a&lt;br&gt;b</code>" in render("`a<br>b`")


def test_names_of_functions_keep_their_distance_in_formulas() -> None:
    assert render(r"$n \log n$").count('<mspace width="0.167em">') == 2
    assert "mspace" not in render(r"$\log(x) + \alpha y$")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://a.b/c_d?x=1,2&y=(2).", ["https://a.b/c_d?x=1,2&y=(2)"]),
        ("(http://localhost:8000/v1) or *http://[::1]/*!", ["http://localhost:8000/v1", "http://[::1]/"]),
        (
            "https://a.b/Foo_(bar), 参见https://c.d/路径，谢谢",
            ["https://a.b/Foo_(bar)", "https://c.d/%E8%B7%AF%E5%BE%84"],
        ),
        ("main.py www.a.b me@a.b ftp://a.b javascript://a.b //a.b xhttps://a.b", []),
        ("`https://a.b` and [https://a.b](https://c.d)", ["https://c.d"]),
    ],
)
def test_whole_addresses_are_links(text: str, addresses: list[str]) -> None:
    assert [seen["href"] for name, seen in Seen(render(text)).tags if name == "a"] == addresses


def test_a_long_text_of_half_addresses_is_shown_before_the_test_is_given_up() -> None:
    """A rule whose time grows with the square of the text takes minutes for this."""
    seen = Seen(render("https://(" * 30_000))
    assert "a" not in dict(seen.tags)
    assert len(seen.text.strip()) == 270_000
