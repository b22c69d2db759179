# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tool servers that speak the Model Context Protocol: read, pinned, and called in sessions.

``adapter`` alone is imported where flows are listed and checked; what loads the library that speaks the protocol is
imported by the first session.
"""
