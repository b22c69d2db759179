# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The front door for clients of the Model Context Protocol: ``/mcp``.

The library that speaks the protocol is loaded by the first message. ``door`` alone is imported before; processes that
answer pages and the API only never load it.
"""
