"""What holds of every report, whatever its device."""

import html
import re
from html.parser import HTMLParser


def text_of(page):
    """What a reader sees, without pictures."""
    page = re.sub(r"<(svg|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def assert_nothing_to_fetch(page, links="(?!)", most=2_000_000):
    """Nothing outside; ``links`` is what a reader may follow to files beside the page."""
    page = re.sub(rf'<a href="(?:{links})">', "<a>", page)
    assert not re.search(r"\bnan\b|\binf\b", text_of(page), re.IGNORECASE)
    assert not re.search(r"\bNone\b", text_of(page))
    assert not re.search(r"<script|<link|<iframe|@import|javascript:", page, re.IGNORECASE)
    targets = re.findall(r"""(?:src|href|url)\s*(?:=\s*["']?|\()([^"'\s)>]*)""", page)
    assert targets or links != "(?!)"
    assert all(t.startswith(("#", "data:image/png;base64,")) for t in targets)
    assert len(page) < most


class _Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def assert_well_formed(page):
    reader = _Balance()
    reader.feed(page)
    assert not reader.open
    assert len(reader.ids) == len(set(reader.ids))
    used = re.findall(r'(?:href="|url\()#([^")]+)', page)
    assert set(used) <= set(reader.ids)


def assert_said_once(page, sentences):
    text = text_of(page)
    for sentence in sentences:
        assert text.count(re.sub(r"\s+", " ", sentence)) == 1, sentence
