# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The admin console at /admin/, for system admins: organizations, people, memberships, the audit trail.

It shows nothing that organizations made: no file, flow or run is registered here. What it reads across organizations
it reads under a platform token, which the database honors on the few tables that name it; what it changes, it changes
through operations. For everything else there is break-glass.
"""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin, TabularInline, display
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.middleware import work_in
from accounts.models import AuditEvent, BreakGlass, Membership, Organization, Person
from accounts.operations.break_glass import LONGEST_MINUTES, SHORTEST_REASON, enter_organization, leave_organization
from accounts.operations.people import disable_person, enable_person
from accounts.tenancy import OrganizationQuerySet, platform
from codexos.kernel.errors import CodexosError

View = Callable[..., HttpResponse]


class Console(AdminSite):
    """Opens to system admins alone, and reads everything in one transaction of the platform."""

    site_header = site_title = "CodexOS console"
    index_title = gettext_lazy("Platform")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the console exists for whoever asks."""
        person = request.user
        return bool(person.is_authenticated and person.is_active and person.is_system_admin)

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override]
        """Wrap a view: nobody signs in first, others find nothing, a system admin reads across organizations."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), reverse("account_login"))
            if not self.has_permission(request):
                raise Http404
            with platform(request.user.pk):
                response = inner(request, *args, **kwargs)
                # Its rows are read while it is rendered, so that has to happen in here.
                return response.render() if isinstance(response, SimpleTemplateResponse) else response

        return guarded

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send people to the one place where one signs in, with its second factor."""
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("admin:index"), reverse("account_login"))
        if not self.has_permission(request):
            raise Http404
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Send people to the one place where one signs out."""
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Send people to the one place where passwords are changed."""
        return redirect("account_change_password")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the routes, without the two that would look up any row of any table."""
        return [url for url in super().get_urls() if getattr(url, "name", "") not in {"view_on_site", "autocomplete"}]


class _Scoped:
    """Reads rows of every organization that the platform's token shows."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows, told why."""
        rows = super().get_queryset(request)  # type: ignore[misc]
        if isinstance(rows, OrganizationQuerySet):
            return rows.across_organizations(because="the console of system admins")
        return rows  # type: ignore[no-any-return]


class _Shown(_Scoped):
    """Is shown and never edited here: changes go through operations."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """System admins see it; nobody else gets this far."""
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """It stands in the list of what there is."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False


class MembershipRows(_Shown, TabularInline):  # type: ignore[type-arg]
    """The memberships of a person or an organization."""

    model = Membership
    extra = 0
    fields = ("organization", "person", "role", "created_at", "last_active_at")
    readonly_fields = fields
    ordering = ("organization__name", "person__email")


class _ShownAdmin(_Shown, ModelAdmin):  # type: ignore[type-arg]
    actions = None
    list_per_page = 50
    show_full_result_count = False


class ReasonForm(forms.Form):
    """Why, and for how long."""

    reason = forms.CharField(
        min_length=SHORTEST_REASON,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=gettext_lazy("The admins of the organization read it, in a mail and in their audit trail."),
    )
    minutes = forms.IntegerField(min_value=1, max_value=LONGEST_MINUTES, initial=30)


