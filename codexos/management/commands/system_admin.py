# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Says who runs the platform."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Person
from accounts.operations.people import set_system_admin


class Command(BaseCommand):
    """bin/manage system_admin add|remove EMAIL"""

    help = "Make a person who has signed up a system admin, or end that. Their sessions end; the trail tells of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=["add", "remove"])
        parser.add_argument("email")

    def handle(self, *_args: Any, deed: str, email: str, **_options: Any) -> None:
        person = Person.objects.filter(email=email.lower()).first()
        if person is None:
            raise CommandError(f"Nobody has signed up as {email!r}. They sign up first, then run this again.")
        set_system_admin(person, is_system_admin=deed == "add")
        self.stdout.write(f"{person.email} {'is' if deed == 'add' else 'is no longer'} a system admin.")
