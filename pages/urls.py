"""The pages for people."""

from django.urls import path

from pages import doors
from pages.chat import views as chat

urlpatterns = [
    path("", chat.home, name="home"),
    path("chat/", chat.chat, name="chat"),
    path("chat/conversations", chat.conversations, name="conversations"),
    path("chat/shared/<str:token>/", chat.shared, name="shared"),
    path("chat/<uuid:number>/", chat.conversation, name="conversation"),
    path("chat/<uuid:number>/rename", chat.rename, name="rename"),
    path("chat/<uuid:number>/delete", chat.delete, name="delete"),
    path("chat/<uuid:number>/share", chat.share, name="share"),
    path("chat/<uuid:number>/unshare", chat.unshare, name="unshare"),
    path("chat/<uuid:number>/show/<uuid:message>", chat.version, name="version"),
    path("chat/<uuid:number>/export.<str:form>", chat.export, name="export"),
    path("login/", doors.login, name="login"),
    path("logout/", doors.logout, name="logout"),
]
