"""The chat's pages: who sees what, and that they are quick however much there is."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from pages.chat.store import PAGE
from pages.models import Conversation, Message, Preset

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FILE = {"kind": "file", "name": "notes.txt", "text": "noted"}


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna")


@pytest.fixture
def talk(anna: User) -> Conversation:
    """A question, two answers of which the first was chosen, and a follow-up with its answer."""
    made = Conversation.objects.create(owner=anna, title="Rivers", model="echo", system="Be brief.")
    question = said(made, "Which is the longest?", None)
    first = said(made, "The **Nile**.", question, model="echo")
    said(made, "The Amazon.", question, model="echo")
    follow = said(made, "Are you sure?", first)
    made.leaf = said(made, "<script>alert(1)</script>", follow, model="echo")
    made.save()
    return made


def said(talk: Conversation, text: str, parent: Message | None, *, model: str = "") -> Message:
    role = "assistant" if model else "user"
    return Message.objects.create(conversation=talk, text=text, parent=parent, role=role, model=model)


def client(person: User | None) -> Client:
    made = Client()
    if person:
        made.force_login(person)
    return made


ROUTES = [
    ("get", ""),
    ("get", "export.md"),
    ("get", "export.json"),
    ("post", "rename"),
    ("post", "share"),
    ("post", "unshare"),
    ("post", "show/{message}"),
    ("get", "earlier/{message}"),
    ("post", "delete"),
]


def call(person: User | None, method: str, path: str, talk: Conversation) -> Any:
    address = f"/chat/{talk.id}/{path.format(message=talk.leaf_id)}"
    return getattr(client(person), method)(address, {"title": "New"})


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_conversation_is_its_owners_alone(talk: Conversation, anna: User, method: str, path: str) -> None:
    ben = User.objects.create_superuser("ben")
    assert call(ben, method, path, talk).status_code == 404
    assert call(None, method, path, talk)["Location"].startswith("/login/?next=/chat/")
    assert Conversation.objects.get().title == "Rivers"
    assert call(anna, method, path, talk).status_code == 200


@pytest.mark.parametrize("path", ["/chat/", "/chat/conversations", "/chat/shared/x/"])
def test_who_is_logged_out_is_sent_to_the_login(path: str) -> None:
    assert client(None).get(path)["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_changes_something_is_no_link(talk: Conversation, anna: User, method: str, path: str) -> None:
    other = "post" if method == "get" else "get"
    assert call(anna, other, path, talk).status_code == 405


def test_no_page_takes_scripts_from_anywhere_else(talk: Conversation, anna: User) -> None:
    page = client(anna).get(f"/chat/{talk.id}/")
    assert "unsafe" not in page["Content-Security-Policy"]
    assert b"<script>alert" not in page.content
    assert not re.findall(rb"<script(?![^>]* (src=\"/static/|type=\"application/json\"))|\bon\w+=|style=", page.content)


def test_a_page_shows_the_path_that_was_chosen(talk: Conversation, anna: User) -> None:
    page = client(anna).get(f"/chat/{talk.id}/").content.decode()
    assert "<strong>Nile</strong>" in page
    assert "1 / 2" in page
    assert "Amazon" not in page


def test_a_long_conversation_begins_with_its_end(
    talk: Conversation, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.chat.shown.AT_ONCE", 2)
    member = client(anna)
    end = member.get(f"/chat/{talk.id}/").content.decode()
    assert ("Are you sure?" in end, "The <strong>Nile" in end, end.count('class="turn ')) == (True, False, 2)
    [address] = re.findall(r'data-earlier="([^"]+)"', end)
    before = member.get(address).content.decode()
    assert ("Which is the longest?" in before, "Nile" in before, "data-earlier" in before) == (True, True, False)
    shared = call(anna, "post", "share", talk).json()["url"]
    parts = [member.get(f"{shared}?after={after}").content.decode() for after in (0, 2)]
    assert ["Nile" in part and 'href="?after=2"' in part for part in parts] == [True, False]
    assert ["Are you sure?" in part for part in parts] == [False, True]
    first = talk.messages.get(text="The **Nile**.")
    chosen = member.post(f"/chat/{talk.id}/show/{first.id}").content.decode()
    assert (chosen.count('class="turn '), "data-earlier" in chosen) == (3, True)
    assert member.get(f"/chat/{talk.id}/earlier/{anna.pk:032x}").status_code == 404


def test_another_version_brings_what_followed_it(talk: Conversation, anna: User) -> None:
    amazon = Message.objects.get(text="The Amazon.")
    turns = call(anna, "post", f"show/{amazon.id}", talk).content.decode()
    assert ("Amazon" in turns, "Nile" in turns) == (True, False)
    assert Conversation.objects.get().leaf_id == amazon.id
    assert call(anna, "post", f"show/{uuid4()}", talk).status_code == 404


def test_a_link_is_for_members_and_shows_what_was_shared_until_it_is_taken_back(talk: Conversation, anna: User) -> None:
    url = call(anna, "post", "share", talk).json()["url"]
    assert call(anna, "post", "share", talk).json()["url"] == url
    Message.objects.filter(id=talk.leaf_id).update(text=f"{talk.leaf.text} Continued later.")
    said(talk, "Said later.", talk.leaf)
    ben = client(User.objects.create_user("ben"))
    page = ben.get(url)
    assert b"Nile" in page.content
    assert (b"alert(1)" in page.content, b"later." in page.content) == (True, False)
    assert b"<button" not in page.content
    Message.objects.filter(conversation=talk, role="user").update(text="", attachments=[FILE])
    Message.objects.filter(id=talk.leaf_id).update(error="It went away.")
    page = ben.get(url).content.decode()
    assert (FILE["name"] in page, 'class="question"' in page, "It went away." in page) == (True, False, True)
    call(anna, "post", "unshare", talk)
    assert ben.get(url).status_code == 404
    assert call(anna, "post", "share", talk).json()["url"] != url


def test_exports_have_the_path_or_everything(talk: Conversation, anna: User) -> None:
    Conversation.objects.filter(id=talk.id).update(title='Rivers: which/is "long"?')
    markdown = call(anna, "get", "export.md", talk)
    assert markdown["Content-Disposition"] == 'attachment; filename="Rivers which is long.md"'
    assert "**You**\n\nWhich is the longest?\n\n---\n\n**echo**\n\nThe **Nile**." in markdown.content.decode()
    whole = call(anna, "get", "export.json", talk).json()
    assert [message["text"] for message in whole["messages"]][1:3] == ["The **Nile**.", "The Amazon."]
    assert whole["system"] == "Be brief."
    assert call(anna, "get", "export.exe", talk).status_code == 404
    Message.objects.filter(text="Are you sure?").update(attachments=[FILE])
    Message.objects.filter(id=talk.leaf_id).update(text="", error="It went away.")
    shown = call(anna, "get", "export.md", talk).content.decode()
    assert "**You**\n\n*notes.txt*\n\nAre you sure?\n\n---\n\n**echo**\n\n> It went away." in shown


@pytest.mark.parametrize(("given", "kept"), [(" a\n b\0 ", "a b"), ("", ""), ("x" * 300, "x" * 200)])
def test_a_title_is_one_line(talk: Conversation, anna: User, given: str, kept: str) -> None:
    client(anna).post(f"/chat/{talk.id}/rename", {"title": given})
    assert Conversation.objects.get().title == kept


@pytest.mark.parametrize("q", ["rivers", "AMAZON", "sure?", "**nile"])
def test_search_looks_in_titles_and_in_all_that_was_said(talk: Conversation, anna: User, q: str) -> None:
    assert b"Rivers" in client(anna).get("/chat/conversations", {"find": q}).content


@pytest.mark.parametrize("q", ["%", "_", "100%", "<b>", "'; --", "\\", "\x00nile\x00no"])
def test_odd_words_are_only_words(talk: Conversation, anna: User, q: str) -> None:
    page = client(anna).get("/chat/conversations", {"find": q})
    assert page.status_code == 200
    assert b"Rivers" not in page.content


def test_a_search_goes_on_where_its_time_was_over(
    talk: Conversation, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = Conversation.objects.bulk_create(Conversation(owner=anna, title=f"Lake {n}.") for n in range(4))
    Message.objects.bulk_create(Message(conversation=one, role="user", text="的河 Élan") for one in others)
    monkeypatch.setattr("pages.chat.search.PATIENCE_MS", -1)
    member, found, place = client(anna), [], "0"
    for _ in range(5):  # one after the other
        page = member.get(f"/chat/conversations?find=nile&after={place}").content.decode()
        found += re.findall("data-conversation=", page)
        place = next(iter(re.findall(r'data-more="(\d+)" data-searching', page)), "")
    assert (len(found), place) == (1, "")
    monkeypatch.undo()
    full = member.get("/chat/conversations?find=ÉLAN&had=38").content.decode()
    assert (full.count("data-conversation="), "data-searching" in full, 'data-more="' in full) == (2, False, True)
    assert member.get("/chat/conversations", {"find": "河"}).content.count(b"data-conversation=") == 4


def test_somebody_elses_words_are_not_found(talk: Conversation) -> None:
    assert b"Rivers" not in client(User.objects.create_user("ben")).get("/chat/conversations?find=Nile").content


def test_presets_are_offered_to_everybody_or_to_their_owner(anna: User) -> None:
    Preset.objects.create(name="Translator", parameters={"temperature": 0})
    Preset.objects.create(name="Anna's own", owner=anna)
    Preset.objects.create(name="Of Ben", owner=User.objects.create_user("ben"))
    page = client(anna).get("/chat/").content.decode()
    assert ("Translator" in page, "Anna&#x27;s own" in page, "Of Ben" in page) == (True, True, False)


MANY = """
    INSERT INTO pages_conversation (id, owner_id, kind, title, model, system, parameters)
    SELECT gen_random_uuid(), %s, 'chat', 'Talk ' || n || '.', '', '', '{}' FROM generate_series(1, 10000) n
