# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What runs CodexOS on one machine: embedded servers, processes, checks and measurements. Knows no Django."""
