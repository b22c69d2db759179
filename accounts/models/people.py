# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""People: who signs in. A platform table; a person may belong to several organizations."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Lower

from codexos.kernel.ids import new_id


class Theme(models.TextChoices):
    """How pages look."""

    SYSTEM = "system", "System"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class PersonManager(BaseUserManager["Person"]):
    """Makes people; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        """Create a person who signs in by e-mail; without a password they cannot sign in by one."""
        person = self.model(email=email.lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(email=(username or "").lower())


class Person(AbstractBaseUser):
    """Somebody who signs in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_system_admin = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    groups = models.ManyToManyField(Group, blank=True, related_name="people", related_query_name="people")

    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    default_model = models.CharField(max_length=120, blank=True)
    # Whether somebody is written to whom a run asks something; the inbox shows it all the same.
    wants_question_mail = models.BooleanField(default=True, db_default=True)
    last_organization_id = models.UUIDField(null=True, blank=True)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name_plural = "people"
        constraints = [models.UniqueConstraint(Lower("email"), name="person_email_unique")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        words = (self.name or self.email.split("@")[0]).replace(".", " ").replace("-", " ").split()
        return "".join(word[0] for word in words[:2]).lower() or "?"

    @property
    def is_staff(self) -> bool:
        """Whether the admin console opens."""
        return self.is_system_admin

    @property
    def is_superuser(self) -> bool:
        """Whether Django's own permission checks pass: only the admin console asks."""
        return self.is_system_admin

    def has_perm(self, _permission: str, _thing: object = None) -> bool:
        """Answer Django's admin console; everything else asks the Actor."""
        return self.is_active and self.is_system_admin

    def has_perms(self, _permissions: list[str], _thing: object = None) -> bool:
        """See has_perm."""
        return self.is_active and self.is_system_admin

    def has_module_perms(self, _app: str) -> bool:
        """See has_perm."""
        return self.is_active and self.is_system_admin