"""


def test_ten_thousand_conversations_cost_no_more_than_ten(
    anna: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY, [anna.pk])
    member, one = client(anna), Conversation.objects.earliest("id")
    with django_assert_max_num_queries(6):
        page = member.get(f"/chat/{one.id}/")
    assert page.content.count(b"data-conversation=") == PAGE + 1  # and the page's own
    with django_assert_max_num_queries(3):
        last = member.get("/chat/conversations?after=9990").content
    assert (last.count(b"<a "), b"data-more" in last) == (10, False)
    assert {member.get(f"/chat/conversations?after={odd}").status_code for odd in ("x", "-1", "9" * 30)} == {200}
    listed = Conversation.objects.filter(owner=anna, kind="chat").order_by("-changed_at")[:PAGE]
    assert "conversations_of_a_person" in listed.explain()


def test_pages_of_the_list_follow_each_other(anna: User) -> None:
    Conversation.objects.bulk_create(Conversation(owner=anna, title=f"Talk {n}.") for n in range(2 * PAGE + 1))
    pages = [client(anna).get(f"/chat/conversations?after={after}").content for after in (0, PAGE, 2 * PAGE)]
    links = [set(re.findall(rb'href="(/chat/[^"]+)"', page)) for page in pages]
    assert [len(part) for part in links] == [PAGE, PAGE, 1]
    assert not any(one & other for one, other in pairwise(links))


def test_people_make_presets_of_their_own_and_see_them_among_everybodys(anna: User) -> None:
    Preset.objects.create(name="Translator")
    Preset.objects.create(name="Not hers", owner=User.objects.create_user("ben"))
    form = {"name": " Short  one ", "system": "Be brief.", "model": "echo", "parameters": '{"seed": 7}'}
    hers = client(anna)
    for system in ("Be long.", "Be brief."):
        listed = hers.post("/chat/presets", form | {"system": system}).content.decode()
    options = re.findall("<option.*?</option>", listed)
    assert [re.sub("<.*?>", "", option) for option in options] == ["None", "Short one", "Translator"]
    assert [" selected" in option and "data-own" in option for option in options] == [False, True, False]
    [mine] = Preset.objects.filter(owner=anna)
    assert (mine.system, mine.model, mine.parameters) == ("Be brief.", "echo", {"seed": 7})
    everybodys = Preset.objects.get(name="Translator")
    assert hers.post(f"/chat/presets/{everybodys.pk}/delete").status_code == 404
    assert "Short one" not in hers.post(f"/chat/presets/{mine.pk}/delete").content.decode()


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"name": " "}, "Give the preset a name."),
        ({"name": "x", "parameters": '{"temperature": 9}'}, "temperature"),
        ({"name": "x", "parameters": "{"}, "Write an object"),
    ],
)
def test_a_preset_that_cannot_be_is_refused_with_a_sentence(anna: User, form: dict[str, str], complaint: str) -> None:
    answer = client(anna).post("/chat/presets", form)
    assert (answer.status_code, complaint in answer.json()["error"]) == (409, True)
    assert not Preset.objects.exists()
