"""Strings that try to leave their place: markup, scripts, templates, formulas, Markdown, YAML, control characters."""

from itertools import product

_PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext></mtext><script>alert(1)</script></math>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><input name=x></form>",
    "<object data=//evil.example></object>",
    "<table><tr><td>",
    "</td></tr></table>",
    "{{ 7 * 7 }}",
    "{% raw %}{{ config }}{% endraw %}",
    "${7*7}",
    "javascript:alert(1)",
)
_BEFORE = ("", '"', "'", '">', "'>", "-->", "</script>", "</style>", "</svg>", "]]>", "`")
_OWN = (
    "=HYPERLINK(\"http://evil.example\",\"x\")", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1", "\r=1+1",
    "＝1+1", "＋1", "－1", "＠x", "| a | b |", "a | b", "\\|", "\\", "***", "___", "# heading", "- list", "1. list",
    "[x](javascript:alert(1))", "![x](http://evil.example/x.png)", "[x]: http://evil.example", "http://evil.example",
    "https://www.evil.example", "www.evil.example", "someone@evil.example", "@somebody", "<!-- comment", "-->",
    "---\nlicense: evil\n---", "a: b", "- a", "key: &x [*x]", "!!python/object/apply:os.system ['x']", "\"", "'", "`",
    "``", "```\ncode\n```", "~~x~~", "$x$", "$$x$$", "&lt;b&gt;", "&amp;", "&#60;b&#62;", "\x00", "\x07", "\x1b[31mred",
    "\x85", "\u2028", "\u202etxet", "\u200b", "\ufeff", "\ud800", "\u0378", "a\nb", "a\r\nb", "a\n\n| x |", "", " ",
    "x" * 5000, "\u0301" * 50, "👩‍👩‍👧‍👦", "مرحبا", "../../etc/passwd", "C:\\x", "name.csv\n<script>", "%00",
    "%3Cscript%3E", "'; DROP TABLE x; --", "\" onmouseover=alert(1) x=\"", "' onfocus=alert(1) autofocus='", "]]></x>",
    "\\u003cscript\\u003e",
)  # fmt: skip

HOSTILE: tuple[str, ...] = tuple(dict.fromkeys((*(a + b for a, b in product(_BEFORE, _PAYLOADS)), *_OWN)))