class OrganizationAdmin(_ShownAdmin):
    """Organizations, and the way into one."""

    list_display = ("name", "slug", "is_personal", "created_at")
    list_filter = ("is_personal", "created_at")
    search_fields = ("name", "slug")
    ordering = ("-id",)
    inlines = (MembershipRows,)
    change_form_template = "admin/accounts/organization/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the form of break-glass."""
        enter = self.admin_site.admin_view(self.enter)
        return [path("<uuid:organization_id>/enter/", enter, name="accounts_organization_enter"), *super().get_urls()]

    def enter(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Ask for a reason, then let the system admin in and lead them there."""
        organization = self.get_object(request, str(organization_id))
        if organization is None:
            raise Http404
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and _entered(request, form, organization):
            return redirect("home")
        context = {**self.admin_site.each_context(request), "form": form, "organization": organization}
        context |= {"opts": self.opts, "title": _("Enter %(name)s") % {"name": organization.name}}
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/accounts/organization/enter.html", context, status=status)


def _entered(request: HttpRequest, form: ReasonForm, organization: Organization) -> bool:
    reason, minutes = form.cleaned_data["reason"], form.cleaned_data["minutes"]
    try:
        enter_organization(_admin(request), organization_id=organization.pk, reason=reason, minutes=minutes)
    except CodexosError as error:
        form.add_error(None, error.message)
        return False
    work_in(request, organization.pk)
    return True


class PersonAdmin(_ShownAdmin):
    """People, whom one may disable."""

    list_display = ("email", "name", "is_active", "is_system_admin", "date_joined", "last_login")
    list_filter = ("is_active", "is_system_admin", "date_joined")
    search_fields = ("email", "name")
    ordering = ("-id",)
    fields = ("email", "name", "is_active", "is_system_admin", "date_joined", "last_login", "language", "time_zone")
    inlines = (MembershipRows,)
    change_form_template = "admin/accounts/person/change_form.html"
    deeds: ClassVar[dict[str, Callable[..., None]]] = {"disable": disable_person, "enable": enable_person}

    def get_urls(self) -> list[URLPattern]:
        """Add the two deeds."""
        view = self.admin_site.admin_view(self.change_door)
        return [path("<uuid:person_id>/door/<str:deed>/", view, name="accounts_person_deed"), *super().get_urls()]

    def change_door(self, request: HttpRequest, person_id: UUID, deed: str) -> HttpResponse:
        """Disable or enable a person."""
        person = self.get_object(request, str(person_id))
        if person is None or deed not in self.deeds or request.method != "POST":
            raise Http404
        try:
            self.deeds[deed](_admin(request), person=person)
        except CodexosError as error:
            messages.error(request, error.message)
        else:
            done = _("%(person)s can no longer sign in.") if deed == "disable" else _("%(person)s can sign in again.")
            messages.success(request, done % {"person": person.email})
        return HttpResponseRedirect(reverse("admin:accounts_person_change", args=[person.pk]))


class MembershipAdmin(_ShownAdmin):
    """Who belongs where."""

    list_display = ("person", "organization", "role", "created_at", "last_active_at")
    list_filter = ("role",)
    list_select_related = ("person", "organization")
    search_fields = ("person__email", "person__name", "organization__name", "organization__slug")
    fields = ("person", "organization", "role", "created_at", "last_active_at")
    ordering = ("-id",)


class AuditEventAdmin(_ShownAdmin):
    """Who did what, everywhere."""

    list_display = ("created_at", "organization", "actor_label", "action", "about_kind", "about_label", "under_glass")
    list_filter = ("created_at", "actor_kind")
    list_select_related = ("organization",)
    search_fields = ("actor_label", "action", "about_label", "about_id", "request_id", "address", "organization__slug")
    search_help_text = gettext_lazy("A person, a deed, a thing, an address, a request's id or an organization.")
    ordering = ("-id",)

    @display(boolean=True, description=gettext_lazy("break-glass"))
    def under_glass(self, event: AuditEvent) -> bool:
        """Whether it was done by a system admin who is no member."""
        return event.break_glass_id is not None


class BreakGlassAdmin(_ShownAdmin):
    """Which system admin is or was where, and why."""

    list_display = ("person", "organization", "reason", "created_at", "expires_at", "ended_at")
    list_select_related = ("person", "organization")
    search_fields = ("person__email", "organization__name", "organization__slug", "reason")
    fields = ("person", "organization", "reason", "created_at", "expires_at", "ended_at")
    ordering = ("-id",)
    change_form_template = "admin/accounts/breakglass/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the way out."""
        leave = self.admin_site.admin_view(self.leave)
        return [path("<uuid:entry_id>/leave/", leave, name="accounts_breakglass_leave"), *super().get_urls()]

    def leave(self, request: HttpRequest, entry_id: UUID) -> HttpResponse:
        """End one's own entry."""
        entry = self.get_object(request, str(entry_id))
        if entry is None or request.method != "POST" or entry.person_id != request.user.pk:
            raise Http404
        try:
            leave_organization(_admin(request), organization_id=entry.organization_id)
        except CodexosError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(reverse("admin:accounts_breakglass_change", args=[entry.pk]))


def _admin(request: HttpRequest) -> Person:
    if not isinstance(request.user, Person):
        raise Http404
    return request.user


console = Console(name="admin")
console.register(Organization, OrganizationAdmin)
console.register(Person, PersonAdmin)
console.register(Membership, MembershipAdmin)
console.register(AuditEvent, AuditEventAdmin)
console.register(BreakGlass, BreakGlassAdmin)
