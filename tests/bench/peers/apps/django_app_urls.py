"""What is asked of Django: its packages' own sign-ins, and one view of one's own account for each."""

from django.contrib.auth import get_user_model
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from rest_framework import serializers
from rest_framework.generics import RetrieveAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework_simplejwt.views import TokenObtainPairView

FIELDS = ["id", "username", "email", "locale", "timezone", "is_active", "is_staff", "date_joined", "last_login"]


class Account(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = FIELDS


class Me(RetrieveAPIView):
    permission_classes = [IsAuthenticated]
    serializer_class = Account

    def get_object(self):
        return self.request.user


def session_me(request: HttpRequest) -> JsonResponse:
    """Without a framework: the least that a view of a session's user costs."""
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    return JsonResponse({name: getattr(request.user, name) for name in FIELDS})


urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/me/", Me.as_view()),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("session/me/", session_me),
]
