# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The envelope around a secret's value, and the keys it is closed with. Pure: no database, no network, no clock."""
