# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers that do not speak OpenAI's protocol: litellm says what to send and what came, the house sends it.

litellm never sees a key and never opens a connection: of it only the classes are used that translate requests and
chunks. So its retries, callbacks, telemetry, proxies and settings from the environment have nothing to act on.
"""
