# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of rag."""

from django.urls import path

from rag import views

urlpatterns = [
    path("files/", views.ProjectChoicePage.as_view(), name="files"),
    path("files/<str:project>/", views.FolderPage.as_view(), name="folder"),
    path("files/<str:project>/at/<path:path>", views.FilePage.as_view(), name="file"),
    path("files/<str:project>/delete/<path:path>", views.DeleteFilePage.as_view(), name="delete-file"),
]
