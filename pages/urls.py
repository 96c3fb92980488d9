"""The pages for people."""

from django.urls import path
from django.views.i18n import set_language

from pages import doors
from pages.arena import leaderboard
from pages.arena import views as arena
from pages.chat import views as chat
from pages.compare import views as compare

urlpatterns = [
    path("", chat.home, name="home"),
    path("chat/", chat.chat, name="chat"),
    path("chat/conversations", chat.conversations, name="conversations"),
    path("chat/presets", chat.keep_preset, name="preset-keep"),
    path("chat/presets/<int:number>/delete", chat.drop_preset, name="preset-drop"),
    path("chat/shared/<str:token>/", chat.shared, name="shared"),
    path("chat/<uuid:number>/", chat.conversation, name="conversation"),
    path("chat/<uuid:number>/rename", chat.rename, name="rename"),
    path("chat/<uuid:number>/delete", chat.delete, name="delete"),
    path("chat/<uuid:number>/share", chat.share, name="share"),
    path("chat/<uuid:number>/unshare", chat.unshare, name="unshare"),
    path("chat/<uuid:number>/show/<uuid:message>", chat.version, name="version"),
    path("chat/<uuid:number>/earlier/<uuid:message>", chat.earlier, name="earlier"),
    path("chat/<uuid:number>/export.<str:form>", chat.export, name="export"),
    path("compare/", compare.compare, name="compare"),
    path("compare/past/", compare.past, name="comparisons"),
    path("compare/<uuid:number>/", compare.comparison, name="comparison"),
    path("compare/<uuid:number>/vote", compare.vote, name="comparison-vote"),
    path("compare/<uuid:number>/flag", compare.flag, name="comparison-flag"),
    path("compare/<uuid:number>/delete", compare.delete, name="comparison-delete"),
    path("compare/keep/<uuid:lane>", compare.keep, name="lane-keep"),
    path("arena/", arena.arena, name="arena"),
    path("arena/leaderboard/", leaderboard.leaderboard, name="leaderboard"),
    path("arena/votes.jsonl", leaderboard.export, name="votes-export"),
    path("arena/past/", arena.past, name="battles"),
    path("arena/<uuid:number>/", arena.battle, name="battle"),
    path("arena/<uuid:number>/vote", arena.vote, name="battle-vote"),
    path("arena/<uuid:number>/delete", arena.delete, name="battle-delete"),
    path("arena/<uuid:number>/flag", arena.flag, name="battle-flag"),
    path("language/", set_language, name="set_language"),
    path("login/", doors.login, name="login"),
    path("logout/", doors.logout, name="logout"),
]
