"""The same kind of row as everybody else's."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    locale = models.CharField(max_length=16, default="en-US")
    timezone = models.CharField(max_length=64, default="UTC")
